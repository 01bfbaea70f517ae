"""Each load of a bitemporal table is due by its own sources, and by nothing that another load did."""

from datetime import UTC, datetime

import pytest

from dataset_assets.errors import ContractError
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


MAPPING = "column_mapping: {user_id: h, product_id: k, timestamp: begun}"
PLAIN = (
    PRICES.replace("    bitemporal: true\n    valid_from: begun\n    valid_to: ended\n", "")
    .replace("start: 2026-01", "start: 2026-01, end: 2026-03")
    .replace(
        "  allow_empty", "  column_mapping: {user_id: h, product_id: k, timestamp: begun}\n  allow_empty"
    )
)
REFUSED = {
    "the column v was string when Periods were loaded, and is integer now": (
        "v, type: string",
        "v, type: integer",
    ),
    "the natural key was (h, k) when Periods were loaded": ("[h, k]", "[h]"),
    "the table was loaded by month, and its Periods are by week now": (
        "{period: month, start: 2026-01, end: 2026-03}",
        "{period: week, start: 2026-W01, end: 2026-W03}",
    ),
    "the file does not say `bitemporal: true`": ("", ""),
}


def obstacles(prices: PriceHistory) -> set[str]:
    """Return the messages of all obstacles of a plan of everything."""
    catalog = prices.catalog
    entry = catalog.entry("prices")
    partitions = catalog.checked(entry).partitions
    assert partitions
    cadence = catalog.calendars.cadence(partitions.period)
    periods = cadence.between(cadence.parse("2026-W01" if "week" in cadence.name else P1), prices.now)[:3]
    [plan] = plans(catalog, prices.target, entry, periods, prices.now)
    assert len(plan.due) == len(periods)
    assert all(each.obstacles for each in plan.due)
    return {fault.message for each in plan.due for fault in each.obstacles}


@pytest.mark.parametrize("words", REFUSED)
def test_a_plan_says_what_a_run_will_refuse(prices: PriceHistory, words: str) -> None:
    for period in PERIODS:
        prices.load(period, [price("1")])
    text = PRICES.replace("start: 2026-01", "start: 2026-01, end: 2026-03")
    prices.declare(text.replace(*REFUSED[words]) if REFUSED[words][0] else PLAIN, "prices")
    [message] = obstacles(prices)
    assert words in message


@pytest.mark.parametrize("was_bitemporal", [True, False])
def test_a_refused_run_leaves_the_lock_as_it_was(prices: PriceHistory, was_bitemporal: bool) -> None:
    texts = {True: prices.root.joinpath("definitions/datasets/prices.yaml").read_text(), False: PLAIN}
    prices.declare(texts[was_bitemporal], "prices")
    prices.load(P1, [price("1", begin=datetime(2026, 1, 3, tzinfo=UTC))])
    lock = prices.root / "definitions" / "datasets" / "prices.lock"
    before = lock.read_text()
    prices.declare(texts[not was_bitemporal], "prices")
    with pytest.raises(ContractError, match="what is published"):
        prices.load(P2, [price("2", begin=datetime(2026, 2, 3, tzinfo=UTC))])
    assert lock.read_text() == before
    assert not prices.store.leftovers()
    assert len(obstacles(prices)) == 1
    prices.declare(texts[was_bitemporal], "prices")
    assert prices.load(P2).counts.added


def test_a_column_of_another_type_than_in_other_periods(prices: PriceHistory) -> None:
    text = PLAIN.replace(MAPPING, f"{MAPPING}\n  extra_columns: [v]")
    prices.declare(text, "prices")
    prices.load(P1, [price("1", begin=datetime(2026, 1, 3, tzinfo=UTC))])
    lock = prices.root / "definitions" / "datasets" / "prices.lock"
    before = lock.read_text()
    prices.types["v"] = "BIGINT"
    for period in (P1, P2):
        prices.put(period, [price("2", begin=datetime(2026, int(period[-1]), 3, tzinfo=UTC))])
    prices.declare(text.replace("v, type: string", "v, type: integer"), "prices")
    with pytest.raises(
        ContractError, match="the column v is integer now, and string in the published Periods 2026-01"
    ):
        prices.load(P2)
    assert lock.read_text() == before


def test_a_dataset_that_loses_its_periods_keeps_its_lock(prices: PriceHistory) -> None:
    prices.declare(PLAIN, "prices")
    prices.load(P1, [price("1", begin=datetime(2026, 1, 3, tzinfo=UTC))])
    lock = prices.root / "definitions" / "datasets" / "prices.lock"
    before = lock.read_text()
    undivided = "".join(line for line in PLAIN.splitlines(keepends=True) if "partitions:" not in line)
    prices.declare(
        undivided.replace("name: v, type: string", "name: v, type: string, description: new"), "prices"
    )
    with pytest.raises(ContractError, match="was published by Period, and the file has none"):
        prices.publish(None, "prices")
    assert lock.read_text() == before
