"""Rows that are labelled, deleted and rolled back: who no longer sees them, kills, and two at once.

`DATASET_ASSETS_KILLS=100` kills more often.
"""

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dataset_assets.contract.row_operations import DeleteRows, LabelRows, RowOperation
from dataset_assets.errors import NotStoredError, PublishError, ResolveError, SupersededError, WhereError
from dataset_assets.lifecycle.change_rows import change_rows, rollback
from dataset_assets.lifecycle.row_change_report import ChangeReport, ChangeRequest
from dataset_assets.lifecycle.row_changes import ApplyOperation
from tests.engines.forked_process import Fork
from tests.publishing.kills import check_kills, label_values
from tests.publishing.shop import ITEMS, KEYED, Shop

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "5"))
NESTED = KEYED.replace(
    """        type: table
        name: items
        columns: [{name: item, type: integer, nullable: false}, {name: kind, type: string}]
""",
    """        type: dataset
        id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199
""",
)


def change(shop: Shop, operation: RowOperation, period: str | None = "2024-02", stem: str = "sales") -> Any:
    """Apply an operation a second later, and return what changed in the Period."""
    shop.now += timedelta(seconds=1)
    request = ChangeRequest(stem, str(uuid.uuid4()), shop.now, "ada", period)
    return change_rows(shop.target, shop.catalog, request, ApplyOperation(operation)).periods[0]


def roll_back(shop: Shop, version: int) -> ChangeReport:
    shop.now += timedelta(seconds=1)
    request = ChangeRequest("sales", str(uuid.uuid4()), shop.now, "ada")
    return rollback(shop.target, shop.catalog, request, version)


def record(shop: Shop, stem: str = "sales", period: str | None = "2024-02") -> Any:
    target = shop.target
    with target.engine.connect() as session:
        found = target.warehouse.current(stem, period, session)
    assert found
    return found.record


def test_deleted_rows_are_in_no_figure_and_stay_deleted(shop: Shop) -> None:
    first = shop.publish()
    count = first.counts.rows
    changed = change(shop, DeleteRows(where="line < 100"))
    told = record(shop)
    assert (changed.touched, changed.rows, changed.digest) == (100, count, told["digest"])
    assert told["digest"] != first.digest
    assert told["selected_digest"] == first.digest
    assert told["counts"]["rows"] == count - 100
    assert told["statistics"]["columns"]["line"]["min"] == 100
    assert sum(told["statistics"]["splits"].values()) == count - 100
    operation = {"kind": "delete", "by": "ada", "rows": 100, "where": "line < 100"}
    assert told["operation"] == operation
    again = shop.publish()
    assert again.table_version == changed.table_version, "nothing is due: the sources are as they were"
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales} WHERE line <> 5")
    later = shop.publish()
    assert later.counts.rows == later.counts.changed == count - 100
    assert record(shop)["deleted_rows"] == 99, "one was dropped by the source"
    assert sum(row["_deleted"] for row in shop.rows()) == 99
    assert later.statistics.columns["line"].min == 100


def test_a_nested_dataset_is_read_without_its_deleted_rows(shop: Shop) -> None:
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    shop.publish(None, stem="items")
    shop.publish()
    assert {row["category"] for row in shop.rows()} == {"kind 0", "kind 1", "kind 2"}
    change(shop, DeleteRows(where="kind = 'kind 1'"), None, "items")
    refreshed = shop.publish()
    assert refreshed.counts.changed > 0
    assert {row["category"] for row in shop.rows()} == {"kind 0", None, "kind 2"}


def test_a_rollback_holds_until_a_source_changes(shop: Shop) -> None:
    shop.publish()
    before = shop.rows()
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales} WHERE line % 2 = 0")
    shop.publish()
    report = roll_back(shop, 0)
    assert report.periods[0].touched == len(before)
    same = [{**row, "_updated_at": shop.now} for row in before]
    half = len(before) // 2
    counts = {"rows": len(before), "added": half, "changed": len(before) - half, "unchanged": 0, "removed": 0}
    assert record(shop)["counts"] == counts
    assert shop.rows() == same
    assert record(shop)["operation"]["to"] == 0
    assert shop.publish().table_version == report.periods[0].table_version
    assert roll_back(shop, report.periods[0].table_version or 0).touched == 0
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line > 3")
    assert shop.publish().counts.has_changes
    with pytest.raises(ResolveError, match="'sales' has no version 99"):
        roll_back(shop, 99)


def test_what_cannot_be_changed_is_refused_and_nothing_is_published(shop: Shop) -> None:
    with pytest.raises(NotStoredError, match="sales is not published"):
        change(shop, DeleteRows(where="line < 1"))
    shop.publish()
    with pytest.raises(NotStoredError, match="there is no publication of 2024-01"):
        change(shop, DeleteRows(where="line < 1"), "2024-01")
    with pytest.raises(WhereError, match="there is no column 'lin'"):
        change(shop, DeleteRows(where="lin < 1"))
    with pytest.raises(PublishError, match="no row of sales would be left"):
        change(shop, DeleteRows(where="line >= 0"))
    with pytest.raises(PublishError, match="no row of the split eval would be left"):
        change(shop, DeleteRows(where="split = 1"))
    assert record(shop).get("operation") is None
    assert not any(row["_deleted"] for row in shop.rows())
    assert not shop.store.leftovers()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_condition_on_a_sensitive_column_is_not_told(shop: Shop) -> None:
    shop.declare(KEYED.replace("{name: buyer, type: string,", "{name: buyer, type: string, sensitive: true,"))
    shop.publish()
    change(shop, LabelRows(where="user_id = 'b3'", set={"a": "b"}))
    assert record(shop)["operation"]["where"] == "(a condition on sensitive columns: user_id)"
    assert "b3" not in str(record(shop)["operation"])


def label_all(tell: Callable[[Any], None], shop: Shop, value: str) -> None:
    """Label every row in a process of its own."""
    shop.now = datetime.now(UTC)
    try:
        tell(change(shop, LabelRows(where="line >= 0", set={"attempt": value})).touched)
    except SupersededError:
        tell("superseded")


def test_kill_9_in_the_middle_of_an_operation_leaves_before_or_after(shop: Shop) -> None:
    shop.publish()
    check_kills(shop, label_all, "sales", KILLS, seed=5)


def test_of_two_at_once_both_succeed_or_one_says_that_it_was_overtaken(shop: Shop) -> None:
    shop.publish()
    rows = len(shop.rows())
    for attempt in range(2):
        crowd = [Fork.begun(label_all, shop, f"{attempt}{who}") for who in "ab"]
        told = [each for process in crowd for each in process.result()]
        assert set(told) <= {rows, "superseded"}
        assert rows in told
        assert len(label_values(shop)) == 1
