"""Count Arrow record batches while they are transferred from one engine to another."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataset_assets.ports.engine import TransferCallback

if TYPE_CHECKING:
    import pyarrow as pa


class CountedBatches:
    """Record batches that report the number of rows and bytes read so far to a callback.

    `failure` is the error that the source of the batches raised: a reader through Arrow's C interface
    receives only the error's text.
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
        """Return the batches as a pyarrow RecordBatchReader."""
        import pyarrow as pa  # noqa: PLC0415 - most runs transfer no rows

        return pa.RecordBatchReader.from_batches(self._batches.schema, iter(self))
