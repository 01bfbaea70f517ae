"""Outputs of Projects on every store: lookups joined when they are read, checks, kills, and what is refused.

The rows are tested by random operations in `test_row_operations.py`. `DATASET_ASSETS_KILLS=100` kills more.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlglot import exp

from dataset_assets.checks.results import AuditError
from dataset_assets.contract.row_operations import DeleteRows, LabelRows
from dataset_assets.errors import LockError, PublishError, ResolveError, SupersededError
from dataset_assets.publishing.runtime_output import is_joined_at_runtime, with_lookups
from dataset_assets.rows.visible_rows import visible_relation
from tests.publishing.kills import check_kills
from tests.publishing.shop import ITEMS, KEYED, Shop
from tests.publishing.test_row_changes import NESTED, change

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "5"))
PROJECT = """
project:
  id: 01a2001c-5bb6-78a2-b67e-09700bdd3521
  name: Campaign
  owner: ada
  datasets: [sales]
  operations:
"""
NAMED = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1155
  name: Named
  owner: ada
  natural_key_columns: [staged]
  main_table:
    name: named
    columns:
{columns}"""
BUYERS = "{type: label, where: \"user_id = 'b3'\", set: {who: b3}}"
OUTPUT = "{type: output, name: o}"
OUT = "campaign__o"


def declare(shop: Shop, *steps: str) -> None:
    shop.declare_project(PROJECT + "".join(f"    - {each}\n" for each in steps))


def joined(shop: Shop, period: str = "2024-02") -> list[Any]:
    """The rows of the output as a reader has them, in the order of their ids."""
    target, catalog = shop.target, shop.catalog
    with target.engine.connect() as session:
        found = target.warehouse.current(OUT, period, session)
        assert found
        assert is_joined_at_runtime(found.record)
        whole = with_lookups(found, catalog, target, session, datetime.now(UTC))
        rows = session.rows(exp.select("*").from_(visible_relation(whole).source))
    return sorted(rows, key=lambda row: row["_row_id"])


def content(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def test_runtime_lookups_are_as_they_are_when_somebody_reads(shop: Shop) -> None:
    shop.publish()
    declare(shop, "{type: output, name: o, joins: runtime}")
    done = shop.publish_output(OUT)
    assert [each.name for each in done.columns] == [
        "user_id",
        "product_id",
        "timestamp",
        "revenue",
        "line",
        "split",
    ]
    assert [content(row) for row in joined(shop)] == [content(row) for row in shop.rows()]
    shop.write("items", "SELECT i AS item, 'new ' || i % 2 AS kind FROM range(10) AS t(i)")
    assert {row["category"] for row in joined(shop)} == {"new 0", "new 1", None}
    assert {row["category"] for row in shop.rows()} == {"kind 0", "kind 1", "kind 2"}
    assert [row["_row_id"] for row in joined(shop)] == [row["_row_id"] for row in shop.rows()]
    shop.write("items", "SELECT i % 5 AS item, 'kind' AS kind FROM range(11) AS t(i)")
    with pytest.raises(ResolveError, match="lookup items has 5 keys more than once"):
        joined(shop)


@pytest.mark.parametrize("store", ["bigquery"], indirect=True)
def test_bigquery_has_a_view_with_the_lookups_of_today(shop: Shop) -> None:
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    shop.publish(None, stem="items")
    for period in ("2024-01", "2024-02"):
        shop.publish(period)
    declare(shop, "{type: output, name: o, joins: runtime, include_deleted: true}")
    for period in ("2024-01", "2024-02"):
        shop.publish_output(OUT, period)
    change(shop, DeleteRows(where="kind = 'kind 1'"), None, "items")
    target = shop.target
    with target.engine.connect() as session:
        view = exp.select("*").from_(target.warehouse.whole_table(f"{OUT}_joined"))
        rows = sorted(session.rows(view), key=lambda row: row["_row_id"])
    read = sorted([*joined(shop, "2024-01"), *joined(shop)], key=lambda row: row["_row_id"])
    assert rows == read
    assert {row["category"] for row in rows} == {"kind 0", None, "kind 2"}


def test_an_output_follows_labels_and_deletes_of_its_dataset(shop: Shop) -> None:
    shop.publish()
    declare(shop, BUYERS, OUTPUT)
    first = shop.publish_output(OUT)
    assert first.record["output"]["operations"][0]["rows"] == sum(r["user_id"] == "b3" for r in shop.rows())
    change(shop, LabelRows(where="line = 100", set={"seen": "yes"}))
    second = shop.publish_output(OUT)
    assert (second.counts.changed, second.counts.added) == (1, 0)
    assert second.digest == first.digest, "labels are no content"
    assert [row["_updated_at"] for row in shop.rows(stem=OUT) if row["line"] == 100] == [shop.now]
    assert shop.publish_output(OUT).table_version == second.table_version
    shop.rewrite_sales("SELECT * REPLACE (price AS price) FROM {sales}")
    shop.publish()
    assert shop.publish_output(OUT).table_version == second.table_version, "equal rows end the cascade"


def test_what_no_output_may_be_is_refused_and_nothing_is_published(shop: Shop) -> None:
    declare(shop, OUTPUT)
    with pytest.raises(ResolveError, match="sales of 2024-02 is not published yet; materialize sales first"):
        shop.publish_output(OUT)
    shop.publish()
    declare(shop, "{type: delete, where: line >= 0}", OUTPUT)
    with pytest.raises(AuditError, match="0 rows were selected"):
        shop.publish_output(OUT)
    declare(shop, "{type: delete, where: split = 1}", OUTPUT)
    with pytest.raises(AuditError, match="eval would be empty"):
        shop.publish_output(OUT)
    assert not shop.rows(stem=OUT)
    declare(shop, OUTPUT)
    with pytest.raises(LockError, match="version 1 of the project campaign is not in its lock"):
        shop.publish_output(OUT, locked=True)
    done = shop.publish_output(OUT)
    assert done.version.number == 1
    assert shop.publish_output(OUT, locked=True).table_version == done.table_version
    with pytest.raises(PublishError, match="campaign__o is an output, which each run of its project"):
        change(shop, LabelRows(where="line = 1", set={"a": "b"}), stem=OUT)
    assert not shop.store.leftovers()


def test_periods_of_other_columns_are_not_mixed(shop: Shop) -> None:
    shop.publish("2024-01")
    shop.declare(KEYED.replace("  filters:", "  extra_columns: [items.item]\n  filters:"))
    shop.publish("2024-02")
    declare(shop, "{type: reperiod, where: line = 1, to: 2024-02}", OUTPUT)
    with pytest.raises(ResolveError, match="sales has other columns in 2024-01 than in 2024-02"):
        shop.publish_output(OUT)


def test_a_column_that_becomes_sensitive_is_shown_no_more(shop: Shop) -> None:
    shop.publish()
    declare(shop, BUYERS, OUTPUT)
    first = shop.publish_output(OUT)
    assert first.record["statistics"]["columns"]["user_id"]["sample_values"]
    assert "user_id = 'b3'" in str(first.record["output"])
    shop.declare(KEYED.replace("{name: buyer, type: string,", "{name: buyer, type: string, sensitive: true,"))
    shop.publish()
    second = shop.publish_output(OUT)
    assert second.record["statistics"]["columns"]["user_id"]["sensitive"]
    assert "b3" not in str(second.record["statistics"])
    assert "b3" not in str(second.record["output"]["operations"][0]["where"])


def test_rows_move_to_a_period_that_was_never_published_and_from_no_other(shop: Shop) -> None:
    shop.publish("2024-01")
    move = "{type: reperiod, where: product_id = 3, to: 2024-02}"
    declare(shop, move, OUTPUT)
    shop.publish_output(OUT, "2024-02")
    shop.publish_output(OUT, "2024-01")
    moved, left = shop.rows("2024-02", stem=OUT), shop.rows("2024-01", stem=OUT)
    assert {(row["product_id"], row["_period"]) for row in moved} == {(3, "2024-02")}
    assert 3 not in {row["product_id"] for row in left}
    assert len(moved) + len(left) == len(shop.rows("2024-01"))


NAMES = ("stamped", "marked", "rows_before", "staged", "present", "before", "before_rows")


def test_columns_may_have_the_names_that_queries_use(shop: Shop) -> None:
    listed = "".join(f"      - {{name: {name}, type: integer, nullable: false}}\n" for name in NAMES)
    shop.declare(NAMED.format(columns=listed), "named")
    selected = ", ".join(f"{number} + i AS {name}" for number, name in enumerate(NAMES))
    shop.write("named", f"SELECT {selected} FROM range(3) AS t(i)")
    shop.publish(None, stem="named")
    steps = "\n".join(f"    - {{type: label, where: {name} > 1, set: {{{name}: 'yes'}}}}" for name in NAMES)
    shop.declare_project(PROJECT.replace("[sales]", "[named]") + steps + "\n    - {type: output, name: o}\n")
    for turn in range(2):
        done = shop.publish_output(OUT, None)
        assert done.counts.rows == 3
        change(shop, LabelRows(where=f"{NAMES[turn]} >= 0", set={"turn": str(turn)}), None, "named")
    assert shop.publish_output(OUT, None).counts.changed == 3


def publish_labelled(tell: Callable[[Any], None], shop: Shop, value: str) -> None:
    """Publish the output with another label on every row, in a process of its own."""
    shop.now = datetime.now(UTC)
    declare(shop, f"{{type: label, where: line >= 0, set: {{attempt: '{value}'}}}}", OUTPUT)
    try:
        tell(shop.publish_output(OUT).counts.rows)
    except SupersededError:
        tell("superseded")


def test_kill_9_in_the_middle_of_a_run_leaves_before_or_after(shop: Shop) -> None:
    shop.publish()
    check_kills(shop, publish_labelled, OUT, KILLS, seed=6)
