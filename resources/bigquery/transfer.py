"""Rows in bulk, as Arrow: out by the Storage Read API, in by a load job (BR-004).

Row by row over the ordinary API is two hundred times slower.
"""

import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.sql.dialect import BIGQUERY
from resources.bigquery.clients import ONCE, TIMEOUT
from resources.bigquery.jobs import Jobs
from resources.bigquery.names import expiry, table
from resources.bigquery.tables import Tables, path
from resources.bigquery.types import COLUMN_TYPES

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
        import pyarrow as pa  # noqa: PLC0415 - most runs move nothing

        source = self._as_it_is(query)
        if source:
            table_path = "projects/{}/datasets/{}/tables/{}".format(*_parts(source))
            columns = [column.name for column in query.selects]
            where = query.args.get("where")
            stream = self._stream(table_path, columns, _restriction(where.this) if where else "")
        else:
            place = self._jobs.read(text).destination
            stream = self._stream(place.path.lstrip("/"), [], "")
        schema = next(stream)
        return pa.RecordBatchReader.from_batches(schema, stream)

    def received(self, name: str, columns: Sequence[ColumnDef], batches: "pa.RecordBatchReader") -> exp.Table:
        """A table of these rows, until `close`."""
        project, dataset = self._scratch or ("", "")
        told_by = sha256(f"{self._jobs.errand}:{name}".encode()).hexdigest()[:16]
        place = table(project, dataset, f"_moved_{told_by}_{name}")
        schema = [bigquery.SchemaField(each.name, COLUMN_TYPES[each.type]) for each in columns]
        holder = bigquery.Table(path(place), schema=schema)
        holder.expires = expiry(MOVED_HOURS)
        self._tables.create(holder)
        self._moved.append(place)
        config = bigquery.LoadJobConfig(
            schema=schema, source_format="PARQUET", write_disposition="WRITE_TRUNCATE"
        )
        with tempfile.TemporaryFile() as file:
            self._write(file, columns, batches)
            self._jobs.load(file, path(place), config, "move")
        return place

    def close(self) -> None:
        """Removes what came in."""
        for place in self._moved:
            self._tables.drop(place)
        self._moved.clear()

    def _as_it_is(self, query: exp.Query) -> exp.Table | None:
        """The table that the query only takes columns and rows of; None for any other query or a view."""
        plain = {"expressions", "from_", "where"}
        if not isinstance(query, exp.Select) or any(v for k, v in query.args.items() if k not in plain):
            return None
        source = query.args["from_"].this
        bare = all(isinstance(each, exp.Column) for each in query.selects)
        if not isinstance(source, exp.Table) or not source.db or source.args.get("version") or not bare:
            return None
        return source if self._tables.get(source).table_type == "TABLE" else None

    def _stream(self, path: str, columns: Sequence[str], restriction: str) -> Iterator[Any]:
        """The schema, and then the batches; they keep the order of a query that has one."""
        import pyarrow as pa  # noqa: PLC0415 - see sent
        from google.cloud.bigquery_storage_v1 import types  # noqa: PLC0415

        wanted = types.ReadSession(
            table=path,
            data_format=types.DataFormat.ARROW,
            read_options={"selected_fields": list(columns), "row_restriction": restriction},
        )
        reader = self._jobs.connection.reader
        parent = f"projects/{self._jobs.client.project}"
        session = self._jobs.connection.ask(
            lambda: reader.create_read_session(
                parent=parent, read_session=wanted, max_stream_count=1, retry=ONCE, timeout=TIMEOUT
            )
        )
        schema = _bare(pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema)))
        order = [schema.get_field_index(name) for name in columns] or list(range(len(schema)))
        schema = pa.schema([schema.field(place) for place in order])
        yield schema
        for stream in session.streams:
            for page in reader.read_rows(stream.name).rows(session).pages:
                batch = page.to_arrow()
                self._count(batch.num_rows, batch.nbytes)
                yield pa.RecordBatch.from_arrays([batch.column(place) for place in order], schema=schema)

    def _write(self, file: Any, columns: Sequence[ColumnDef], batches: "pa.RecordBatchReader") -> None:
        import pyarrow as pa  # noqa: PLC0415 - see sent
        from pyarrow import parquet  # noqa: PLC0415

        types = _arrow_types()
        schema = pa.schema([pa.field(each.name, types[each.type]) for each in columns])
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches:
                self._count(batch.num_rows, batch.nbytes)
                writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
        file.seek(0)

    def _count(self, rows: int, size: int) -> None:
        self._jobs.usage["rows_moved"] += rows
        self._jobs.usage["bytes_moved"] += size


def _parts(source: exp.Table) -> tuple[str, str, str]:
    return source.catalog, source.db, source.name


def _restriction(condition: exp.Expr) -> str:
    """A WHERE condition as the Storage API wants it: columns by their bare names."""
    bare = condition.copy().transform(
        lambda node: exp.Column(this=node.this) if isinstance(node, exp.Column) else node
    )
    return BIGQUERY.render(bare, pretty=False)


def _bare(schema: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - see sent

    return pa.schema([field.remove_metadata() for field in schema])


def _arrow_types() -> "dict[ColumnType, pa.DataType]":
    import pyarrow as pa  # noqa: PLC0415 - see sent

    return {
        ColumnType.STRING: pa.string(),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.DECIMAL: pa.decimal128(38, 9),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
