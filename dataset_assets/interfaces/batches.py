"""Read published rows for training with `batches`, as Arrow record batches.

from dataset_assets.interfaces.batches import batches

for batch in batches("grocery_recommender", partition="2017-12", split="train", batch_size=4096, seed=7):
    ...
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import Unpack

from dataset_assets.interfaces.batch_position import EpochPlace, Shard, check_batches, check_order
from dataset_assets.interfaces.epoch_rows import EpochRows, rebatched
from dataset_assets.interfaces.pinned_rows import PinnedReading
from dataset_assets.interfaces.row_selection import ReadOptions, selection_of
from dataset_assets.interfaces.use_reports import record_and_report
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.uses import PublicationChoice, check_training_run

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_SIZE = 1024
"""Rows of a batch if nothing is said."""


def batches(
    name: str,
    *,
    batch_size: int = BATCH_SIZE,
    seed: int | None = None,
    epoch: int = 0,
    shard: tuple[int, int] = (0, 1),
    resume: Mapping[str, Any] | None = None,
    drop_last: bool = False,
    training_run: str | None = None,
    target: str | None = None,
    definitions: Path | None = None,
    **options: Unpack[ReadOptions],
) -> "Batches":
    """Return an iterator over the published rows of a dataset as Arrow record batches of `batch_size` rows.

    The `options` are those of `read_arrow`, without `limit`. Without a `seed` the rows come in their stored
    order: Period after Period, by `_row_id`. With one they are shuffled: sorted by the MD5 of seed, `epoch`
    and `_row_id`, which no thread, file or engine changes. The engine sorts and streams them, DuckDB on disk
    if they do not fit into its `memory_limit`, so that this process holds a few batches at a time.

    `shard=(index, count)` reads one of `count` parts without a row in common, whose sizes differ by at most
    one. Each is a range of the order, so the rows of other shards are not sorted. With `drop_last` each batch
    has `batch_size` rows, and all shards have equally many; the remaining rows are left out of the epoch.

    The publications are found once, when this is called; later ones change nothing. `state` of the iterator
    is plain data for `resume`, which goes on after the last batch that was returned. The use of a
    `training_run` is recorded, and the rows are pinned, before the first batch is read.

    Raises DatasetAssetsError as `read_arrow` does, for an argument that is out of range, and for a state of
    other rows or another order: a publication that changed since then is named.
    """
    check_order(epoch, shard)
    check_batches(batch_size, seed)
    reading = pinned_reading(name, training_run, target, definitions, **options)
    with ExitStack() as unless_recorded:
        reader = EpochReader(reading, batch_size, seed, drop_last)
        opened = unless_recorded.enter_context(reader.open(epoch, Shard(*shard), resume))
        record_reading(reading, training_run)
        unless_recorded.pop_all()
    return opened


def pinned_reading(
    name: str,
    training_run: str | None,
    target: str | None,
    definitions: Path | None,
    **options: Unpack[ReadOptions],
) -> PinnedReading:
    """Find the publications that are read, for a training run whose use `record_reading` records."""
    if training_run is not None:
        check_training_run(training_run)
    return PinnedReading.of(Workspace.of(target, definitions), selection_of(name, **options))


def record_reading(reading: PinnedReading, training_run: str | None) -> None:
    """Record that a training run uses the publications that are read, if there is a run.

    It is called when nothing more can be refused: a call that reads nothing pins no rows.
    """
    if training_run is not None:
        rows = reading.rows
        choice = PublicationChoice(rows.dataset, rows.periods, rows.table_version)
        record_and_report(reading.workspace, choice, training_run)


@dataclass(frozen=True)
class EpochReader:
    """Opens epochs of pinned rows. It can be pickled, for a worker in another process."""

    reading: PinnedReading
    batch_size: int
    seed: int | None = None
    drop_last: bool = False

    def open(self, epoch: int, shard: Shard, resume: Mapping[str, Any] | None = None) -> "Batches":
        """Return the batches of one shard of an epoch. Raises DatasetAssetsError as `batches` does."""
        return Batches(self, EpochPlace(self.seed, epoch, shard), resume)


class Batches:
    """An iterator of Arrow record batches over one shard of an epoch.

    Its session is open until the last batch, `close` or the end of a `with` block.
    """

    def __init__(self, reader: EpochReader, place: EpochPlace, resume: Mapping[str, Any] | None) -> None:
        self._reader = reader
        self._place = place
        self._opened = ExitStack()
        try:
            session = self._opened.enter_context(reader.reading.open())
            self._rows = EpochRows(session, place.seed, place.epoch)
            self.total = sum(self._rows.sizes)
            """Number of rows of all shards together, those that `drop_last` leaves out included."""
            self.position = place.position(reader.reading, self.total, resume) if resume is not None else 0
            """Number of rows of the shard that were returned."""
            self._batches = self._read()
        except BaseException:
            self._opened.close()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> "pa.RecordBatch":
        try:
            batch = next(self._batches)
        except BaseException:
            self.close()
            raise
        self.position += batch.num_rows
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def rows(self) -> int:
        """Number of rows of this shard that its batches have, from the beginning."""
        shard, size = self._place.shard, self._reader.batch_size
        smallest = self.total // shard.count
        return smallest - smallest % size if self._reader.drop_last else len(shard.positions(self.total))

    @property
    def state(self) -> dict[str, Any]:
        """The iterator's position, as plain data for the parameter `resume` of a later call."""
        return self._place.state(self._reader.reading, self.total, self.position)

    @property
    def schema(self) -> "pa.Schema":
        """The names and types of the columns."""
        return self._reader.reading.schema

    def close(self) -> None:
        """Close the session. A closed iterator has no further batches."""
        self._batches = iter(())
        self._opened.close()

    def _read(self) -> "Iterator[pa.RecordBatch]":
        start = self._place.shard.positions(self.total).start
        size = self._reader.batch_size
        remaining = max(self.rows - self.position, 0)
        if self._reader.drop_last:
            remaining -= remaining % size
        first = start + self.position
        return rebatched(self._rows.between(first, first + remaining), size)
