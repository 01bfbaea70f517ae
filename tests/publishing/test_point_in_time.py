"""A publication reads its lookups as of the time of each row, and says what a plain join would have leaked.

It is refused if a lookup has several answers for one instant (BR-132).
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.checks.audit import CHECKS
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.staleness.plan import Plan, plans
from tests.publishing.shop import KEYED, USERS, Shop

START, END = KEYED.index("  lookups:"), KEYED.index("  column_mapping:")
PRICED = (
    KEYED[:START]
    + """  lookups:
    - alias: listed
      target:
        type: table
        name: prices
        columns:
          - {name: item, type: integer}
          - {name: changed, type: timestamp}
          - {name: ended, type: timestamp}
          - {name: revision, type: integer}
          - {name: list_price, type: decimal}
      join_conditions: [{source_column: item, target_column: item}]
      as_of: AS_OF
"""
    + KEYED[END:]
    .replace("revenue: price, category: items.kind", "revenue: price")
    .replace("  filters:", "  extra_columns: [item, listed.list_price]\n  filters:")
)
CHANGES = "{column: changed}"
LISTED = """
SELECT * FROM (VALUES
  (0, TIMESTAMP '2023-01-01', TIMESTAMP '2024-02-01', 1, 10.00),
  (0, TIMESTAMP '2024-02-01', TIMESTAMP '2024-02-10 12:00:00', 1, 12.50),
  (0, TIMESTAMP '2024-02-10 12:00:00', NULL, 1, 9.99),
  (1, TIMESTAMP '2024-02-15', NULL, 1, 5.00),
  (2, TIMESTAMP '2023-12-30', TIMESTAMP '2024-02-03', 1, 7.00)
) AS t(item, changed, ended, revision, list_price)
"""
"""Item 0 has three prices, item 1 gets its first one late, that of item 2 becomes old; no other has any."""


def declare(shop: Shop, as_of: str, listed: str = LISTED) -> None:
    shop.write("prices", listed)
    shop.declare(PRICED.replace("AS_OF", as_of))


def expected(row: Mapping[str, Any], as_of: str) -> Decimal | None:
    """Return the price of a sale, as a person would find it in the list."""
    at, item = row["timestamp"], row["item"]
    if item == 0:
        return Decimal(10) if at < day(1) else Decimal("12.5") if at < LAST[0] else Decimal("9.99")
    if item == 1:
        return Decimal(5) if at >= LAST[1] else None
    is_open = as_of == CHANGES or at < day(3)
    return Decimal(7) if item == 2 and is_open else None


def day(number: int, hour: int = 0) -> datetime:
    """Return an instant of February 2024."""
    return datetime(2024, 2, number, hour, tzinfo=UTC)


LAST = {0: day(10, 12), 1: day(15), 2: datetime(2023, 12, 30, tzinfo=UTC)}
"""The last change of each item's price."""


@pytest.mark.parametrize("as_of", [CHANGES, "{from: changed, to: ended}"])
def test_a_row_has_the_price_of_its_time(shop: Shop, as_of: str) -> None:
    declare(shop, as_of)
    done = shop.publish()
    rows = shop.rows()
    assert len(rows) == done.counts.rows > 1000
    assert [row["listed__list_price"] for row in rows] == [expected(row, as_of) for row in rows]
    found = check(done)
    assert found.passed
    later = sum(row["item"] in LAST and row["timestamp"] < LAST[row["item"]] for row in rows)
    known = sum(row["listed__list_price"] is not None for row in rows)
    before = sum(row["item"] > 2 for row in rows) + sum(
        row["item"] == 1 and row["listed__list_price"] is None for row in rows
    )
    assert found.metadata == {
        "listed_without_time": 0,
        "listed_nothing_before": before,
        "listed_outdated": len(rows) - known - before,
        "listed_later": later,
        "listed_undated": 0,
    }
    words = (
        f"a plain join of the latest row of listed would have given {later:,} of {len(rows):,} rows a value"
    )
    assert found.message.startswith(words)


def check(done: Materialization, name: str = "known_in_time") -> CheckResult:
    return {each.name: each for each in done.checks}[name]


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_change_of_exactly_the_greatest_age_counts(shop: Shop) -> None:
    as_of = "{column: changed, max_age: 35d}"
    declare(shop, as_of)
    shop.rewrite_sales(
        "SELECT * FROM {sales} WHERE item <> 2 UNION ALL SELECT * FROM (VALUES"
        " (90001, 'b1', 2, 1.0, TIMESTAMP '2024-02-03'),"
        " (90002, 'b1', 2, 1.0, TIMESTAMP '2024-02-03 00:00:00.000001')) AS t"
    )
    done = shop.publish()
    found = {row["line"]: row["listed__list_price"] for row in shop.rows()}
    assert (found[90001], found[90002]) == (Decimal(7), None)
    assert check(done).metadata["listed_outdated"] > 0
    assert not check(done, "lookups_matched").passed


TIES = LISTED.replace(") AS t", ", (0, TIMESTAMP '2024-02-01', NULL, 2, 13.00)) AS t")


def test_two_rows_of_one_key_and_time_block_a_publication_unless_they_are_ordered(shop: Shop) -> None:
    declare(shop, CHANGES, TIES)
    sentence = (
        r"lookup listed has 1 keys more than once at one time, such as item 0, changed .*2024-02-01.* "
        r"\(2 times\); make it unique, or say by `latest_by` which row counts"
    )
    with pytest.raises(AuditError, match=sentence):
        shop.publish()
    declare(shop, "{column: changed, latest_by: [revision]}", TIES)
    shop.publish()
    assert {row["listed__list_price"] for row in shop.rows() if row["item"] == 0} == {
        Decimal(10),
        Decimal(13),
        Decimal("9.99"),
    }


def test_intervals_that_overlap_block_a_publication(shop: Shop) -> None:
    declare(shop, "{from: changed, to: ended}", TIES)
    sentence = (
        r"lookup listed has 1 keys with intervals that overlap, such as item 0 \(2 times\); "
        "let each interval end where the next one begins"
    )
    with pytest.raises(AuditError, match=sentence):
        shop.publish()


def test_rows_of_a_lookup_without_a_time_are_counted_and_never_found(shop: Shop) -> None:
    declare(shop, CHANGES, LISTED.replace(") AS t", ", (0, NULL, NULL, 2, 77.00)) AS t"))
    found = check(shop.publish())
    assert not found.passed
    assert not found.blocking
    assert found.message.endswith("1 rows of listed have no time and are never found")
    assert Decimal(77) not in {row["listed__list_price"] for row in shop.rows()}


def test_a_sensitive_time_is_not_shown(shop: Shop) -> None:
    declare(shop, CHANGES, TIES)
    text = PRICED.replace("AS_OF", CHANGES)
    shop.declare(
        text.replace("{name: changed, type: timestamp}", "{name: changed, type: timestamp, sensitive: true}")
    )
    with pytest.raises(AuditError, match=r"changed '\(sensitive\)'") as failure:
        shop.publish()
    assert "2024-02-01" not in str(failure.value)


def test_a_dataset_without_the_setting_has_no_such_check(shop: Shop) -> None:
    assert [each.name for each in shop.publish().checks if each.name == "known_in_time"] == []
    assert "known_in_time" in [each.name for each in CHECKS]


BY_PERIOD = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1144
  name: Orders
  owner: ada
  natural_key_columns: [id]
  main_table:
    name: orders
    columns: [{name: id, type: integer}, {name: p, type: string}, {name: ts, type: timestamp}]
  lookups:
    - target:
        type: table
        name: prices
        columns: [{name: p, type: string}, {name: since, type: timestamp}, {name: price, type: integer}]
      join_conditions: [{source_column: p, target_column: p}]
      as_of: AS_OF
  column_mapping: {user_id: id, product_id: p, timestamp: ts}
  extra_columns: [prices.price]
  partitions: {period: month, start: 2024-03}
"""
TARGET = """
target:
  engine: {type: duckdb, threads: 2}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: files
  resolvers:
    files:
      type: parquet
      root: ./data
      tables:
        orders: {location: "orders/{period}.parquet", period: month}
        prices: {location: "prices/{period}.parquet", period: month}
"""
NOW = datetime(2024, 6, 1, tzinfo=UTC)


class Orders:
    """One order and one price of the same product in each month, on its tenth and its fifth day."""

    def __init__(self, root: Path, as_of: str) -> None:
        self.root = root
        (root / "definitions" / "datasets").mkdir(parents=True)
        (root / "definitions" / "users.yaml").write_text(USERS)
        (root / "definitions" / "datasets" / "orders.yaml").write_text(BY_PERIOD.replace("AS_OF", as_of))
        (root / "target.yaml").write_text(TARGET)
        for month in (3, 4):
            at = f"TIMESTAMP '2024-{month:02}-10' AS ts"
            self.write("orders", month, f"SELECT {month} AS id, 'p' AS p, {at}")
        for month in range(1, 6):
            self.price(month, month, "p" if month in (1, 5) else "another")

    def write(self, table: str, month: int, query: str) -> None:
        path = self.root / "data" / table / f"2024-{month:02}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY ({query}) TO '{path}'")

    def price(self, month: int, price: int, product: str = "p") -> None:
        at = f"TIMESTAMP '2024-{month:02}-05' AS since"
        self.write("prices", month, f"SELECT '{product}' AS p, {at}, {price} AS price")

    def publish(self, period: str) -> Materialization:
        catalog = load_catalog(self.root / "definitions")
        found = catalog.calendars.cadence("month").parse(period)
        request = Request(catalog.entry("orders"), str(uuid.uuid4()), NOW, found)
        return materialize(catalog, load_target(str(self.root / "target.yaml")), request, lambda _: None)

    def plan(self, period: str) -> Plan:
        catalog, target = load_catalog(self.root / "definitions"), load_target(str(self.root / "target.yaml"))
        found = catalog.calendars.cadence("month").parse(period)
        return plans(catalog, target, catalog.entry("orders"), [found], NOW)[-1]

    def prices(self, period: str) -> list[int | None]:
        target = load_target(str(self.root / "target.yaml"))
        with target.engine.connect() as session:
            found = target.warehouse.current("orders", period, session)
            assert found
            return [
                row["prices__price"]
                for row in session.rows(exp.select("*").from_(found.relation.source.copy()))
            ]


def test_prices_of_earlier_periods_are_read_and_late_ones_refresh_what_reads_them(tmp_path: Path) -> None:
    orders = Orders(tmp_path, "{column: since}")
    done = orders.publish("2024-03")
    assert orders.prices("2024-03") == [1]
    assert done.record["periods"]["files/prices"] == ["2024-01", "2024-02", "2024-03"]
    assert not orders.plan("2024-03").due
    orders.price(4, 6)
    assert not orders.plan("2024-03").due, "a price that no row can know"
    orders.price(2, 2)
    assert orders.plan("2024-03").due
    orders.publish("2024-03")
    assert orders.prices("2024-03") == [2]


def test_the_greatest_age_limits_the_periods_that_are_read(tmp_path: Path) -> None:
    orders = Orders(tmp_path, "{column: since, max_age: 40d}")
    orders.price(2, 2)
    done = orders.publish("2024-03")
    assert orders.prices("2024-03") == [2]
    assert done.record["periods"]["files/prices"] == ["2024-01", "2024-02", "2024-03"]
    done = orders.publish("2024-04")
    assert orders.prices("2024-04") == [None], "the price of 5 February is 65 days old"
    assert done.record["periods"]["files/prices"] == ["2024-02", "2024-03", "2024-04"]
    orders.price(1, 100)
    assert not orders.plan("2024-04").due, "no row of April can know a price of January"
    assert orders.plan("2024-03").due
