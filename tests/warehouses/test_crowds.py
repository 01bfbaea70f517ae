"""Killed and concurrent processes, each of which publishes repeatedly, lose nothing (BR-201, BR-202)."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from dataset_assets.errors import SupersededError
from tests.engines.forked_process import Fork
from tests.warehouses.warehouse_fixtures import A, Depot, Opened

ROWS = 200
KILLS = {"DeltaDepot": 8, "BigQueryDepot": 3}
"""Fewer for BigQuery, where a publication takes longer."""


def rows_of(number: int) -> str:
    return f"SELECT {number}::BIGINT AS a FROM UNNEST(GENERATE_SERIES(1, {ROWS})) AS series(i)"


def go_on(
    tell: Callable[[tuple[str, int, int]], None], depot: Depot, first: int, times: int, period: str
) -> None:
    """Publish repeatedly. Publication n has rows whose `a` is n, so that a mixture of two is detected."""
    with depot.open() as opened:
        for n in range(first, first + times) if times else count(first):
            with suppress(SupersededError):
                version = opened.publish(rows_of(n), period, (A,), {"n": n}, run=f"run-{n}")
                tell((period, n, version))


def whole(opened: Opened, period: str, version: int | None = None) -> int:
    """Check that the publication is complete and not mixed, and return its number."""
    found = opened.warehouse.current("sales", period, opened.session, version)
    assert found
    numbers = [row["a"] for row in opened.rows(found.relation)]
    assert len(numbers) == ROWS
    assert set(numbers) == {found.record["n"]}
    return found.record["n"]


def test_kill_9_at_random_moments_leaves_a_whole_publication(depot: Depot, opened: Opened) -> None:
    """The killed process publishes 0, 1, 2, ... without pause."""
    process, began = Fork.begun(go_on, depot, 0, 2, "2026-01"), time.perf_counter()
    process.result()
    one, moments, there, first = (time.perf_counter() - began) / 2, random.Random(7), 1, 2
    for _ in range(KILLS[type(depot).__name__]):
        process = Fork.begun(go_on, depot, first, 0, "2026-01")
        time.sleep(2 * one * moments.random())
        told = [n for _, n, _ in process.kill()]
        found = whole(opened, "2026-01")
        last, following = (told[-1], told[-1] + 1) if told else (there, first)
        assert found in (last, following), "what was told is there, or the next, and nothing else"
        there, first = found, following + 1
    Fork.begun(go_on, depot, first, 1, "2026-01").result()
    assert whole(opened, "2026-01") == first
    assert depot.leftovers() == []


def test_processes_on_different_and_the_same_periods_lose_nothing(depot: Depot, opened: Opened) -> None:
    crowd = [Fork.begun(go_on, depot, 100 * n, 3, f"2026-0{n}") for n in (1, 2)]
    rivals = [Fork.begun(go_on, depot, 100 * n, 3, "2027-01") for n in (7, 8)]
    told = [each for process in crowd + rivals for each in process.result()]
    assert sorted(version for _, _, version in told) == list(range(len(told))), "each told of once"
    for period, n, version in told:
        assert whole(opened, period, version) == n
    assert [whole(opened, period) for period in ("2026-01", "2026-02")] == [102, 202]
    last = max((version, n) for period, n, version in told if period == "2027-01")
    assert whole(opened, "2027-01") == last[1]
    assert depot.leftovers() == []
