"""Map the names of DuckDB's types to the physical types that a contract distinguishes."""

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
    """Return the physical type for a name that DESCRIBE returns. Lists, structs and maps are OTHER."""
    if native.endswith("]"):
        return PhysicalType.OTHER
    return _TYPES.get(_PARAMETERS.sub("", native), PhysicalType.OTHER)
