"""The types of the columns that a `where` on published rows can read: published and system columns."""

from collections.abc import Iterable, Mapping

from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
from dataset_assets.sql.where.checks import LABELS

_TYPES: Mapping[str, str] = {
    "VARCHAR": "string",
    "TIMESTAMPTZ": "timestamp",
    "BOOLEAN": "boolean",
    LABELS_TYPE: LABELS,
}


def where_types(published: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the columns that `parse_where` accepts, name to type. `published` are those that users named."""
    return {**dict(published), **{each.name: _TYPES[each.sql_type] for each in SYSTEM_COLUMNS}}
