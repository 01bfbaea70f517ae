"""A change that moves rows between train and eval is breaking and reported as such; others are not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dataset_assets.catalog.structures import structure
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.structural_diff import difference
from dataset_assets.periods.instants import AsOf
from tests.oracle.test_selection import columns, lookup

SALES = {"id": "BIGINT", "buyer": "BIGINT", "item": "BIGINT", "note": "VARCHAR", "sold_at": "TIMESTAMPTZ"}
BY_ROW = {"strategy": "random", "train_percent": 50}
MAPPING = {"user_id": "buyer", "product_id": "item", "timestamp": "sold_at"}
MOVES = "rows move between train and eval"


def dataset(**changes: Any) -> Dataset:
    given = {
        "name": "Sales",
        "owner": "someone",
        "main_table": {"name": "sales", "columns": columns(SALES)},
        "lookups": [lookup("items", "item", "item")],
        "column_mapping": MAPPING,
        "extra_columns": ["id"],
        "split_config": BY_ROW,
    }
    kept = {name: value for name, value in (given | changes).items() if value is not None}
    return Dataset.model_validate(kept)


def key(of: Dataset) -> list[str]:
    """Return the columns whose values the split hashes."""
    scope = Scope(of, lambda _: None)
    inputs = SelectionInput(scope, logical_relations(scope), AsOf(datetime(2020, 4, 1, tzinfo=UTC)))
    return [reference.column.name for reference in inputs.row_key]


WIDER = {"name": "sales", "columns": columns({**SALES, "size": "BIGINT"})}
TURNED = {"name": "sales", "columns": columns(dict(reversed(SALES.items())))}
BY_TIME = {"strategy": "time_based", "eval_days": 3}
FROM_ITEMS = {"user_id": "items.item", "product_id": "items.kind", "timestamp": "items.price"}
UNMAPPED = {"column_mapping": None, "extra_columns": None}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an extra column more": ({}, {"extra_columns": ["id", "note"]}, "breaking"),
    "an extra column of a lookup more": ({}, {"extra_columns": ["id", "items.kind"]}, "additive"),
    "extra columns in another order": (
        {"extra_columns": ["id", "note"]},
        {"extra_columns": ["note", "id"]},
        "breaking",
    ),
    "a concept more": ({}, {"column_mapping": {**MAPPING, "city": "note"}}, "breaking"),
    "a concept of a lookup more": ({}, {"column_mapping": {**MAPPING, "city": "items.kind"}}, "additive"),
    "an extra column that is a concept's": ({}, {"extra_columns": ["id", "buyer"]}, "breaking"),
    "a column that is not published": ({}, {"main_table": WIDER}, "additive"),
    "columns in another order": ({}, {"main_table": TURNED}, "additive"),
    "a column, unmapped": (UNMAPPED, {**UNMAPPED, "main_table": WIDER}, "breaking"),
    "another order, unmapped": (UNMAPPED, {**UNMAPPED, "main_table": TURNED}, "breaking"),
    "a column, all from a lookup": (
        {"column_mapping": FROM_ITEMS, "extra_columns": []},
        {"column_mapping": FROM_ITEMS, "extra_columns": [], "main_table": WIDER},
        "breaking",
    ),
    "an extra column more, with a key": (
        {"natural_key_columns": ["id"]},
        {"natural_key_columns": ["id"], "extra_columns": ["id", "note"]},
        "additive",
    ),
    "an extra column more, by user": (
        {"split_config": {**BY_ROW, "unit": "user"}},
        {"split_config": {**BY_ROW, "unit": "user"}, "extra_columns": ["id", "note"]},
        "additive",
    ),
    "an extra column more, by product": (
        {"split_config": {**BY_ROW, "unit": "product"}},
        {"split_config": {**BY_ROW, "unit": "product"}, "extra_columns": ["id", "note"]},
        "additive",
    ),
    "an extra column more, rows without a user by themselves": (
        {"split_config": {**BY_ROW, "unit": "user", "null_unit": "row"}},
        {"split_config": {**BY_ROW, "unit": "user", "null_unit": "row"}, "extra_columns": ["id", "note"]},
        "breaking",
    ),
    "an extra column more, by time": (
        {"split_config": BY_TIME},
        {"split_config": BY_TIME, "extra_columns": ["id", "note"]},
        "additive",
    ),
    "an extra column more, no split": (
        {"split_config": None},
        {"split_config": None, "extra_columns": ["id", "note"]},
        "additive",
    ),
    "a first split": ({"split_config": None}, {"extra_columns": ["id", "note"]}, "additive"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_that_move_rows_are_breaking(name):
    old, new, kind = CHANGES[name]
    before, after = dataset(**old), dataset(**new)
    found = difference(structure(before), structure(after))
    assert found.kind == kind, found.summary
    moved = key(before) != key(after) and before.split_config == after.split_config
    by_row = "row" in [getattr(after.split_config, setting, None) for setting in ("unit", "null_unit")]
    assert (MOVES in found.summary) == (moved and by_row)
