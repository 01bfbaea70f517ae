"""Loads at the same time are all published, and a load that is killed leaves the table before or after it.

`DATASET_ASSETS_KILLS=50 pytest tests/publishing/test_bitemporal_crowds.py` kills more often.
"""

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dataset_assets.errors import SupersededError
from tests.engines.forked_process import Fork
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PriceHistory, open_prices, price

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "5"))


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store)


def run(tell: Callable[[str], None], prices: PriceHistory, period: str) -> None:
    """Load a Period in a process of its own."""
    try:
        done = prices.load(period, now=datetime.now(UTC))
    except SupersededError:
        tell("superseded")
    else:
        tell(f"{done.period} {[*done.record['loaded_periods']]}")


def test_loads_of_several_periods_at_once_are_all_published(prices: PriceHistory) -> None:
    snapshots = {P1: [price("a")], P2: [price("b")], P3: [price("a")]}
    for period, rows in snapshots.items():
        prices.put(period, rows)
    crowd = [Fork.begun(run, prices, period) for period in snapshots]
    told = [each for process in crowd for each in process.result()]
    assert sorted(each.split()[0] for each in told) == [P1, P2, P3]
    assert list(prices.record["loaded_periods"]) == [P1, P2, P3]
    assert prices.known() == [(1, "a", P1, P2), (1, "b", P2, P3), (1, "a", P3, None)]
    assert not prices.store.leftovers()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_of_two_loads_of_one_period_the_last_one_is_published(prices: PriceHistory) -> None:
    prices.load(P1, [price("a")])
    prices.put(P2, [price("b")])
    crowd = [Fork.begun(run, prices, period) for period in (P2, P2, P2)]
    told = [each for process in crowd for each in process.result()]
    assert len(told) == 3
    assert f"{P2} ['2026-01', '2026-02']" in told
    assert set(told) <= {"superseded", f"{P2} ['2026-01', '2026-02']"}
    assert prices.known() == [(1, "a", P1, P2), (1, "b", P2, None)]
    assert not prices.store.leftovers()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_kill_9_leaves_the_table_before_or_after_the_load(prices: PriceHistory) -> None:
    """The value of every row is the number of the attempt, so that a mixture of attempts is visible."""

    def put(attempt: int) -> None:
        prices.put(P2, [price(str(attempt), key=(number, "x")) for number in range(20)])

    prices.load(P1, [price("first")])
    put(0)
    process, began = Fork.begun(run, prices, P2), time.perf_counter()
    assert process.result() == [f"{P2} ['2026-01', '2026-02']"]
    whole = 1.1 * (time.perf_counter() - began)
    moments, there = random.Random(5), 0
    for attempt in range(1, KILLS + 1):
        put(attempt)
        process = Fork.begun(run, prices, P2)
        time.sleep(moments.random() * whole)
        process.kill()
        rows = [row for row in prices.table() if row["_period_from"] == P2]
        assert len(rows) == 20
        (found,) = {int(row["v"]) for row in rows}
        assert found in (there, attempt)
        assert list(prices.record["loaded_periods"]) == [P1, P2]
        there = found
    put(KILLS + 1)
    assert Fork.begun(run, prices, P2).result() == [f"{P2} ['2026-01', '2026-02']"]
    assert {row["v"] for row in prices.table()} == {"first", str(KILLS + 1)}
    assert not prices.store.leftovers()
