"""DuckDB's types, as a contract tells types apart."""

import re

from dataset_assets.ports.relation import PhysicalType

_NAMES = {
    PhysicalType.STRING: ("VARCHAR", "ENUM"),
    PhysicalType.INTEGER: (
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    ),
    PhysicalType.FLOAT: ("FLOAT", "DOUBLE"),
    PhysicalType.DECIMAL: ("DECIMAL",),
    PhysicalType.BOOLEAN: ("BOOLEAN",),
    PhysicalType.DATE: ("DATE",),
    PhysicalType.TIMESTAMP: ("TIMESTAMP WITH TIME ZONE",),
    PhysicalType.DATETIME: ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"),
}
_TYPES = {name: kind for kind, names in _NAMES.items() for name in names}
_PARAMETERS = re.compile(r"\(.*\)", re.DOTALL)


def physical_type(native: str) -> PhysicalType:
    """Of a type as DESCRIBE writes it. Lists, structs, maps and all the rest are OTHER."""
    if native.endswith("]"):
        return PhysicalType.OTHER
    return _TYPES.get(_PARAMETERS.sub("", native), PhysicalType.OTHER)
