"""The statistics of wide tables, as a ratio to DuckDB's own SUMMARIZE of the same rows."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
from sqlglot import exp

from benchmarks.measure import Report, rounds
from dataset_assets.adapters.duckdb.engine import DuckDBEngine, DuckDBSession
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.stats.profile import profile

WIDTHS = (10, 60, 350, 700)
ROWS = 2_000
TABLE = "staged_rows"
VALUES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "'text ' || drawn % 500",
    ColumnType.INTEGER: "CAST(drawn % 1000 AS BIGINT)",
    ColumnType.DECIMAL: "CAST(drawn % 100000 AS DECIMAL(38, 9)) / 100",
    ColumnType.BOOLEAN: "drawn % 2 = 0",
    ColumnType.DATE: "DATE '2020-01-01' + CAST(drawn % 900 AS INTEGER)",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ '2020-01-01' + INTERVAL 1 SECOND * CAST(drawn % 90000000 AS INTEGER)",
}
"""What a column of each type holds, from a number that is drawn for its row and column."""


def fill(connection: duckdb.DuckDBPyConnection, width: int) -> list[PublishedColumn]:
    """Makes a table of `width` columns, each type in turn, and tells what they are."""
    kinds = list(VALUES)
    columns = [PublishedColumn(f"c{place}", kinds[place % len(kinds)], True) for place in range(width)]
    values = [
        f"CAST({VALUES[each.type].replace('drawn', f'hash(range + {place})')} AS {SQL_TYPES[each.type]})"
        for place, each in enumerate(columns)
    ]
    shown = ", ".join(f"{value} AS {each.name}" for value, each in zip(values, columns, strict=True))
    split = "CAST(range % 2 AS BIGINT) AS split"
    connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT {shown}, {split} FROM range({ROWS})")
    return columns


def measure(
    session: DuckDBSession, connection: duckdb.DuckDBPyConnection, width: int, repeats: int
) -> Report:
    """Both works on a table of `width` columns and a split."""
    columns = fill(connection, width)
    source = exp.to_table(TABLE)
    works = {
        "SUMMARIZE": lambda: connection.execute(f"SUMMARIZE {TABLE}").fetchall(),
        "statistics": lambda: profile(session, source, columns, "split"),
    }
    series = rounds(works, repeats)
    return {f"{name}, {width} columns": each.against(series["SUMMARIZE"]) for name, each in series.items()}


def main(repeats: int) -> Report:
    """Tables of more and more columns, each of 2,000 rows."""
    engine = DuckDBEngine(DuckDBSettings(type="duckdb"), (), Path())
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        session = DuckDBSession(connection, engine)
        table: Report = {}
        for width in WIDTHS:
            table |= measure(session, connection, width, repeats)
        session.close()
    return {"table": table}
