"""Job J end to end, as a ratio to DuckDB's bare CREATE TABLE AS of the same compiled selection."""

from pathlib import Path

from benchmarks.baselines.sql import HAND_WRITTEN
from benchmarks.measure import Report, rounds
from benchmarks.workspace import EXPECTED, create_table, workspace


def kept(sql: str, folder: Path) -> None:
    """What it costs without us to have the rows on disk, as a publication has."""
    path = folder / "kept.duckdb"
    create_table(sql, database=str(path)).close()
    path.unlink()


def main(repeats: int) -> Report:
    """All works take turns in this process. `hand-written SQL` is what a person would have written."""
    with workspace() as space:
        reader = space.target()
        bare = space.selection(reader, metadata=False)
        stamped = space.selection(reader, metadata=True)
        hand = HAND_WRITTEN.format(data=space.data)
        standing = space.target()
        first = space.job_j(standing)
        sizes = {"rows": first.counts.rows, "eval": first.split_sizes["eval"]}
        assert sizes == {name: EXPECTED[name] for name in sizes}, sizes
        series = rounds(
            {
                "bare CREATE TABLE AS of the compiled selection": lambda: create_table(bare).close(),
                "bare CREATE TABLE AS into a database file": lambda: kept(bare, space.root),
                "hand-written SQL": lambda: create_table(hand).close(),
                "compiled selection with row metadata": lambda: create_table(stamped).close(),
                "materialize, first publication": lambda: space.job_j(space.target()),
                "materialize, refresh of an unchanged source": lambda: space.job_j(standing),
            },
            repeats,
        )
        again = space.job_j(standing)
        assert (again.counts.added, again.counts.changed, again.counts.removed) == (0, 0, 0), again.counts
    base = next(iter(series.values()))
    return {
        "table": {name: taken.against(base) for name, taken in series.items()},
        "steps_s": dict(first.seconds),
        "published_mb": round((first.size_bytes or 0) / 1e6, 1),
    }
