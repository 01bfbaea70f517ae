"""Engine sessions over tables in memory: GoogleSQL's evaluator alone, and beside DuckDB."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
from dataset_assets.ports.engine import Session, TransferCallback
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.sql.build import table
from dataset_assets.sql.dialect import BIGQUERY, DUCKDB
from tests.googlesql.googlesql import Analyzer, Row
from tests.oracle.harness import PHYSICAL, connect, create, plain

LABELS = "STRUCT(key VARCHAR, value VARCHAR)[]"
GOOGLESQL = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "DOUBLE": "FLOAT64",
    "DECIMAL(38, 9)": "NUMERIC",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMPTZ": "TIMESTAMP",
    LABELS: "ARRAY<STRUCT<key STRING, value STRING>>",
}
"""DuckDB type → GoogleSQL type for the same values."""
SYSTEM = {
    system.name: LABELS if system.sql_type == LABELS_TYPE else system.sql_type for system in SYSTEM_COLUMNS
}
"""The system columns and their types in DuckDB."""

Shapes = Mapping[str, Mapping[str, str]]
"""Table → its columns, each with its type in DuckDB."""
TableChanges = Mapping[str, Sequence[Row]]


def in_googlesql(shapes: Shapes) -> dict[str, dict[str, str]]:
    """Convert the column types of tables from DuckDB to GoogleSQL."""
    return {
        name: {column: GOOGLESQL[native] for column, native in columns.items()}
        for name, columns in shapes.items()
    }


def relation(shapes: Shapes, name: str, zone: str = "UTC") -> Relation:
    """Return a table as a resolver would return it."""
    kinds = {native.replace(" ", ""): kind for native, kind in PHYSICAL.items()}
    kinds["TIMESTAMPTZ"] = PHYSICAL["TIMESTAMP WITH TIME ZONE"]
    columns = (
        PhysicalColumn(column, kinds[native.replace(" ", "")], native.replace(" ", ""))
        for column, native in shapes[name].items()
    )
    return Relation(table(name), tuple(columns), version="1", zone=zone)


class _Asked(Session):
    """A session that only answers queries, and fails on every other method."""

    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        raise NotImplementedError(source)

    def arrow(self, query: exp.Query) -> Any:
        raise NotImplementedError(query)

    def batches(self, query: exp.Query) -> Any:
        raise NotImplementedError(query)

    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        raise NotImplementedError(name, columns, batches, moved)


class InDuckDB(_Asked):
    """DuckDB over the contents; a dot in a table's name separates schema and table."""

    def __init__(self, shapes: Shapes, contents: TableChanges) -> None:
        self._connection = connect()
        for schema in {name.split(".")[0] for name in shapes if "." in name}:
            self._connection.execute(f"CREATE SCHEMA {schema}")
        for name, columns in shapes.items():
            create(self._connection, name, columns, contents[name])

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        answer = self._connection.execute(DUCKDB.render(query))
        names = [each[0] for each in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


class InGoogleSQL(_Asked):
    """GoogleSQL's evaluator over the contents."""

    def __init__(self, shapes: Shapes, contents: TableChanges) -> None:
        self._analyzer = Analyzer(in_googlesql(shapes))
        self._contents = contents

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        return self._analyzer.evaluate(BIGQUERY.render(query), self._contents)


class Both(_Asked):
    """Run each query in DuckDB and in GoogleSQL, compare the rows, and return them."""

    def __init__(self, shapes: Shapes, contents: TableChanges) -> None:
        self.sessions = (InDuckDB(shapes, contents), InGoogleSQL(shapes, contents))

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        ours, theirs = (session.rows(query) for session in self.sessions)
        assert _counted(ours) == _counted(theirs), BIGQUERY.render(query)
        return ours


def _counted(rows: Sequence[Mapping[str, Any]]) -> Counter[tuple[tuple[str, Any], ...]]:
    """Return the multiset of rows, in which the order of columns matters."""
    return Counter(tuple((name, _plain(value)) for name, value in row.items()) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(tuple(sorted(each.items())) for each in value)
    return plain(value)
