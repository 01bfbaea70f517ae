"""Job J end to end, as a ratio to DuckDB's bare CREATE TABLE AS of the same compiled selection."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb

from benchmarks.baselines.sql import HAND_WRITTEN
from benchmarks.measure import Report, rounds
from benchmarks.workspace import EXPECTED, Workspace, create_table, workspace
from dataset_assets.publishing.materialize import Materialization

CHANGE = """
COPY (
  SELECT * REPLACE (sales_value + IF((basket_id + product_id) % 100 = 0, 0.01, 0) AS sales_value)
  FROM '{path}'
) TO '{other}' (FORMAT parquet, COMPRESSION snappy)
"""
"""A hundredth of the rows costs a cent more."""


def kept(sql: str, folder: Path) -> None:
    """What it costs without us to have the rows on disk, as a publication has."""
    path = folder / "kept.duckdb"
    create_table(sql, database=str(path)).close()
    path.unlink()


class ChangingSource:
    """A target with a publication, of whose source every further one finds 1 % of the rows changed."""

    def __init__(self, space: Workspace) -> None:
        self._space, self._target, self._publishes_other = space, space.target(), False
        self._path, self._other = space.data / "transactions.parquet", space.root / "changed.parquet"
        with duckdb.connect() as connection:
            connection.execute(CHANGE.format(path=self._path, other=self._other))
        self.publish()

    def publish(self) -> Materialization:
        """Publish the table that was not published last; the other works find it as it was."""
        with self._swapped() if self._publishes_other else nullcontext():
            published = self._space.job_j(self._target)
        self._publishes_other = not self._publishes_other
        return published

    @contextmanager
    def _swapped(self) -> Generator[None]:
        self._swap()
        yield
        self._swap()

    def _swap(self) -> None:
        kept = self._path.rename(self._path.with_suffix(".kept"))
        self._other.rename(self._path)
        kept.rename(self._other)


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
        changing = ChangingSource(space)
        series = rounds(
            {
                "bare CREATE TABLE AS of the compiled selection": lambda: create_table(bare).close(),
                "bare CREATE TABLE AS into a database file": lambda: kept(bare, space.root),
                "hand-written SQL": lambda: create_table(hand).close(),
                "compiled selection with row metadata": lambda: create_table(stamped).close(),
                "materialize, first publication": lambda: space.job_j(space.target()),
                "materialize, refresh of an unchanged source": lambda: space.job_j(standing),
                "materialize, refresh in which 1 % of the rows changed": changing.publish,
            },
            repeats,
        )
        again = space.job_j(standing)
        changed = changing.publish().counts
        assert 0.009 < changed.changed / changed.rows < 0.011, changed
        assert (again.counts.added, again.counts.changed, again.counts.removed) == (0, 0, 0), again.counts
    base = next(iter(series.values()))
    return {
        "table": {name: taken.against(base) for name, taken in series.items()},
        "steps_s": dict(first.seconds),
        "published_mb": round((first.size_bytes or 0) / 1e6, 1),
    }
