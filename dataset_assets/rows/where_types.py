"""The types of the columns that a `where` on published rows can read: published and system columns."""

from collections.abc import Mapping

from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
from dataset_assets.ports.warehouse import Record
from dataset_assets.sql.where.checks import LABELS

_TYPES: Mapping[str, str] = {
    "VARCHAR": "string",
    "TIMESTAMPTZ": "timestamp",
    "BOOLEAN": "boolean",
    LABELS_TYPE: LABELS,
}


def recorded_where_types(record: Record) -> dict[str, str]:
    """Return the columns of the publication with this record for `parse_where`: name to type."""
    return {each["name"]: each["type"] for each in record["columns"]} | _system_types()


def _system_types() -> dict[str, str]:
    return {each.name: _TYPES[each.sql_type] for each in SYSTEM_COLUMNS}
