"""Sort shuffled rows by their hash in little memory: in chunks of the order, which wait in files."""

from bisect import bisect_left
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dataset_assets.rows.epoch_order import KEY, PartRange, part_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

CHUNK_ROWS = 250_000
"""Rows that are sorted in memory at a time."""
MOST_FILES = 256
"""Chunks of a range, at most: a range of more than 64 million rows has larger ones."""


def chunk_starts(sizes: "Sequence[int]", parts: PartRange) -> list[str]:
    """Return the first hash of each chunk of some parts: consecutive parts that have enough rows together."""
    rows = sizes[parts.first : parts.last + 1]
    enough = max(CHUNK_ROWS, sum(rows) // MOST_FILES)
    starts, held = [part_digits(parts.first)], 0
    for place, size in enumerate(rows, parts.first):
        if held and held + size > enough:
            starts.append(part_digits(place))
            held = 0
        held += size
    return starts


def in_order(batches: "Iterable[pa.RecordBatch]", starts: "Sequence[str]") -> "Iterator[pa.RecordBatch]":
    """Yield rows sorted by their hash, without it. `starts` is the result of `chunk_starts`.

    Rows of more than one chunk are first written to files in the system's temporary folder, which are removed
    as they are read.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if len(starts) == 1:
        rows = list(batches)
        if rows:
            yield from _sorted(pa.Table.from_batches(rows)).drop_columns([KEY]).to_batches()
        return
    with TemporaryDirectory(prefix="dataset-assets-epoch-") as folder:
        files = _ChunkFiles(Path(folder), starts)
        files.write(batches)
        for path in files.paths:
            if path.exists():
                with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
                    yield from _sorted(reader.read_all()).drop_columns([KEY]).to_batches()
                path.unlink()


def _sorted(rows: "pa.Table") -> "pa.Table":
    return rows.combine_chunks().sort_by(KEY)


@dataclass(frozen=True)
class _ChunkFiles:
    """One file of Arrow batches for each chunk that has rows."""

    folder: Path
    starts: "Sequence[str]"

    @property
    def paths(self) -> list[Path]:
        return [self.folder / start for start in self.starts]

    def write(self, batches: "Iterable[pa.RecordBatch]") -> None:
        """Append each row to the file of its chunk."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        writers: dict[Path, pa.RecordBatchStreamWriter] = {}
        with ExitStack() as opened:
            for batch in batches:
                for path, part in self._split(batch):
                    if path not in writers:
                        writers[path] = opened.enter_context(pa.ipc.new_stream(str(path), batch.schema))
                    writers[path].write_batch(part)

    def _split(self, batch: "pa.RecordBatch") -> "Iterator[tuple[Path, pa.RecordBatch]]":
        """Yield the rows of each chunk of which the batch has any."""
        rows = batch.sort_by(KEY)
        keys = rows[KEY]
        starts = (*self.starts[1:], "g")
        begin = 0
        for path, after in zip(self.paths, starts, strict=True):
            end = bisect_left(range(len(keys)), after, begin, key=lambda place: keys[place].as_py())
            if end > begin:
                yield path, rows.slice(begin, end - begin)
            begin = end
