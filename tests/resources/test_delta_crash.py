"""Killed and crowding processes (promises 1 and 2)."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.resources.conftest import publish, rows_of

PROJECT = Path(__file__).resolve().parents[2]


def publisher(root, first, count, *periods):
    command = [sys.executable, "-m", "tests.resources.publisher", str(root), str(first), str(count), *periods]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def whole(warehouse, session, period):
    """The number of the publication that is there, after checking that it is one and whole."""
    found = warehouse.current("sales", period, session)
    numbers = [row["a"] for row in rows_of(session, found.relation)]
    assert len(numbers) == 1000
    assert set(numbers) == {found.record["n"]}
    return found.record["n"]


def test_kill_9_at_random_moments_leaves_a_whole_publication(tmp_path, warehouse, session):
    """While one process publishes 0, 1, 2, ... without pause."""
    publish(warehouse, session, "SELECT 0::BIGINT AS a FROM RANGE(1000)", "2026-01", record={"n": 0})
    moments = random.Random(7)
    first = 1
    for _ in range(10):
        with publisher(tmp_path, first, 10_000, "2026-01") as process:
            process.stdout.readline()
            time.sleep(moments.random() * 0.3)
            os.kill(process.pid, signal.SIGKILL)
            told = [int(line.split()[1]) for line in process.stdout.read().splitlines() if line.count(" ")]
        there = whole(warehouse, session, "2026-01")
        last = max(told, default=first)
        assert there in (last, last + 1), "what was told as published is there, or the next, and nothing else"
        first = there + 1
    publish(
        warehouse, session, f"SELECT {first}::BIGINT AS a FROM RANGE(1000)", "2026-01", record={"n": first}
    )
    assert whole(warehouse, session, "2026-01") == first
    uris = {path for path in warehouse.root.rglob("*.parquet") if "_staging" in path.parts}
    assert not uris, "the next run clears what killed runs left"


def test_processes_on_different_and_the_same_periods_lose_nothing(tmp_path, warehouse, session):
    crowd = [publisher(tmp_path, 100 * n, 4, f"2026-0{n + 1}") for n in range(2)]
    rivals = [publisher(tmp_path, 100 * n, 4, "2027-01") for n in range(7, 9)]
    told = [process.communicate(timeout=120)[0].split("\n")[:-1] for process in crowd + rivals]
    assert [process.returncode for process in crowd + rivals] == [0, 0, 0, 0]
    lines = [line for lines in told for line in lines]
    history = [f"{e['period']} {e['run_id'].removeprefix('run-')}" for e in warehouse.history("sales")]
    assert sorted(lines) == sorted(history), (
        "each publication that was told of is in the table's history, once"
    )
    assert whole(warehouse, session, "2026-01") == 3
    assert whole(warehouse, session, "2026-02") == 103
    assert f"2027-01 {whole(warehouse, session, '2027-01')}" in history
    for entry in warehouse.history("sales"):
        found = warehouse.current("sales", entry["period"], session, entry["version"])
        assert found.record["n"] == int(entry["run_id"].removeprefix("run-"))
        assert len(rows_of(session, found.relation)) == 1000
