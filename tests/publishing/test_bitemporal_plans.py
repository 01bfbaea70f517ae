"""Each load of a bitemporal table is due by its own sources, and by nothing that another load did."""

import pytest

from dataset_assets.staleness.plan import plans
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PRICES, PriceHistory, open_prices, price

PERIODS = (P1, P2, P3)


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store, PRICES.replace("start: 2026-01", "start: 2026-01, end: 2026-03"))


def due(prices: PriceHistory) -> dict[str | None, str]:
    """Return the reasons of the Periods that are due."""
    catalog, month = prices.catalog, prices.catalog.calendars.cadence("month")
    periods = [month.parse(each) for each in PERIODS]
    [plan] = plans(catalog, prices.target, catalog.entry("prices"), periods, prices.now)
    return {each.period.id if each.period else None: "; ".join(map(str, each.reasons)) for each in plan.due}


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_period_is_due_if_its_own_snapshot_changed(prices: PriceHistory) -> None:
    for period in PERIODS:
        prices.put(period, [price("a")])
    assert due(prices) == dict.fromkeys(PERIODS, "never published")
    prices.load(P1)
    prices.load(P3)
    assert due(prices) == {P2: "never published"}
    prices.load(P2)
    assert due(prices) == {}, "a load that changed no row is known as well"
    prices.put(P1, [price("b")])
    assert list(due(prices)) == [P1]
    prices.load(P1)
    assert due(prices) == {}
    prices.put(P2, [price("a"), price("c", key=(2, "y"))])
    assert list(due(prices)) == [P2]


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_new_structure_makes_every_load_due(prices: PriceHistory) -> None:
    for period in PERIODS:
        prices.load(period, [price("a")])
    prices.declare(
        PRICES.replace("start: 2026-01", "start: 2026-01, end: 2026-03").replace("    valid_to: ended\n", ""),
        "prices",
    )
    assert list(due(prices)) == list(PERIODS)
    prices.load(P2)
    assert list(due(prices)) == [P1, P3]
