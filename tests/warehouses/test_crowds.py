"""Killed and concurrent processes, each of which publishes repeatedly, lose nothing (BR-201, BR-202)."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from dataset_assets.errors import SupersededError
from tests.engines.forked_process import Fork
from tests.warehouses.warehouse_fixtures import A, OpenWarehouse, WarehouseLocation

ROWS = 200
KILLS = {"DeltaLocation": 8, "BigQueryLocation": 3}
"""Fewer for BigQuery, where a publication takes longer."""


def rows_of(number: int) -> str:
    return f"SELECT {number}::BIGINT AS a FROM UNNEST(GENERATE_SERIES(1, {ROWS})) AS series(i)"


def publish_repeatedly(
    report: Callable[[tuple[str, int, int]], None],
    location: WarehouseLocation,
    first: int,
    times: int,
    period: str,
) -> None:
    """Publish repeatedly. Publication n has rows whose `a` is n, so that a mixture of two is detected."""
    with location.open() as opened:
        for n in range(first, first + times) if times else count(first):
            with suppress(SupersededError):
                version = opened.publish(rows_of(n), period, (A,), {"n": n}, run=f"run-{n}")
                report((period, n, version))


def complete_publication(opened: OpenWarehouse, period: str, version: int | None = None) -> int:
    """Check that the publication is complete and not mixed, and return its number."""
    found = opened.warehouse.current("sales", period, opened.session, version)
    assert found
    numbers = [row["a"] for row in opened.rows(found.relation)]
    assert len(numbers) == ROWS
    assert set(numbers) == {found.record["n"]}
    return found.record["n"]


def test_kill_9_at_random_moments_leaves_a_complete_publication(
    location: WarehouseLocation, opened: OpenWarehouse
) -> None:
    """The killed process publishes 0, 1, 2, ... without pause."""
    process, began = Fork.begun(publish_repeatedly, location, 0, 2, "2026-01"), time.perf_counter()
    process.result()
    one, moments, there, first = (time.perf_counter() - began) / 2, random.Random(7), 1, 2
    for _ in range(KILLS[type(location).__name__]):
        process = Fork.begun(publish_repeatedly, location, first, 0, "2026-01")
        time.sleep(2 * one * moments.random())
        told = [n for _, n, _ in process.kill()]
        found = complete_publication(opened, "2026-01")
        last, following = (told[-1], told[-1] + 1) if told else (there, first)
        # What a killed client has sent, a server may still do a moment later: the next turn finds it.
        assert last <= found <= following, "what was told is there, or the next, and nothing else"
        there, first = found, following + 1
    Fork.begun(publish_repeatedly, location, first, 1, "2026-01").result()
    assert complete_publication(opened, "2026-01") == first
    assert location.leftovers() == []


def test_processes_on_different_and_the_same_periods_lose_nothing(
    location: WarehouseLocation, opened: OpenWarehouse
) -> None:
    crowd = [Fork.begun(publish_repeatedly, location, 100 * n, 3, f"2026-0{n}") for n in (1, 2)]
    rivals = [Fork.begun(publish_repeatedly, location, 100 * n, 3, "2027-01") for n in (7, 8)]
    told = [each for process in crowd + rivals for each in process.result()]
    assert sorted(version for _, _, version in told) == list(range(len(told))), "each told of once"
    for period, n, version in told:
        assert complete_publication(opened, period, version) == n
    assert [complete_publication(opened, period) for period in ("2026-01", "2026-02")] == [102, 202]
    last = max((version, n) for period, n, version in told if period == "2027-01")
    assert complete_publication(opened, "2027-01") == last[1]
    assert location.leftovers() == []
