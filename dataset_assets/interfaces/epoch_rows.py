"""Stream the rows of an epoch from an open session, and cut them into batches of one size."""

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from dataset_assets.cached_property import cached_property
from dataset_assets.interfaces.pinned_rows import PinnedRows, PinnedSession
from dataset_assets.interfaces.shuffled_rows import chunk_starts, in_order
from dataset_assets.rows.epoch_order import EpochOrder, PartRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa


@dataclass(frozen=True)
class EpochRows:
    """The pinned rows in the order of an epoch, read by an open session."""

    opened: PinnedSession
    seed: int | None
    epoch: int

    @cached_property
    def sizes(self) -> list[int]:
        """The number of rows of each part of the order."""
        counted = self.opened.run(lambda rows: self._order(rows).counts(), self.opened.session.rows)
        return self._order(self.opened.reading.rows).sizes(chain.from_iterable(counted))

    def between(self, start: int, stop: int) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of the positions `start` to `stop` - 1 in batches of any size."""
        for parts in self._order(self.opened.reading.rows).ranges(self.sizes, start, stop):
            rows = self._sent(parts)
            if self.seed is not None:
                rows = in_order(rows, chunk_starts(self.sizes, parts))
            yield from _sliced(rows, parts.skip, parts.take)

    def _sent(self, parts: PartRange) -> "Iterator[pa.RecordBatch]":
        """Return the rows of parts as the engine sends them."""
        sent = self.opened.run(lambda rows: self._order(rows).rows(parts), self.opened.session.batches)
        return chain.from_iterable(sent)

    def _order(self, rows: PinnedRows) -> EpochOrder:
        return EpochOrder(rows.queries, rows.columns, rows.order, self.seed, self.epoch)


def _sliced(batches: "Iterable[pa.RecordBatch]", skip: int, take: int) -> "Iterator[pa.RecordBatch]":
    """Yield `take` rows after the first `skip`, and read no further."""
    for batch in batches:
        part = batch.slice(skip, take)
        skip = max(skip - batch.num_rows, 0)
        take -= part.num_rows
        if part.num_rows:
            yield part
        if not take:
            return


def rebatched(batches: "Iterable[pa.RecordBatch]", size: int) -> "Iterator[pa.RecordBatch]":
    """Yield the same rows in batches of `size` rows; the last one can have fewer."""
    waiting: list[pa.RecordBatch] = []
    room = size
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, room)
            waiting.append(part)
            start += part.num_rows
            room -= part.num_rows
            if not room:
                yield _joined(waiting)
                waiting, room = [], size
    if waiting:
        yield _joined(waiting)


def _joined(batches: "list[pa.RecordBatch]") -> "pa.RecordBatch":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
