"""pandas, polars and dbt-duckdb doing job J's selection alone, for scale, and the memory each of us needs."""

import statistics
from pathlib import Path

from benchmarks.baselines.reporting import peak_mb
from benchmarks.environment import baseline_python
from benchmarks.measure import PROJECT, Report, in_process, of_this_project, rounds
from benchmarks.workspace import EXPECTED, create_table, workspace

SCRIPTS = PROJECT / "benchmarks" / "baselines"
NAMES = ("pandas", "polars", "dbt")


def main(repeats: int) -> Report:
    """Each in a process of its own; warm, so that nobody's imports count but in `process_wall_s`."""
    python = baseline_python()
    with workspace() as space:
        bare_sql = space.selection(space.target(), metadata=False)
        series = rounds({"bare": lambda: create_table(bare_sql).close()}, repeats)
        bare = statistics.median(series["bare"].cpu), statistics.median(series["bare"].wall)
        table = {name: _compared(python, name, space.data, repeats, bare) for name in NAMES}
    ours = of_this_project("benchmarks.baseline")
    return {
        "table": {**table, "materialize (whole job J)": {"peak_mb": ours["peak_mb"]}},
        "peak_memory_ratio_to_pandas": round(ours["peak_mb"] / table["pandas"]["peak_mb"], 2),
    }


def _compared(python: Path, name: str, data: Path, repeats: int, bare: tuple[float, float]) -> Report:
    found = in_process(python, str(SCRIPTS / f"{name}_selection.py"), str(data), str(repeats))
    assert found["counts"] == EXPECTED, (name, found["counts"])
    cpu, wall = statistics.median(found["cpu"]), statistics.median(found["wall"])
    return {
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "wall_ratio": round(wall / bare[1], 2),
        "cpu_ratio": round(cpu / bare[0], 2),
        "peak_mb": found["peak_mb"],
        "process_wall_s": found["process_wall_s"],
    }


def once() -> None:
    """Job J once, in a process of its own, for its peak memory: the interpreter and imports included."""
    with workspace() as space:
        space.job_j(space.target())
    print(f'{{"peak_mb": {peak_mb()}}}')


if __name__ == "__main__":
    once()
