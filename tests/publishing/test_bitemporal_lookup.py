"""A dataset reads a bitemporal one as known at the time of each row, and is due when what it read changed.

The prices of a key are corrected by later loads; a sale reads the price that was known in its month (BR-134).
"""

from datetime import UTC, datetime

import pytest

from dataset_assets.checks.audit import CHECKS
from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.contract.row_operations import DeleteRows
from dataset_assets.errors import ResolveError
from dataset_assets.staleness.plan import Plan, plans
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PriceHistory, open_prices, price
from tests.publishing.test_row_changes import change

SALES = """
dataset:
  name: Sales
  owner: ada
  natural_key_columns: [line]
  main_table:
    name: sales
    columns:
      - {name: line, type: integer, nullable: false}
      - {name: h, type: integer}
      - {name: k, type: string}
      - {name: sold, type: timestamp}
  lookups:
    - alias: listed
      target: {type: dataset, id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177}
      join_conditions: [{source_column: h, target_column: h}, {source_column: k, target_column: k}]
  column_mapping: {user_id: h, product_id: k, timestamp: sold}
  extra_columns: [listed.v]
  partitions: {period: month, start: 2026-01}
"""
LATEST = SALES.replace("  column_mapping", "      as_of: {knowledge: latest_knowledge}\n  column_mapping")
BY_H = SALES.replace(", {source_column: k, target_column: k}", "")
SOLD = """
SELECT line, h, k, CAST(sold AS TIMESTAMPTZ) AS sold FROM (VALUES
  (1, 1, 'x', '2026-01-31 23:59:59.999999+00'),
  (2, 1, 'x', '2026-02-01 00:00:00+00'),
  (3, 1, 'x', '2026-02-28 12:00:00+00'),
  (4, 1, NULL, '2026-02-28 12:00:00+00'),
  (5, 2, 'x', '2026-02-28 12:00:00+00'),
  (6, 1, 'x', '2026-03-01 00:00:00+00')
) AS t(line, h, k, sold)
"""
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3))


@pytest.fixture
def shop(store: Store) -> PriceHistory:
    """Return a shop whose price `b` of March was corrected to `c`, from February on, by the load of March."""
    shop = open_prices(store)
    shop.write("sales", SOLD)
    shop.declare(SALES, "sales")
    shop.load(P1, [price("a")])
    shop.load(P2, [price("a", end=FEBRUARY), price("b", FEBRUARY)])
    shop.load(P3, [price("a", end=FEBRUARY), price("c", FEBRUARY)])
    return shop


def read(shop: PriceHistory, period: str) -> dict[int, str | None]:
    """Return the price of each sale of a month, after it was published."""
    shop.publish(period, "sales")
    return {row["line"]: row["listed__v"] for row in shop.publication("sales", period)[1]}


def plan(shop: PriceHistory, period: str, stem: str = "sales") -> Plan:
    catalog, target = shop.catalog, shop.target
    found = catalog.calendars.cadence("month").parse(period)
    return plans(catalog, target, catalog.entry(stem), [found], NOW)[-1]


def known_in_time(checks: tuple[CheckResult, ...]) -> str:
    (found,) = (each.message for each in checks if each.name == "known_in_time")
    return found


def test_a_row_reads_what_was_known_in_its_month(shop: PriceHistory) -> None:
    assert read(shop, P1) == {1: "a"}
    assert read(shop, P2) == {2: "b", 3: "b", 4: None, 5: None}
    assert read(shop, P3) == {6: "c"}


def test_a_row_reads_the_latest_knowledge_if_asked(shop: PriceHistory) -> None:
    shop.declare(LATEST, "sales")
    assert read(shop, P1) == {1: "a"}
    assert read(shop, P2) == {2: "c", 3: "c", 4: None, 5: None}


def test_the_check_says_what_a_plain_join_would_have_leaked(shop: PriceHistory) -> None:
    found = known_in_time(shop.publish(P2, "sales").checks)
    assert found.startswith(
        "a plain join of the latest row of listed would have given 2 of 4 rows a value from after their time"
    )
    catalog = shop.catalog
    names = [each.name for each in CHECKS if each.applies(catalog.scope(catalog.entry("sales")))]
    assert "known_in_time" in names
    prices = catalog.scope(catalog.entry("prices"))
    assert "known_in_time" not in [each.name for each in CHECKS if each.applies(prices)]


def test_a_late_load_makes_due_what_reads_it_and_nothing_else(shop: PriceHistory) -> None:
    for period in (P1, P2, P3):
        shop.publish(period, "sales")
    assert not any(plan(shop, period).due for period in (P1, P2, P3))
    shop.load(P3, [price("d")])
    assert [bool(plan(shop, period).due) for period in (P1, P2, P3)] == [False, False, True]
    shop.load(P2, [price("b")])
    assert [bool(plan(shop, period).due) for period in (P1, P2, P3)] == [False, True, True]
    assert read(shop, P2) == {2: "b", 3: "b", 4: None, 5: None}
    assert not plan(shop, P2).due


def test_any_load_makes_due_what_reads_the_latest_knowledge(shop: PriceHistory) -> None:
    shop.declare(LATEST, "sales")
    shop.publish(P1, "sales")
    assert not plan(shop, P1).due
    shop.load(P3, [price("d")])
    assert plan(shop, P1).due


def test_new_loads_are_planned_before_what_reads_them(store: Store) -> None:
    shop = open_prices(store)
    shop.write("sales", SOLD)
    shop.declare(SALES, "sales")
    for period in (P1, P2, P3):
        shop.put(period, [price("a")])
    catalog = shop.catalog
    march = catalog.calendars.cadence("month").parse(P2)
    found = plans(catalog, shop.target, catalog.entry("sales"), [march], NOW)
    assert [(each.entry.stem, [str(due.period) for due in each.due]) for each in found] == [
        ("prices", [P1, P2]),
        ("sales", [P2]),
    ]


def test_a_table_without_loads_is_refused(store: Store) -> None:
    shop = open_prices(store)
    shop.write("sales", SOLD)
    shop.declare(SALES, "sales")
    with pytest.raises(ResolveError, match="nested dataset prices is not published yet"):
        shop.publish(P1, "sales")


def test_a_deleted_row_is_not_joined_and_makes_its_readers_due(shop: PriceHistory) -> None:
    shop.publish(P1, "sales")
    change(shop, DeleteRows(where="v = 'a'"), None, "prices")
    assert plan(shop, P1).due
    assert read(shop, P1) == {1: None}
    assert not plan(shop, P1).due


def test_a_part_of_the_key_is_refused(shop: PriceHistory) -> None:
    shop.declare(BY_H, "sales")
    shop.load(P3, [price("a"), price("b", key=(1, "y"))])
    with pytest.raises(AuditError, match="listed has 1 keys with rows that are true and known at one time"):
        shop.publish(P3, "sales")
