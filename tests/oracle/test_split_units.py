"""Each unit is in one part and one fold, and stays there when rows come, go, or are in another order."""

import os
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.contract.model import Dataset
from tests.oracle.harness import connect, create, text_of
from tests.oracle.oracle import records
from tests.oracle.test_selection import BUYERS, CENTS, ITEM_IDS, SALES, WORDS, columns

CASES = 200 if os.environ.get("DATASET_ASSETS_PROVE") else 30
AS_OF = datetime(2021, 1, 1, tzinfo=UTC)
UNITS = st.sampled_from(["row", "user", "product", ["note"], ["user_id", "note"], ["revenue", "product_id"]])
FILTERS = st.sampled_from(
    [
        {},
        {"customer_filter": {"type": "min_transactions", "value": 1}},
        {"product_filter": {"type": "top_revenue_percent", "value": 100}},
        {"date_range": {"type": "rolling", "months": 3}},
    ]
)
"""Filters that keep a row whatever other rows there are."""


@pytest.fixture(scope="module")
def scratch():
    return connect()


def dataset(split: dict[str, Any], filters: dict[str, Any], key: list[str]) -> Dataset:
    mapping = {"user_id": "buyer", "product_id": "item", "timestamp": "sold_at", "revenue": "amount"}
    return Dataset.model_validate(
        {
            "name": "Sales",
            "owner": "someone",
            "natural_key_columns": key,
            "main_table": {"name": "sales", "columns": columns(SALES)},
            "column_mapping": mapping,
            "extra_columns": ["note"] if key else ["note", "id"],
            "filters": filters,
            "split_config": {"strategy": "random", **split},
        }
    )


def sales(random: Random, number: int) -> tuple:
    day = datetime(2020, 12, 1 + random.randrange(28), tzinfo=UTC)
    chosen = (random.choice(each) for each in (BUYERS, ITEM_IDS, CENTS, [1, 2], WORDS))
    return (number, *chosen, day)


def places(scratch: Any, chosen: Dataset, rows: list[tuple]) -> dict[int, dict[str, Any]]:
    """Return the selected rows by their ids."""
    create(scratch, "sales", SALES, rows)
    found = scratch.execute(text_of(scratch, chosen, AS_OF))
    names = [each[0] for each in found.description]
    return {row["id"]: row for row in records(names, found.fetchall())}


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {
            "unit": UNITS,
            "train_percent": st.integers(20, 60),
            "test_percent": st.integers(0, 30),
            "folds": st.none() | st.integers(2, 100),
            "seed": st.integers(0, 9),
        }
    ),
    st.booleans(),
    FILTERS,
    st.sampled_from([[], ["id"]]),
    st.integers(0, 2**32),
)
def test_units_stay_together_and_where_they_are(scratch, split, null_is_row, filters, key, seed):
    if null_is_row and split["unit"] != "row":
        split = {**split, "null_unit": "row"}
    random, chosen = Random(seed), dataset(split, filters, key)
    rows = [sales(random, number) for number in range(60)]
    found = places(scratch, chosen, rows)
    named = {"row": ["id"], "user": ["user_id"], "product": ["product_id"]}
    names = split["unit"] if isinstance(split["unit"], list) else named[split["unit"]]
    parts: dict[Any, set[Any]] = {}
    for row in found.values():
        unit = tuple(row[name] for name in names)
        own = row["id"] if "null_unit" in split and None in unit else None
        parts.setdefault((unit, own), set()).add((row["split"], row.get("fold")))
    assert all(len(each) == 1 for each in parts.values())
    assert {row["split"] for row in found.values()} <= set(range(3))
    assert all(0 <= row["fold"] < split["folds"] for row in found.values() if split["folds"])
    fewer = [row for row in rows if random.random() < 0.6]
    random.shuffle(fewer)
    again = places(scratch, chosen, fewer)
    assert again == {number: row for number, row in found.items() if number in again}
