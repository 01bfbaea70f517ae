"""The types of the columns that a `where` on published rows can read: published and system columns."""

from collections.abc import Iterable, Mapping

from dataset_assets.contract.scope import Scope
from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS, SystemColumn
from dataset_assets.sql.where.checks import LABELS
from dataset_assets.sql.where.where import parse_where

_TYPES: Mapping[str, str] = {
    "VARCHAR": "string",
    "TIMESTAMPTZ": "timestamp",
    "BOOLEAN": "boolean",
    LABELS_TYPE: LABELS,
}


def reported_condition(text: str, scope: Scope) -> str:
    """Return a condition on a dataset's rows for reports: without values of sensitive columns (BR-206)."""
    outputs = [(each.name, each.definition) for each in scope.outputs]
    where = parse_where(text, where_types((name, each.type.value) for name, each in outputs))
    return where.reported({name for name, each in outputs if each.sensitive})


def where_types(
    published: Iterable[tuple[str, str]], system: Iterable[SystemColumn] = SYSTEM_COLUMNS
) -> dict[str, str]:
    """Return the columns that `parse_where` accepts, name to type. `published` are those that users named."""
    return {**dict(published), **{each.name: _TYPES[each.sql_type] for each in system}}
