"""Hold what the publications of job J by hand share: columns, constants, and the results of checks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

WINDOW = ("2017-07-01", "2018-01-01")
EVAL_TIME = "2017-12-18"

COLUMNS = {
    "user_id": "user_id",
    "product_id": "product_id",
    "timestamp": "timestamp",
    "revenue": "revenue",
    "category": "category",
    "transaction_id": "basket_id",
    "basket_id": "basket_id",
    "products__brand": "products__brand",
    "demographics__age": "demographics__age",
    "demographics__income": "demographics__income",
    "split": "split",
}
"""The published columns and the columns that hold their values: a transaction is a basket."""


class Lookup(NamedTuple):
    """A lookup's key and its published columns."""

    key: str
    columns: tuple[str, ...]


LOOKUPS = {
    "products": Lookup("product_id", ("category", "products__brand")),
    "demographics": Lookup("user_id", ("demographics__age", "demographics__income")),
}

ID_HEAD, ID_TAIL = "01a22c0b-5857-7", "-260681ab847f"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONSTANTS: Mapping[str, Any] = {
    "_source_dataset_id": "01a2001c-5bae-7b91-b4bb-a18b13ce11ed",
    "_source_table": "transactions",
    "_created_by_project_id": None,
    "_created_by_run_id": "run",
    "_created_at": NOW,
    "_updated_at": NOW,
    "_deleted": False,
    "_labels": [],
}
"""The system columns beside the row id, without the Period, whose value a partition's folder holds."""

NOT_NULL = ("user_id", "product_id", "timestamp", "transaction_id", "basket_id", "split")


def checks(
    *,
    is_declared: bool,
    statistics: Mapping[str, Any],
    repeated_lookups: Sequence[str],
    repeated_keys: int,
    unmatched: Mapping[str, int],
    leaked: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Return whether each check passed, and its figures. `is_declared` says it of the file's schema."""
    nulls = {name: n for name in NOT_NULL if (n := statistics["columns"][name]["null_count"])}
    rows, splits = statistics["row_count"], statistics["splits"]
    missing = {name: count for name, count in unmatched.items() if count}
    results = {
        "declared_schema": (is_declared, {}),
        "lookups_unique": (not repeated_lookups, {}),
        "not_empty": (rows > 0, {"rows": rows}),
        "not_null": (not nulls, nulls),
        "natural_key_unique": (not repeated_keys, {}),
        "split_not_empty": (all(splits.values()), splits),
        "leak": (not any(count for name, count in leaked.items() if name.endswith("leaked")), leaked),
        "duplicates_across_splits": (True, {"rows": 0}),  # equal rows have one time, and so one part
        "lookups_matched": (not missing, missing),
    }
    return [{"name": name, "passed": passed, "metadata": each} for name, (passed, each) in results.items()]
