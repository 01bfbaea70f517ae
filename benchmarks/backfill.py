"""500 Periods of the demo data in one backfill, killed half-way and gone on with; each is published once.

A dataset of days that looks back six months over 2017: from 2017-01-05 on every window has rows.
"""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.measure import PROJECT, Report, Series
from benchmarks.workspace import TARGET, Workspace, workspace
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.publishing.materialize import materialize
from dataset_assets.publishing.prepared_run import Request

PERIODS = int(os.environ.get("DATASET_ASSETS_PERIODS", "500"))
STEM = "pastry"
FIRST = date(2017, 1, 5)
SAMPLES = 10
"""Periods, spread over all, that are materialized alone for comparison."""

DATASET = """\
dataset:
  id: 01a2001c-5bb3-7d55-869e-e4c4f73e9999
  name: Pastry by day
  owner: user-marcos
  natural_key_columns: [basket_id, product_id]
  main_table:
    name: transactions
    columns:
      - {{name: household_id, type: integer, nullable: false}}
      - {{name: basket_id, type: integer, nullable: false}}
      - {{name: product_id, type: integer, nullable: false}}
      - {{name: sales_value, type: decimal}}
      - {{name: transaction_timestamp, type: timestamp, nullable: false}}
  lookups:
    - alias: products
      target:
        type: table
        name: products
        columns: [{{name: product_id, type: integer, nullable: false}}, {{name: department, type: string}}]
      join_conditions: [{{source_column: product_id, target_column: product_id}}]
  column_mapping:
    user_id: household_id
    product_id: product_id
    timestamp: transaction_timestamp
    revenue: sales_value
    category: products.department
  filters:
    date_range: {{type: rolling, months: 6}}
    product_filter: {{type: categories, value: [PASTRY]}}
  split_config: {{strategy: random, train_percent: 80}}
  partitions: {{period: day, start: {first}, end: {last}}}
"""


def main(repeats: int) -> Report:  # noqa: ARG001 - once takes minutes
    """Seconds a Period of the killed and the resumed command together, to a materialization by itself."""
    with workspace() as opened:
        _write(opened)
        alone = _alone(opened)
        killed = _run(opened, PERIODS // 2)
        resumed = _run(opened, None)
        periods = len(DeltaTable(opened.root / "warehouse" / STEM).partitions())
    assert killed.published + resumed.published == periods == PERIODS, "each was published once"
    ours = Series([(killed.wall + resumed.wall) / PERIODS], [(killed.cpu + resumed.cpu) / PERIODS])
    return {
        "table": {
            "a materialization by itself": alone.against(alone),
            f"a Period of {PERIODS}, killed and resumed": ours.against(alone),
        },
        "published before the kill": killed.published,
        "published after it": resumed.published,
        "seconds until the first was published": round(killed.first, 1),
        "seconds until the resumed command published": round(resumed.first, 1),
    }


@dataclass(frozen=True)
class Command:
    """How one `backfill` went, its start and its plan included. `first`: seconds until it published."""

    wall: float
    cpu: float
    first: float
    published: int


def _run(opened: Workspace, kill_at: int | None) -> Command:
    """With `kill_at` it is killed when there are so many publications."""
    log = opened.root / "warehouse" / STEM / "_delta_log"
    environment = {
        **os.environ,
        "DATASET_ASSETS_DEFINITIONS": str(opened.root / "definitions"),
        "DATASET_ASSETS_TARGET": str(opened.root / "target.yaml"),
    }
    command = [
        sys.executable,
        "-c",
        "from dataset_assets.interfaces.cli.main import main; main()",
        "backfill",
        STEM,
    ]
    before, begun, first, used = _commits(log), time.perf_counter(), 0.0, _cpu()
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        now = _commits(log)
        first = first or (now > before and time.perf_counter() - begun) or 0.0
        if kill_at is not None and now >= kill_at:
            process.kill()
        time.sleep(0.02)
    if kill_at is None and process.returncode:
        raise RuntimeError(f"backfill ended with {process.returncode}")
    return Command(time.perf_counter() - begun, _cpu() - used, first, _commits(log) - before)


def _cpu() -> float:
    """Of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _commits(log: Path) -> int:
    """Each publication is one."""
    return len(list(log.glob("*.json")))


def _write(opened: Workspace) -> None:
    last = FIRST + timedelta(days=PERIODS - 1)
    path = opened.root / "definitions" / "datasets" / f"{STEM}.yaml"
    path.write_text(DATASET.format(first=FIRST, last=last), encoding="utf-8")
    text = TARGET.format(threads=2, memory="4GB", warehouse="warehouse")
    (opened.root / "target.yaml").write_text(text, encoding="utf-8")


def _alone(opened: Workspace) -> Series:
    catalog = load_catalog(opened.root / "definitions")
    entry, found = catalog.entry(STEM), Series()
    cadence = catalog.calendars.cadence("day")
    for number in range(-1, SAMPLES):  # one more, first: it warms up
        period = cadence.parse(str(FIRST + timedelta(days=max(number, 0) * PERIODS // SAMPLES)))
        target, request = opened.target(), Request(entry, f"run{number}", datetime.now(UTC), period)
        series = found if number >= 0 else Series()
        series.time(lambda t=target, r=request: materialize(catalog, t, r, lambda _: None))
    return found
