"""Killed and crowding materializations (promises 1 and 2).

`DATASET_ASSETS_KILLS=50 pytest tests/materialize/test_crash.py` kills more often.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.materialize.shop import SALES, Shop

PROJECT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "5"))
PIPE = subprocess.PIPE


def start(shop: Shop, *periods: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.materialize.shop", str(shop.root), *periods]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=PIPE, stderr=PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def price_everything(shop: Shop, price: int) -> None:
    shop.rewrite_sales(f"SELECT * REPLACE ({price} AS price) FROM {{sales}}")


def prices(shop: Shop) -> set[int]:
    return {int(row["revenue"]) for row in shop.rows()}


def test_kill_9_at_any_moment_leaves_a_whole_publication_and_the_next_run_succeeds(shop: Shop) -> None:
    """The price of every row is the number of the attempt, so that a mixture would show."""
    price_everything(shop, 0)
    shop.publish()
    began = time.perf_counter()
    with start(shop, "2024-02") as process:
        process.communicate(timeout=120)
    whole_run = 1.2 * (time.perf_counter() - began)
    moments, there = random.Random(11), 0
    for attempt in range(1, KILLS + 1):
        price_everything(shop, attempt)
        with start(shop, "2024-02") as process:
            time.sleep(moments.random() * whole_run)
            os.kill(process.pid, signal.SIGKILL)
        found = prices(shop)
        assert found in ({there}, {attempt}), "the old publication, or the new one, whole"
        (there,) = found
    price_everything(shop, KILLS + 1)
    with start(shop, "2024-02") as process:
        _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert prices(shop) == {KILLS + 1}
    assert not list(shop.root.glob("warehouse/sales/_staging/**/*.parquet")), "the next run cleans up"


def test_eight_processes_on_different_and_the_same_periods_lose_nothing(shop: Shop) -> None:
    shop.write("sales", SALES.format(rows=25_000))
    periods = ("2024-01", "2024-02", "2024-03", "2024-04")
    crowd = [start(shop, period) for period in (*periods, *["2024-02"] * 4)]
    told = [(process.communicate(timeout=240), process.returncode) for process in crowd]
    for (_, error), code in told:
        assert code == 0 or "SupersededError" in error, error
    published = [out.split()[0] for (out, _), code in told if code == 0]
    assert set(published) == set(periods)
    for period in periods:
        rows = shop.rows(period)
        assert len({row["_row_id"] for row in rows}) == len(rows) > 0
        assert len({row["_created_by_run_id"] for row in rows}) == 1
