"""What the Storage Read API gives without a query: some columns and rows of one table, as they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import ONCE, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.sql.dialect import BIGQUERY

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery_storage_v1.types import ReadRowsResponse, ReadSession

SILENCE = 600.0
"""Seconds after which a stream is opened anew, however much it still holds: it may have gone dead."""
_SELECT = frozenset({"expressions", "from_", "where"})
_TABLE = frozenset({"this", "db", "catalog", "alias"})
_CONDITIONS = (
    *(exp.And, exp.Or, exp.Not, exp.Paren),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType),
)
"""Of what a restriction of rows may consist, as far as BigQuery says so."""


@dataclass(frozen=True)
class StorageRead:
    """`path`: of the table in the API. `columns`: name in the table → name in the answer; none are all."""

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    restriction: str = ""

    def batches(self, connection: Connection) -> "pa.RecordBatchReader":
        """The rows; in their order, where the table is the answer of a query that has one."""
        import pyarrow as pa  # noqa: PLC0415 - most runs move nothing

        session = self._session(connection)
        given = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        places = {name.lower(): place for place, name in enumerate(given.names)}
        names = self.columns or dict(zip(given.names, given.names, strict=True))
        order = [places[name.lower()] for name in names]
        fields = [
            given.field(place).with_name(name) for place, name in zip(order, names.values(), strict=True)
        ]
        schema = pa.schema(field.remove_metadata() for field in fields)

        def rows() -> "Iterator[pa.RecordBatch]":
            for stream in session.streams:
                for page in _Stream(connection, stream.name):
                    found = pa.py_buffer(page.arrow_record_batch.serialized_record_batch)
                    batch = pa.ipc.read_record_batch(found, given)
                    yield pa.RecordBatch.from_arrays([batch.column(place) for place in order], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, rows())

    def _session(self, connection: Connection) -> "ReadSession":
        from google.cloud.bigquery_storage_v1 import types  # noqa: PLC0415 - see batches

        options = {"selected_fields": list(self.columns), "row_restriction": self.restriction}
        wanted = types.ReadSession(table=self.path, data_format=types.DataFormat.ARROW, read_options=options)
        parent = f"projects/{connection.client.project}"
        return connection.ask(
            lambda: connection.reader.create_read_session(
                parent=parent, read_session=wanted, max_stream_count=1, retry=ONCE, timeout=TIMEOUT
            )
        )


class _Stream:
    """The pages of a stream. One that breaks off, or is silent, is taken up again where it was."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._rows = 0
        self._pages: Iterator[ReadRowsResponse] | None = None

    def __iter__(self) -> Iterator["ReadRowsResponse"]:
        while (page := self._connection.ask(self._next)) is not None:
            if page.row_count:
                yield page

    def _next(self) -> "ReadRowsResponse | None":
        if self._pages is None:
            reader = self._connection.reader
            self._pages = iter(reader.read_rows(self._name, self._rows, retry=ONCE, timeout=SILENCE))
        try:
            page = next(self._pages, None)
        except Exception:
            self._pages = None
            raise
        self._rows += page.row_count if page else 0
        return page


def excerpt_of(query: exp.Query) -> tuple[exp.Table, StorageRead] | None:
    """The table that a query only takes columns and rows of; None for any other query."""
    if not isinstance(query, exp.Select) or not {"from_"} <= _given(query) <= _SELECT:
        return None
    source, where = query.args["from_"].this, query.args.get("where")
    columns = {each.unalias().name: each.alias_or_name for each in query.selects}
    is_plain = (
        isinstance(source, exp.Table)
        and source.db
        and _given(source) <= _TABLE
        and len(columns) == len(query.selects)
        and all(isinstance(each.unalias(), exp.Column) for each in query.selects)
        and (not where or all(isinstance(node, _CONDITIONS) for node in where.this.walk()))
    )
    if not is_plain:
        return None
    path = f"projects/{source.catalog}/datasets/{source.db}/tables/{source.name}"
    return source, StorageRead(path, columns, _restriction(where.this) if where else "")


def _given(node: exp.Expr) -> set[str]:
    return {name for name, value in node.args.items() if value}


def _restriction(condition: exp.Expr) -> str:
    """A condition as the Storage API wants it: columns by their bare names."""
    bare = condition.copy().transform(
        lambda node: exp.Column(this=node.this) if isinstance(node, exp.Column) else node
    )
    return BIGQUERY.render(bare, pretty=False)
