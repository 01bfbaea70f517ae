"""Transfer rows in bulk as Arrow: out by the Storage Read API, in by a load job (BR-004).

Row by row over the ordinary API is two hundred times slower.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import CLEANUP_SECONDS
from dataset_assets.adapters.bigquery.jobs import Jobs
from dataset_assets.adapters.bigquery.names import create_with_expiration, expires_in, table, transfer_prefix
from dataset_assets.adapters.bigquery.storage_read import StorageRead, table_read_of
from dataset_assets.adapters.bigquery.tables import Tables, path
from dataset_assets.adapters.bigquery.types import COLUMN_TYPES
from dataset_assets.adapters.shared.arrow_stream import CountedBatches
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.engine import TransferCallback
from dataset_assets.sql.dialect import BIGQUERY

if TYPE_CHECKING:
    import pyarrow as pa

EXPIRY_HOURS = 24
"""Hours after which BigQuery itself removes the rows that a killed session had loaded."""


class BulkTransfer:
    """Transfers rows for one session. `scratch` is the (project, dataset) of loaded rows, until `close`."""

    def __init__(self, jobs: Jobs, scratch: tuple[str, str] | None) -> None:
        self._jobs = jobs
        self._scratch = scratch
        self._tables = Tables(jobs.connection)
        self._loaded: list[exp.Table] = []

    def read(self, query: exp.Query, text: str) -> "pa.RecordBatchReader":
        """Return the rows of a query, whose rendered text is `text`.

        A query that only selects columns and rows of one table reads that table directly. For any other
        query a job runs, and its result table is read.
        """
        table_read = table_read_of(query)
        if table_read:
            source, storage_read = table_read
            if self._tables.get(source).table_type == "TABLE":  # views have to be queried
                return storage_read.batches(self._jobs.connection)
        result = self._jobs.read(text).destination
        return StorageRead(result.path.lstrip("/")).batches(self._jobs.connection)

    def load(
        self,
        name: str,
        columns: Sequence[ColumnDef],
        batches: "pa.RecordBatchReader",
        moved: TransferCallback,
    ) -> exp.Table:
        """Load rows into a new table and return it. `close` drops the table."""
        target = self._create_table(name, columns)
        # WRITE_EMPTY appends to the empty table. Replacing the table would remove its expiration.
        config = bigquery.LoadJobConfig(
            schema=_fields(columns), source_format="PARQUET", write_disposition="WRITE_EMPTY"
        )
        counted = CountedBatches(batches, moved)
        with tempfile.TemporaryFile() as file:  # a load that is retried reads the file from its beginning
            _write_parquet(file, columns, counted)
            if counted.rows:
                self._jobs.load(file, path(target), config, "move")
        return target

    def store(self, name: str, query: exp.Query) -> exp.Expr:
        """Create a table with the rows of a query and return it, or the query itself without `scratch`.

        `close` drops the table.
        """
        if self._scratch is None:
            return query.subquery()
        target = self._new_table(name)
        create = create_with_expiration(target, query, EXPIRY_HOURS)
        self._jobs.write(BIGQUERY.render(create), "store")
        return target.copy()

    def close(self) -> None:
        """Drop the loaded tables. A failure is ignored, because the tables expire by themselves."""
        for loaded in self._loaded:
            with suppress(DatasetAssetsError):
                self._tables.drop(loaded, CLEANUP_SECONDS)
        self._loaded.clear()

    def _create_table(self, name: str, columns: Sequence[ColumnDef]) -> exp.Table:
        target = self._new_table(name)
        definition = bigquery.Table(path(target), schema=_fields(columns))
        definition.expires = expires_in(EXPIRY_HOURS)
        self._tables.create(definition)
        return target

    def _new_table(self, name: str) -> exp.Table:
        """Return a new name in the scratch dataset; `close` drops the table."""
        project, dataset = self._scratch or ("", "")
        job = self._jobs.job
        prefix = transfer_prefix(job.dataset, job.period, job.run_id)
        target = table(project, dataset, f"{prefix}{uuid4().hex[:8]}_{name}")
        self._loaded.append(target)
        return target


def _fields(columns: Sequence[ColumnDef]) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField(each.name, COLUMN_TYPES[each.type]) for each in columns]


def _write_parquet(file: Any, columns: Sequence[ColumnDef], batches: CountedBatches) -> None:
    """Write the batches as Parquet, one row group for each batch, and rewind the file."""
    import pyarrow as pa  # noqa: PLC0415 - most runs transfer nothing
    from pyarrow import parquet  # noqa: PLC0415

    types = _arrow_types()
    schema = pa.schema([pa.field(each.name, types[each.type]) for each in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
    file.seek(0)


def _arrow_types() -> "dict[ColumnType, pa.DataType]":
    import pyarrow as pa  # noqa: PLC0415 - see _write_parquet

    return {
        ColumnType.STRING: pa.string(),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.DECIMAL: pa.decimal128(38, 9),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
