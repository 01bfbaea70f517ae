"""Job J's publication beside the same work by hand: the best polars script and the best DuckDB script.

Each runs in a process of its own and they take turns. Each writes a file of the same rows in the same order
with ids, makes the same checks and the same statistics; the run stops unless they are equal.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import duckdb

from benchmarks.baselines.turns import Published, take_turns
from benchmarks.environment import baseline_python
from benchmarks.measure import PROJECT, Report
from benchmarks.workspace import JOB_J, Workspace, workspace

SCRIPTS = PROJECT / "benchmarks" / "baselines"
OURS, POLARS, DUCKDB = "materialize", "polars by hand", "DuckDB by hand"
FIGURES = ("wall_s", "cpu_s", "process_cpu_s", "peak_mb")


def main(repeats: int) -> Report:
    """One round more is run first: its process CPU and peak memory are those of a cold process."""
    with workspace() as space:
        series, published = compare(commands(space, baseline_python()), repeats)
        sizes = {name: round(Path(each["rows"]).stat().st_size / 1e6, 1) for name, each in published.items()}
    table = {name: _medians(rounds) for name, rounds in series.items()}
    for name in (POLARS, DUCKDB):
        ratios = {figure: round(table[OURS][figure] / table[name][figure], 2) for figure in FIGURES}
        table[f"{OURS} to {name}"] = ratios
    return {"table": table, "file_mb": sizes}


def commands(space: Workspace, python: Path) -> dict[str, list[str]]:
    """Return the command of each program; `python` is the interpreter that has polars."""
    theirs = [str(space.data), str(space.root)]
    return {
        OURS: [sys.executable, "-m", "benchmarks.same_work", str(space.root)],
        POLARS: [str(python), str(SCRIPTS / "polars_same_work.py"), *theirs],
        DUCKDB: [str(python), str(SCRIPTS / "duckdb_same_work.py"), *theirs],
    }


def compare(
    programs: Mapping[str, list[str]], repeats: int
) -> tuple[dict[str, list[Report]], dict[str, Report]]:
    """Let all programs publish in turn, and return the figures of their rounds and their publications."""
    series: dict[str, list[Report]] = {name: [] for name in programs}
    with ExitStack() as opened:
        workers = {name: opened.enter_context(_worker(each, name)) for name, each in programs.items()}
        for _ in range(repeats + 1):
            for name, worker in workers.items():
                series[name].append(worker.turn())
        published = {name: worker.finish() for name, worker in workers.items()}
    for name, theirs in published.items():
        assert_same(name, published[OURS], theirs)
    return series, published


class _Worker:
    """A process that does its work once for each line that it is sent."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process, self._name = process, name

    def turn(self) -> Report:
        """Let the process do its work once, and return what that took."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def finish(self) -> Report:
        """Return the publication of the last turn."""
        assert self._process.stdin
        self._process.stdin.close()
        return self._answer()

    def _answer(self) -> Report:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} failed; its error is above")
        return json.loads(line)


@contextmanager
def _worker(command: list[str], name: str) -> Generator[_Worker]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield _Worker(process, name)
        finally:
            process.kill()


def _medians(rounds: list[Report]) -> Report:
    """Return medians of the warm rounds; CPU and memory of the whole process are those after the first."""
    cold, *warm = rounds
    figures = {name: statistics.median(each[name] for each in warm) for name in ("wall_s", "cpu_s")}
    figures |= {name: cold[name] for name in ("process_cpu_s", "peak_mb")}
    return {name: round(value, 3) for name, value in figures.items()}


def assert_same(name: str, ours: Report, theirs: Report) -> None:
    """Stop unless rows, order of ids, statistics and results of checks are equal."""
    mine, other = (_compared(each["record"]["statistics"]) for each in (ours, theirs))
    for column, each in mine["columns"].items():
        assert other["columns"][column] == each, (name, column, other["columns"][column], each)
    assert {**other, "columns": {}} == {**mine, "columns": {}}, (name, other["splits"], mine["splits"])
    checks = [_results(each["record"]["checks"]) for each in (ours, theirs)]
    assert checks[0] == checks[1], (name, checks)
    columns = ", ".join(f'"{column}"' for column in mine["columns"])
    with duckdb.connect() as session:
        counts = [_numbered(session, place, each["rows"]) for place, each in enumerate((ours, theirs))]
        shown = f"SELECT number, {columns}"
        differing = f"SELECT COUNT(*) FROM ({shown} FROM rows_0 EXCEPT {shown} FROM rows_1)"
        assert counts == [(mine["row_count"],) * 2] * 2, (name, counts)
        assert session.execute(differing).fetchall() == [(0,)], (name, "has other rows, or another order")
        schemas = [session.execute(f"DESCRIBE rows_{place}").fetchall() for place in range(2)]
    assert schemas[0] == schemas[1], (name, schemas)


def _compared(statistics: Report) -> Report:
    """Return the statistics that the publications by hand have: they do not say how even the split is."""
    columns = {
        name: {field: value for field, value in each.items() if field != "split_deviation"}
        for name, each in statistics["columns"].items()
    }
    kept = {
        field: value for field, value in statistics.items() if field not in ("parts", "folds", "duplicates")
    }
    return {**kept, "columns": columns}


def _results(checks: Sequence[Report]) -> dict[str, Any]:
    """Return whether each check passed, and its figures."""
    return {each["name"]: (each["passed"], each["metadata"]) for each in checks}


def _numbered(session: duckdb.DuckDBPyConnection, place: int, path: str) -> tuple[Any, ...]:
    """Create a table of the rows with their numbers by id; return the number of rows and of distinct ids."""
    number = "ROW_NUMBER() OVER (ORDER BY _row_id) AS number"
    rows = f"READ_PARQUET('{path}', hive_partitioning = FALSE)"
    session.execute(
        f"SET enable_progress_bar = FALSE; CREATE TABLE rows_{place} AS SELECT {number}, * FROM {rows}"
    )
    return session.execute(f"SELECT COUNT(*), COUNT(DISTINCT _row_id) FROM rows_{place}").fetchall()[0]


def ours(root: Path) -> None:
    """Publish job J once for each line of the input, to a new warehouse each time."""
    space = Workspace(root, count(1))

    def work() -> Published:
        target = space.target()
        record = space.job_j(target).record
        folder = Path(url2pathname(urlparse(target.warehouse.location(JOB_J)).path))
        (rows,) = folder.glob("_period=*/*.parquet")
        return Published(rows, dict(record))

    take_turns(work)


if __name__ == "__main__":
    ours(Path(sys.argv[1]))
