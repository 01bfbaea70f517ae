"""Rows in bulk, as Arrow: out by the Storage Read API, in by a load job (BR-004).

Row by row over the ordinary API is two hundred times slower.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import CLEANING
from dataset_assets.adapters.bigquery.jobs import Jobs
from dataset_assets.adapters.bigquery.names import expiry, moved_prefix, table
from dataset_assets.adapters.bigquery.storage_read import StorageRead, excerpt_of
from dataset_assets.adapters.bigquery.tables import Tables, path
from dataset_assets.adapters.bigquery.types import COLUMN_TYPES
from dataset_assets.adapters.shared.arrow_stream import CountedBatches
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import TransferCallback

if TYPE_CHECKING:
    import pyarrow as pa

MOVED_HOURS = 24
"""After which BigQuery itself removes what a killed session was moved."""


class Transfer:
    """Moves for one session. `scratch`: the (project, dataset) that holds what came in, until `close`."""

    def __init__(self, jobs: Jobs, scratch: tuple[str, str] | None) -> None:
        self._jobs = jobs
        self._scratch = scratch
        self._tables = Tables(jobs.connection)
        self._moved: list[exp.Table] = []

    def sent(self, query: exp.Query, text: str) -> "pa.RecordBatchReader":
        """The rows of a query.

        Some columns and rows of one table are read from it as they are; for anything else a query job runs,
        and what it answers is read.
        """
        found = excerpt_of(query)
        if found and self._tables.get(found[0]).table_type == "TABLE":  # views have to be queried
            return found[1].batches(self._jobs.connection)
        answer = self._jobs.read(text).destination
        return StorageRead(answer.path.lstrip("/")).batches(self._jobs.connection)

    def received(
        self,
        name: str,
        columns: Sequence[ColumnDef],
        batches: "pa.RecordBatchReader",
        moved: TransferCallback,
    ) -> exp.Table:
        """A table of these rows, until `close`."""
        project, dataset = self._scratch or ("", "")
        job = self._jobs.job
        prefix = moved_prefix(job.dataset, job.period, job.run_id)
        place = table(project, dataset, f"{prefix}{uuid4().hex[:8]}_{name}")
        schema = [bigquery.SchemaField(each.name, COLUMN_TYPES[each.type]) for each in columns]
        holder = bigquery.Table(path(place), schema=schema)
        holder.expires = expiry(MOVED_HOURS)
        self._moved.append(place)
        self._tables.create(holder)
        # To an empty table it is added, not written anew: that would forget when the table expires.
        config = bigquery.LoadJobConfig(
            schema=schema, source_format="PARQUET", write_disposition="WRITE_EMPTY"
        )
        coming = CountedBatches(batches, moved)
        with tempfile.TemporaryFile() as file:  # a load that has to be sent again begins anew
            _write(file, columns, coming)
            if coming.rows:
                self._jobs.load(file, path(place), config, "move")
        return place

    def close(self) -> None:
        """Removes what came in. What cannot be removed now expires: the reason to stop is what is told."""
        for place in self._moved:
            with suppress(DatasetAssetsError):
                self._tables.drop(place, CLEANING)
        self._moved.clear()


def _write(file: Any, columns: Sequence[ColumnDef], batches: CountedBatches) -> None:
    """As Parquet, a row group for each batch."""
    import pyarrow as pa  # noqa: PLC0415 - most runs move nothing
    from pyarrow import parquet  # noqa: PLC0415

    types = _arrow_types()
    schema = pa.schema([pa.field(each.name, types[each.type]) for each in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
    file.seek(0)


def _arrow_types() -> "dict[ColumnType, pa.DataType]":
    import pyarrow as pa  # noqa: PLC0415 - see _write

    return {
        ColumnType.STRING: pa.string(),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.DECIMAL: pa.decimal128(38, 9),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
