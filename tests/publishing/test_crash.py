"""Killed and concurrent publications lose nothing and mix nothing (BR-201, BR-202).

`DATASET_ASSETS_KILLS=50 pytest tests/publishing/test_crash.py` kills more often.
"""

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from dataset_assets.errors import SupersededError
from tests.engines.forked_process import Fork
from tests.publishing.shop import Shop

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "3"))


def run(tell: Callable[[str], None], shop: Shop, period: str) -> None:
    """Publish in a process of its own."""
    try:
        shop.publish(period, now=datetime.now(UTC))
    except SupersededError:
        tell("superseded")
    else:
        tell(period)


def price_everything(shop: Shop, price: int) -> None:
    shop.rewrite_sales(f"SELECT * REPLACE ({price} AS price) FROM {{sales}}")


def prices(shop: Shop) -> set[int]:
    return {int(row["revenue"]) for row in shop.rows()}


def test_kill_9_at_any_moment_leaves_a_whole_publication_and_the_next_run_succeeds(shop: Shop) -> None:
    """The price of every row is the number of the attempt, so a mixture of attempts is visible."""
    price_everything(shop, 0)
    shop.publish()
    price_everything(shop, 1)
    process, began = Fork.begun(run, shop, "2024-02"), time.perf_counter()
    assert process.result() == ["2024-02"]
    whole_run = 1.1 * (time.perf_counter() - began)
    moments, there = random.Random(11), 1
    for attempt in range(2, KILLS + 2):
        price_everything(shop, attempt)
        process = Fork.begun(run, shop, "2024-02")
        time.sleep(moments.random() * whole_run)
        process.kill()
        (found,) = prices(shop)
        # What a killed client has sent, a server may still do a moment later; it never goes back.
        assert there <= found <= attempt
        there = found
    price_everything(shop, KILLS + 2)
    assert Fork.begun(run, shop, "2024-02").result() == ["2024-02"]
    assert prices(shop) == {KILLS + 2}
    assert not shop.store.leftovers(), "the next run cleans up"


def test_processes_on_different_and_the_same_periods_lose_nothing(shop: Shop) -> None:
    periods = ("2024-01", "2024-02")
    crowd = [Fork.begun(run, shop, period) for period in (*periods, *["2024-02"] * 2)]
    assert {told for process in crowd for told in process.result()} - {"superseded"} == set(periods)
    for period in periods:
        rows = shop.rows(period)
        assert len({row["_row_id"] for row in rows}) == len(rows) > 0
        assert len({row["_created_by_run_id"] for row in rows}) == 1
    assert not shop.store.leftovers()
