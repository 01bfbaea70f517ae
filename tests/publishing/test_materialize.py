"""Publish one Period from its file to the warehouse, over real tables, with equal results on every engine."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dataset_assets.checks.results import AuditError
from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import ContractError, LockError, ResolveError
from dataset_assets.publishing.publish_outcome import RefreshCounts
from tests.publishing.shop import ITEMS, KEYED, KEYLESS, SALES, Shop

FEBRUARY = -(-60 * 1440 // 70)  # one every seventy minutes of the two months before March


def test_a_publication_has_a_complete_record(shop: Shop) -> None:
    done = shop.publish()
    assert done.counts == RefreshCounts(done.counts.rows, done.counts.rows, 0, 0, 0)
    assert done.as_of == datetime(2024, 3, 1, tzinfo=UTC)
    assert done.counts.rows == FEBRUARY
    assert done.split_sizes == {"train": FEBRUARY - done.split_sizes["eval"], "eval": 206}
    assert (done.version.number, done.version.pending, done.table_version) == (1, False, 0)
    assert [check.name for check in done.checks if not check.passed] == []
    assert set(done.sources) == {"files/sales", "files/items"}
    assert done.statistics.columns["user_id"].cardinality == 37
    assert "enriched_transactions" in done.sql
    assert json.loads(json.dumps(done.record))["definition"]["name"] == "Sales"
    assert done.record["window"] == ["2024-01-01T00:00:00+00:00", "2024-03-01T00:00:00+00:00"]


def test_the_rows_are_typed_and_stamped(shop: Shop) -> None:
    done = shop.publish()
    first = shop.rows()[0]
    assert list(first)[:6] == ["user_id", "product_id", "timestamp", "revenue", "category", "line"]
    assert first["revenue"] == Decimal(0)
    assert first["timestamp"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert first["_period"] == "2024-02"
    assert first["_created_by_run_id"] == done.record["run_id"]
    assert {column.name: column.type for column in done.columns}["revenue"] is ColumnType.DECIMAL


def test_a_refresh_of_an_unchanged_source_changes_nothing(shop: Shop) -> None:
    first = shop.publish()
    before = shop.rows()
    shop.rewrite_sales("SELECT * FROM {sales} ORDER BY hash(line)")
    again = shop.publish()
    assert again.counts == RefreshCounts(FEBRUARY, 0, 0, FEBRUARY, 0)
    assert again.digest == first.digest
    assert again.table_version == first.table_version, "the publication stands"
    assert shop.rows() == before


@pytest.mark.parametrize("text", [KEYED, KEYLESS])
def test_a_refresh_reports_exactly_what_changed_and_keeps_the_rest(shop: Shop, text: str) -> None:
    shop.declare(text)
    shop.publish()
    before = {row["line"]: row for row in shop.rows()}
    shop.rewrite_sales("""
      SELECT * REPLACE (CASE WHEN line < 100 THEN price + 1 ELSE price END AS price) FROM {sales}
      WHERE line NOT BETWEEN 200 AND 249
      UNION ALL
      SELECT 100000 + i, 'new', 1, 2.5, TIMESTAMP '2024-02-03' + i * INTERVAL 1 SECOND FROM range(70) AS t(i)
    """)
    done = shop.publish()
    after = {row["line"]: row for row in shop.rows()}
    if text is KEYED:
        assert done.counts == RefreshCounts(FEBRUARY + 20, 70, 100, FEBRUARY - 150, 50)
        assert all(after[line]["_row_id"] == before[line]["_row_id"] for line in range(100))
        assert {after[line]["_updated_at"] for line in range(100)} == {shop.now}
    else:  # without a key a changed row is another row
        assert done.counts == RefreshCounts(FEBRUARY + 20, 170, 0, FEBRUARY - 150, 150)
    assert all(after[line] == before[line] for line in before if line in after and line >= 100)
    added = [row for line, row in after.items() if line >= 100_000]
    assert min(row["_row_id"] for row in added) > max(row["_row_id"] for row in before.values())


def test_every_publication_can_be_read_back(shop: Shop) -> None:
    first = shop.publish()
    rows = shop.rows()
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line % 2 = 0")
    shop.publish()
    assert len(shop.rows()) < len(rows)
    assert shop.rows(version=first.table_version) == rows


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_threads_change_nothing(shop: Shop) -> None:
    digests = set()
    for threads in (1, 2, 4):
        shop.use_target(threads=threads)
        shop.declare(KEYED.replace("a18b13ce1100", f"a18b13ce110{threads}"), f"sales_{threads}")
        digests.add(shop.publish(stem=f"sales_{threads}").digest)
    assert len(digests) == 1


def test_new_rows_sort_after_old_ones_if_the_clock_goes_back(shop: Shop) -> None:
    shop.publish()
    newest = shop.rows()[-1]["_row_id"]
    shop.rewrite_sales("SELECT * FROM {sales} UNION ALL SELECT 9999999, 'x', 1, 1, TIMESTAMP '2024-01-02'")
    shop.publish(now=shop.now - timedelta(days=3))
    assert shop.rows()[-1]["line"] == 9999999
    assert shop.rows()[-1]["_row_id"] > newest


BROKEN_ROWS = {
    "natural_key_unique": "SELECT * FROM {sales} UNION ALL SELECT * FROM {sales} WHERE line = 7",
    "not_null": "SELECT * REPLACE (CASE WHEN line = 7 THEN NULL ELSE buyer END AS buyer) FROM {sales}",
    "not_empty": "SELECT * FROM {sales} WHERE sold_at > TIMESTAMP '2030-01-01'",
    "split_not_empty": "SELECT * FROM {sales} WHERE sold_at < TIMESTAMP '2024-02-01'",
}


def test_a_blocking_check_keeps_the_previous_publication(shop: Shop) -> None:
    shop.publish()
    before, sales = shop.rows(), f"({SALES.format(rows=1500)})"
    for check, query in BROKEN_ROWS.items():
        shop.write("sales", query.format(sales=sales))
        with pytest.raises((AuditError, ResolveError), match=check if check != "not_null" else "NULL"):
            shop.publish()
        assert shop.rows() == before, check
        assert not shop.store.leftovers(), check


def test_a_lookup_that_would_multiply_rows_blocks_with_its_count(shop: Shop) -> None:
    shop.write("items", "SELECT i % 10 AS item, 'kind' AS kind FROM range(12) AS t(i)")
    sentence = r"lookup items has 2 keys more than once, such as item 0 \(2 times\); make it unique"
    with pytest.raises(AuditError, match=sentence) as failure:
        shop.publish()
    assert [check.name for check in failure.value.checks] == ["lookups_unique"]


def test_unmatched_rows_of_a_lookup_are_reported_and_do_not_block(shop: Shop) -> None:
    shop.write("items", "SELECT i AS item, 'kind' AS kind FROM range(10) AS t(i)")
    done = shop.publish()
    found = {check.name: check for check in done.checks}["lookups_matched"]
    assert not found.passed
    assert not found.blocking
    assert found.metadata == {"items": len([row for row in shop.rows() if row["product_id"] == 10])}


def test_all_schema_violations_are_reported_at_once(shop: Shop) -> None:
    shop.rewrite_sales("SELECT line, buyer, 'x' AS item, sold_at FROM {sales}")
    with pytest.raises(ResolveError) as failure:
        shop.publish()
    assert {fault.field for fault in failure.value.faults} == {"sales.item", "sales.price"}


def test_a_locked_target_refuses_an_unlocked_version(shop: Shop) -> None:
    with pytest.raises(LockError, match="dataset-assets lock"):
        shop.publish(locked=True)
    shop.publish()
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line > 3")
    assert shop.publish(locked=True).version.number == 1


def test_a_structural_change_is_the_next_version_and_keeps_the_ids(shop: Shop) -> None:
    shop.publish()
    ids = {row["line"]: row["_row_id"] for row in shop.rows()}
    shop.declare(KEYED.replace("  filters:", "  extra_columns: [buyer]\n  filters:"))
    done = shop.publish()
    assert (done.version.number, done.version.kind) == (2, "additive")
    assert done.counts == RefreshCounts(FEBRUARY, 0, FEBRUARY, 0, 0)
    assert {row["line"]: row["_row_id"] for row in shop.rows()} == ids
    assert shop.rows()[0]["buyer"] == "b0"


def test_a_broken_file_is_refused_with_its_position(shop: Shop) -> None:
    shop.declare(KEYED.replace("[line]", "[lime]"))
    with pytest.raises(ContractError, match=r"sales\.yaml:6:\d+: dataset\.natural_key_columns\[0\]"):
        shop.publish()


def test_a_nested_dataset_is_read_from_its_publication(shop: Shop) -> None:
    shop.declare(ITEMS, "known_items")
    target = "{type: dataset, id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199}"
    start, end = KEYED.index("    - target:"), KEYED.index("      join_conditions")
    nesting = KEYED[:start] + f"    - alias: items\n      target: {target}\n" + KEYED[end:]
    shop.declare(nesting)
    with pytest.raises(ResolveError, match="materialize known_items first"):
        shop.publish()
    shop.publish(None, "known_items")
    done = shop.publish()
    assert set(done.sources) == {"files/sales", "datasets/known_items"}
    assert {row["category"] for row in shop.rows()} == {"kind 0", "kind 1", "kind 2"}


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_table_rewritten_by_another_tool_is_refused_and_kept(shop: Shop) -> None:
    shop.publish()
    for record in shop.root.glob("warehouse/sales/_records/**/*.json"):
        record.unlink()
    with pytest.raises(ResolveError, match="rewritten by another tool"):
        shop.publish()


def test_a_newly_sensitive_column_replaces_the_previous_publication(shop: Shop) -> None:
    assert shop.publish().statistics.columns["user_id"].sample_values
    shop.declare(KEYED.replace("{name: buyer, ", "{name: buyer, sensitive: true, "))
    done = shop.publish()
    assert done.version.number == 1
    assert done.statistics.columns["user_id"].sensitive
    assert "b36" not in done.statistics.model_dump_json()
