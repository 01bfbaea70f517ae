"""Record batches on their way from one engine to another."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataset_assets.ports.engine import TransferCallback

if TYPE_CHECKING:
    import pyarrow as pa


class CountedBatches:
    """Batches that are counted as they come.

    `failure` is what went wrong where they come from: who reads them through Arrow's C interface is told
    its text alone.
    """

    def __init__(self, batches: "pa.RecordBatchReader", moved: TransferCallback) -> None:
        self._batches = batches
        self._moved = moved
        self.rows = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator["pa.RecordBatch"]:
        size = 0
        try:
            for batch in self._batches:
                self.rows += batch.num_rows
                size += batch.nbytes
                self._moved(self.rows, size)
                yield batch
        except Exception as error:
            self.failure = error
            raise

    @property
    def reader(self) -> "pa.RecordBatchReader":
        """The same, for what reads Arrow's C interface."""
        import pyarrow as pa  # noqa: PLC0415 - most runs move nothing

        return pa.RecordBatchReader.from_batches(self._batches.schema, iter(self))
