"""Stream the rows of one BigQuery table by the Storage Read API, without a query job.

This serves only queries that select columns and rows of one table, which this module recognises.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import NO_RETRY, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.sql.dialect import BIGQUERY

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery_storage_v1.types import ReadRowsResponse, ReadSession

STREAM_TIMEOUT = 600.0
"""Seconds after which a stream is opened again at the row where it ended, because it may have stalled."""
_SELECT_CLAUSES = frozenset({"expressions", "from_", "where"})
_TABLE_PARTS = frozenset({"this", "db", "catalog", "alias"})
_RESTRICTION_NODES = (
    *(exp.And, exp.Or, exp.Not, exp.Paren),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType),
)
"""The nodes of a condition that BigQuery documents for the API's `row_restriction`."""


@dataclass(frozen=True)
class StorageRead:
    """The read of one table. `path` is the table's resource name in the API.

    `columns` maps names in the table to names in the result; an empty mapping reads all columns.
    `restriction` is the API's condition on rows.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    restriction: str = ""

    def batches(self, connection: Connection) -> "pa.RecordBatchReader":
        """Return the rows. The rows of an ordered query's result table keep their order."""
        import pyarrow as pa  # noqa: PLC0415 - most runs read no rows in bulk

        session = self._session(connection)
        sent_schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        indexes = {name.lower(): index for index, name in enumerate(sent_schema.names)}
        names = self.columns or dict(zip(sent_schema.names, sent_schema.names, strict=True))
        order = [indexes[name.lower()] for name in names]
        fields = [
            sent_schema.field(index).with_name(name)
            for index, name in zip(order, names.values(), strict=True)
        ]
        schema = pa.schema(field.remove_metadata() for field in fields)

        def rows() -> "Iterator[pa.RecordBatch]":
            for stream in session.streams:
                for page in _Stream(connection, stream.name):
                    serialized = pa.py_buffer(page.arrow_record_batch.serialized_record_batch)
                    batch = pa.ipc.read_record_batch(serialized, sent_schema)
                    yield pa.RecordBatch.from_arrays([batch.column(index) for index in order], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, rows())

    def _session(self, connection: Connection) -> "ReadSession":
        from google.cloud.bigquery_storage_v1 import types  # noqa: PLC0415 - see batches

        options = {"selected_fields": list(self.columns), "row_restriction": self.restriction}
        request = types.ReadSession(table=self.path, data_format=types.DataFormat.ARROW, read_options=options)
        parent = f"projects/{connection.client.project}"
        return connection.retry(
            lambda: connection.read_client.create_read_session(
                parent=parent, read_session=request, max_stream_count=1, retry=NO_RETRY, timeout=TIMEOUT
            )
        )


class _Stream:
    """Iterates over the pages of a stream. After a failure or a stall it resumes at the next unread row."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._rows = 0
        self._pages: Iterator[ReadRowsResponse] | None = None

    def __iter__(self) -> Iterator["ReadRowsResponse"]:
        while (page := self._connection.retry(self._next)) is not None:
            if page.row_count:
                yield page

    def _next(self) -> "ReadRowsResponse | None":
        if self._pages is None:
            client = self._connection.read_client
            self._pages = iter(
                client.read_rows(self._name, self._rows, retry=NO_RETRY, timeout=STREAM_TIMEOUT)
            )
        try:
            page = next(self._pages, None)
        except Exception:
            self._pages = None
            raise
        self._rows += page.row_count if page else 0
        return page


def table_read_of(query: exp.Query) -> tuple[exp.Table, StorageRead] | None:
    """Return the table and its read, if the query only selects columns and rows of one table, else None."""
    if not isinstance(query, exp.Select) or not {"from_"} <= _clauses(query) <= _SELECT_CLAUSES:
        return None
    source, where = query.args["from_"].this, query.args.get("where")
    columns = {each.unalias().name: each.alias_or_name for each in query.selects}
    is_plain = (
        isinstance(source, exp.Table)
        and source.db
        and _clauses(source) <= _TABLE_PARTS
        and len(columns) == len(query.selects)
        and all(isinstance(each.unalias(), exp.Column) for each in query.selects)
        and (not where or all(isinstance(node, _RESTRICTION_NODES) for node in where.this.walk()))
    )
    if not is_plain:
        return None
    path = f"projects/{source.catalog}/datasets/{source.db}/tables/{source.name}"
    return source, StorageRead(path, columns, _restriction(where.this) if where else "")


def _clauses(node: exp.Expr) -> set[str]:
    return {name for name, value in node.args.items() if value}


def _restriction(condition: exp.Expr) -> str:
    """Render a condition as the API expects it: columns without a table alias."""
    bare = condition.copy().transform(
        lambda node: exp.Column(this=node.this) if isinstance(node, exp.Column) else node
    )
    return BIGQUERY.render(bare, pretty=False)
