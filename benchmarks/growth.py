"""Measure commands and publications as datasets, publications of one dataset, and its Periods become many.

`DATASET_ASSETS_DATASETS=5000`, `DATASET_ASSETS_PUBLICATIONS=10000` and `DATASET_ASSETS_DAYS=5000` set other
sizes.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.many_datasets import TABLES, write
from benchmarks.measure import PROJECT, Report, of_this_project

DATASETS = int(os.environ.get("DATASET_ASSETS_DATASETS", "1000"))
PUBLICATIONS = int(os.environ.get("DATASET_ASSETS_PUBLICATIONS", "300"))
DAYS = int(os.environ.get("DATASET_ASSETS_DAYS", "300"))
FIRST_MONTH = 2024 * 12
"""January 2024, in months."""
SHARE = 10
"""Publications at the begin and at the end whose medians are compared."""

COMMANDS = {
    "plan": ["plan"],
    "plan as JSON": ["plan", "--json"],
    "list": ["list"],
    "lock": ["lock"],
    "lock, nothing changed": ["lock"],
}
TARGET = """\
target:
  engine: {type: duckdb, threads: 1}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: shop
  resolvers: {shop: {type: parquet, root: ./data}}
"""
DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-000000000001
  name: Sales
  owner: team-data
  natural_key_columns: [line]
  main_table:
    name: sales
    columns:
      - {name: line, type: integer, nullable: false}
      - {name: buyer, type: integer}
      - {name: item, type: integer}
      - {name: price, type: decimal}
      - {name: at, type: timestamp}
  column_mapping: {user_id: buyer, product_id: item, timestamp: at, revenue: price}
"""
DRIFT = "  drift: {row_count: 30, over: 5}"


def main(repeats: int) -> Report:
    """Measure commands over many datasets, then publications of one dataset, then its daily Periods."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        table = _datasets(Path(folder), repeats)
    kinds = {"publications": PUBLICATIONS, "days": DAYS}
    for kind, number in kinds.items():
        with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
            table |= of_this_project("benchmarks.growth", folder, kind, str(number))["table"]
    return {"table": table, "datasets": DATASETS, "tables": TABLES, **kinds}


def _datasets(root: Path, repeats: int) -> dict[str, Report]:
    """Measure each command in processes of its own; `lock` changes its files, so it runs once."""
    now = datetime.now(UTC)
    months = [
        f"{each // 12}-{each % 12 + 1:02}" for each in range(FIRST_MONTH - 3, now.year * 12 + now.month)
    ]
    write(root, DATASETS, months)
    table = {}
    for name, arguments in COMMANDS.items():
        rounds = 1 if "lock" in arguments else repeats
        table[f"{DATASETS:,} datasets: {name}"] = _medians([_command(root, arguments) for _ in range(rounds)])
    loads = [of_this_project("benchmarks.load", str(root), str(time.time()))["parts"] for _ in range(repeats)]
    for part in loads[0]:
        seconds = {"wall_s": round(statistics.median(each[part] for each in loads), 2)}
        table[f"{DATASETS:,} datasets: to definitions, {part}"] = seconds
    return table


def _command(root: Path, arguments: Sequence[str]) -> Report:
    """Run a command of the command line, and return what its process took, imports included."""
    env = {
        **os.environ,
        "DATASET_ASSETS_DEFINITIONS": str(root),
        "DATASET_ASSETS_TARGET": str(root / "target.yaml"),
    }
    code = "from dataset_assets.interfaces.cli.main import main; main()"
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments], env=env, cwd=PROJECT, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - begun, "cpu_s": cpu}


def _medians(rounds: Sequence[Report]) -> Report:
    return {name: round(statistics.median(each[name] for each in rounds), 2) for name in rounds[0]}


def inside(root: Path, kind: str, number: int) -> Report:
    """Publish one dataset so many times, and measure what reads it then."""
    days = kind == "days"
    rest = f"  partitions: {{period: day, start: {_day(0)}}}" if days else DRIFT
    _write_one(root, rest)
    times = []
    for index in range(number):
        if index == 0 or not days:
            _store(root, index, number if days else 1)
        times.append(_publish(root, _day(index) if days else None))
    first, last = (statistics.median(part) for part in (times[2 : SHARE + 2], times[-SHARE:]))
    rows = {
        f"publication {SHARE:,}": {"cpu_s": round(first, 3)},
        f"publication {number:,}": {"cpu_s": round(last, 3), "cpu_ratio": round(last / first, 2)},
        **_readers(root),
    }
    return {"table": {f"{number:,} {kind}: {name}": row for name, row in rows.items()}}


def _readers(root: Path) -> dict[str, Report]:
    """Measure commands and the page of the dataset; the second request of the page counts."""
    from starlette.testclient import TestClient  # noqa: PLC0415 - the other benchmarks need no server

    from dataset_assets.interfaces.web.app import create_app  # noqa: PLC0415
    from dataset_assets.interfaces.web.settings import ServerSettings  # noqa: PLC0415
    from dataset_assets.interfaces.workspace import Workspace  # noqa: PLC0415

    rows = {name: _medians([_command(root, [name])]) for name in ("plan", "list")}
    workspace = Workspace.of(str(root / "target.yaml"), root)
    app, loopback = create_app(ServerSettings(), workspace), ("127.0.0.1", 50_000)
    with TestClient(app, base_url="http://127.0.0.1:3001", client=loopback) as client:
        for name in ("the page", "the page again"):
            with _measured() as row:
                assert client.get("/datasets/sales").status_code == 200
            rows[name] = row
    return rows


@contextmanager
def _measured() -> Generator[Report]:
    row: Report = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield row
    row |= {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}


def _publish(root: Path, period: str | None) -> float:
    """Publish as a run of its own does: with files and target read anew. Return its seconds of CPU."""
    from dataset_assets.adapters.targets.loading import load_target  # noqa: PLC0415
    from dataset_assets.catalog.load_catalog import load_catalog  # noqa: PLC0415
    from dataset_assets.publishing.materialize import materialize  # noqa: PLC0415
    from dataset_assets.publishing.prepared_run import Request  # noqa: PLC0415

    begun = time.process_time()
    catalog = load_catalog(root)
    target = load_target(str(root / "target.yaml"), catalog.calendars)
    chosen = catalog.calendars.cadence("day").parse(period) if period else None
    request = Request(catalog.entry("sales"), f"run-{time.time_ns()}", datetime.now(UTC), chosen)
    materialize(catalog, target, request, lambda _: None)
    return time.process_time() - begun


def _write_one(root: Path, rest: str) -> None:
    (root / "datasets").mkdir(parents=True)
    (root / "users.yaml").write_text("users:\n  team-data: {team: data}\n", encoding="utf-8")
    (root / "target.yaml").write_text(TARGET, encoding="utf-8")
    (root / "datasets" / "sales.yaml").write_text(f"{DATASET}{rest}\n", encoding="utf-8")


def _store(root: Path, seed: int, days: int) -> None:
    """Replace the table by one of a hundred rows a day."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    lines = range(100 * days)
    start = datetime.combine(date.fromisoformat(_day(0)), datetime.min.time(), UTC)
    columns: dict[str, Any] = {
        "line": pa.array(lines, pa.int64()),
        "buyer": pa.array([line % 7 for line in lines], pa.int64()),
        "item": pa.array([line % 5 for line in lines], pa.int64()),
        "price": pa.array([float(seed + line) for line in lines]),
        "at": pa.array([start + timedelta(minutes=14.4 * line) for line in lines], pa.timestamp("us", "UTC")),
    }
    path = root / "data" / "sales.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    pq.write_table(pa.table(columns), new)
    new.replace(path)


def _day(index: int) -> str:
    return (date(2010, 1, 1) + timedelta(days=index)).isoformat()


if __name__ == "__main__":
    print(json.dumps(inside(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
