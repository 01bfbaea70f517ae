"""Run the compiled selection of a dataset over tables that are already in a DuckDB connection.

Engines, resolvers and warehouses stay out of it: what is tested here is the query alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset, TableTarget
from dataset_assets.contract.scope import Scope
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.sql.build import table
from dataset_assets.sql.dialect import DUCKDB

PHYSICAL = {
    "BIGINT": PhysicalType.INTEGER,
    "VARCHAR": PhysicalType.STRING,
    "DOUBLE": PhysicalType.FLOAT,
    "DECIMAL(38,9)": PhysicalType.DECIMAL,
    "BOOLEAN": PhysicalType.BOOLEAN,
    "DATE": PhysicalType.DATE,
    "TIMESTAMP": PhysicalType.DATETIME,
    "TIMESTAMP WITH TIME ZONE": PhysicalType.TIMESTAMP,
}


def connect() -> duckdb.DuckDBPyConnection:
    """Open an empty in-memory database whose time zone is UTC, like the engine's."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
    return connection


def create(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """(Re)makes a table from Python rows."""
    declared = ", ".join(f'"{column}" {sql_type}' for column, sql_type in columns.items())
    connection.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")
    values = list(rows)
    if values:
        marks = ", ".join("?" for _ in columns)
        text = ", ".join(f"({marks})" for _ in values)
        connection.execute(f"INSERT INTO {name} VALUES {text}", [value for row in values for value in row])


def relation(connection: duckdb.DuckDBPyConnection, name: str) -> Relation:
    """Return a table of the connection as a resolver would return it."""
    described = connection.execute(f"DESCRIBE {name}").fetchall()
    columns = tuple(PhysicalColumn(column, PHYSICAL[native], native) for column, native, *_ in described)
    return Relation(table(name), columns, version="1")


def compiled(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime) -> exp.Query:
    """Return the query that selects the dataset's rows from tables with the names of its sources."""
    scope = Scope(dataset, lambda _: None)
    relations = {scope.main.name: relation(connection, scope.main.name)}
    for source in scope.lookups:
        assert source.lookup is not None
        assert isinstance(source.lookup.target, TableTarget)
        relations[source.name] = relation(connection, source.lookup.target.name)
    ctes = compile_rows(SelectionInput(scope, relations, AsOf(as_of)))
    query = exp.select("*").from_(table(ctes[-1].name))
    for cte in ctes:
        query = query.with_(cte.name, as_=cte.query)
    return query


def selected(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime) -> Counter[tuple]:
    """Return the multiset of rows that the compiled query selects."""
    return multiset(connection, text_of(connection, dataset, as_of))


def differences(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> tuple[int, int]:
    """Count the rows of each query that the other lacks, in SQL because Python is slow for many rows."""
    counts = (
        f"SELECT COUNT(*) FROM (({one}) EXCEPT ALL ({other}))",
        f"SELECT COUNT(*) FROM (({other}) EXCEPT ALL ({one}))",
    )
    over, under = (connection.execute(count).fetchall()[0][0] for count in counts)
    return over, under


def text_of(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime) -> str:
    """Return the compiled query as SQL for DuckDB."""
    return DUCKDB.render(compiled(connection, dataset, as_of))


def multiset(connection: duckdb.DuckDBPyConnection, sql: str) -> Counter[tuple]:
    """Return the multiset of a query's rows, with comparable values."""
    return Counter(tuple(map(plain, row)) for row in connection.execute(sql).fetchall())


def plain(value: Any) -> Any:
    """Return one form for equal values: decimals without trailing zeros, instants in UTC."""
    if isinstance(value, Decimal):
        return value.normalize()
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value
