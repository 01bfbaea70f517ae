"""`make bench`, or `python -m benchmarks [NAME…] [--repeats N]`: writes results.json and results.md.

Ends with the table of bounds. `python -m benchmarks bounds` shows only that, of the results that there are.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    automation,
    backfill,
    baseline,
    bitemporal,
    bitemporal_runs,
    bounds,
    compare,
    cross_source,
    dagster_run,
    growth,
    job_j,
    load,
    point_in_time,
    point_in_time_runs,
    same_work,
    samples,
    scale,
    serve,
    threads,
    wide,
)
from benchmarks.measure import Report

BENCHMARKS: Mapping[str, tuple[str, Callable[[int], Report]]] = {
    "job_j": ("Job J end to end", job_j.main),
    "same_work": ("The same publication by hand", same_work.main),
    "baselines": ("The selection alone, elsewhere", baseline.main),
    "threads": ("One digest for any number of threads", threads.main),
    "scale": ("Ten times the data with 2 GB", scale.main),
    "load": ("1,000 dataset files to definitions", load.main),
    "dagster": ("Dagster's part of a run", dagster_run.main),
    "backfill": ("500 Periods, killed half-way", backfill.main),
    "cross_source": ("Joins across stores", cross_source.main),
    "wide": ("Statistics of wide tables", wide.main),
    "serve": ("200 list requests a second over 1,000 datasets", serve.main),
    "growth": ("Many datasets, publications and Periods", growth.main),
    "compare": ("Comparing 1.5 million rows", compare.main),
    "point_in_time": ("A lookup as of the time of 1.5 million rows", point_in_time.main),
    "point_in_time_runs": ("A dataset with a lookup as of the time of its rows", point_in_time_runs.main),
    "bitemporal": ("Loads of a bitemporal table", bitemporal.main),
    "bitemporal_runs": ("Loads of a bitemporal dataset", bitemporal_runs.main),
    "samples": ("Samples beside whole publications", samples.main),
    "automation": ("The daemon's ticks over 1,000 datasets", automation.main),
}
"""All there are. To add one: a file with a `main(repeats)`, and its line here."""

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
ONLY_BOUNDS = "bounds"
PACKAGES = ("duckdb", "deltalake", "sqlglot", "dagster", "pydantic")


def main() -> None:
    """Run the named benchmarks, or all, then show the bounds; results of the others stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join([*BENCHMARKS, ONLY_BOUNDS])}; all by default",
    )
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count (default 5)")
    given = parser.parse_args()
    unknown = set(given.names) - {*BENCHMARKS, ONLY_BOUNDS}
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    found = results()
    for name in (each for each in given.names or BENCHMARKS if each != ONLY_BOUNDS):
        print(f"{name}: {BENCHMARKS[name][0]}", flush=True)
        found[name] = BENCHMARKS[name][1](given.repeats)
        found["machine"] = _machine()
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "results.md").write_text(_markdown(found), encoding="utf-8")
        print(_section(name, found[name]), flush=True)
    print(bounds.markdown(found))


def results() -> dict[str, Report]:
    """Return what was measured last, by the benchmark's name."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def _machine() -> Report:
    versions = {package: version(package) for package in PACKAGES}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "versions": versions}


def _markdown(results: Mapping[str, Report]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    head = f"# Results\n\n{machine['cores']} cores, Python {machine['python']}, {packages}. Medians.\n"
    head += f"\n## Bounds\n\n{bounds.markdown(results)}"
    return "\n".join([head, *(_section(name, results[name]) for name in BENCHMARKS if name in results)])


def _section(name: str, report: Report) -> str:
    rows = report["table"]
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [
        f"## {BENCHMARKS[name][0]}",
        "",
        f"| | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
    ]
    lines += [
        f"| {row} | {' | '.join(str(cells.get(each, '')) for each in columns)} |"
        for row, cells in rows.items()
    ]
    rest = [f"- {key}: {_shown(value)}" for key, value in report.items() if key != "table"]
    return "\n".join([*lines, "", *rest, ""])


def _shown(value: object) -> str:
    return (
        ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)
    )


if __name__ == "__main__":
    main()
