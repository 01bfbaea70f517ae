"""A lookup as of the time of 1.5 million rows, of 100,000 changes of 50,000 keys, beside the plain join.

The plain join reads the latest value of each key, which is the leak that the other avoids. polars'
`join_asof` gives the same answer from the same files; the run stops if it does not.
`DATASET_ASSETS_SALES=150000` sets another size.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from sqlglot import exp

from benchmarks.environment import baseline_python
from benchmarks.measure import PROJECT, Report, Series, in_process, rounds
from dataset_assets.adapters.duckdb.nodes import read_parquet
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.sql.build import assemble
from dataset_assets.sql.dialect import DUCKDB

ROWS = int(os.environ.get("DATASET_ASSETS_SALES", "1500000"))
CHANGES, KEYS = ROWS // 15, ROWS // 30
YEAR = "TIMESTAMPTZ '2025-01-01' + INTERVAL 1 SECOND * CAST(hash(i, {salt}) % 31536000 AS INTEGER)"
TABLES = {
    "sales": f"SELECT i AS line, CAST(hash(i, 1) % {KEYS} AS BIGINT) AS item, "
    f"{YEAR.format(salt=2)} AS sold_at, CAST(hash(i, 3) % 1000 AS BIGINT) AS amount "
    f"FROM range({ROWS}) AS t(i)",
    "prices": "SELECT item, changed_at, any_value(price) AS price FROM (SELECT "
    f"CAST(i % {KEYS} AS BIGINT) AS item, {YEAR.format(salt=4)} AS changed_at, i AS price "
    f"FROM range({CHANGES}) AS t(i)) GROUP BY item, changed_at",
    "latest": "SELECT item, max(changed_at) AS changed_at, max_by(price, changed_at) AS price "
    "FROM '{folder}/prices.parquet' GROUP BY item",
}
COLUMNS = {
    "sales": {"line": "integer", "item": "integer", "sold_at": "timestamp", "amount": "integer"},
    "prices": {"item": "integer", "changed_at": "timestamp", "price": "integer"},
}
KINDS = {
    "integer": (PhysicalType.INTEGER, "BIGINT"),
    "timestamp": (PhysicalType.TIMESTAMP, "TIMESTAMP WITH TIME ZONE"),
}
PLAIN, AGED = "plain join of the latest value", "point in time, max_age 90d"
RESULT = "joined"
POLARS = PROJECT / "benchmarks" / "baselines" / "polars_as_of.py"
ROW_BY_ROW = ("NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "CROSS_PRODUCT", "DELIM_JOIN", "IE_JOIN")
"""DuckDB's operators that compare each row with many others."""


def query(folder: Path, table: str, as_of: dict[str, Any] | None) -> str:
    """Return the compiled selection of a dataset that looks prices up in a Parquet file."""
    declared = {
        name: [{"name": each, "type": kind} for each, kind in columns.items()]
        for name, columns in COLUMNS.items()
    }
    lookup = {
        "target": {"type": "table", "name": "prices", "columns": declared["prices"]},
        "join_conditions": [{"source_column": "item", "target_column": "item"}],
    }
    dataset = Dataset.model_validate(
        {
            "name": "Sales",
            "owner": "someone",
            "main_table": {"name": "sales", "columns": declared["sales"]},
            "lookups": [{**lookup, **({"as_of": as_of} if as_of else {})}],
        }
    )
    files = {"sales": folder / "sales.parquet", "prices": folder / f"{table}.parquet"}
    relations = {name: _relation(path, COLUMNS[name]) for name, path in files.items()}
    found = SelectionInput(Scope(dataset, lambda _: None), relations, AsOf(datetime(2026, 1, 1, tzinfo=UTC)))
    return DUCKDB.render(assemble(compile_rows(found)))


def _relation(path: Path, columns: dict[str, str]) -> Relation:
    physical = tuple(PhysicalColumn(name, *KINDS[kind]) for name, kind in columns.items())
    return Relation(exp.select("*").from_(read_parquet([path])).subquery(), physical, version="1")


def main(repeats: int) -> Report:
    """Measure the joins in turn, then polars in a process of its own."""
    with TemporaryDirectory() as name, duckdb.connect(config={"threads": 2}) as connection:
        folder = Path(name)
        connection.execute("SET TimeZone = 'UTC'")
        for table, rows in TABLES.items():
            connection.execute(f"COPY ({rows.format(folder=folder)}) TO '{folder}/{table}.parquet'")
        changes = {"column": "changed_at", "at": "sold_at"}
        queries = {
            PLAIN: query(folder, "latest", None),
            "point in time": query(folder, "prices", changes),
            AGED: query(folder, "prices", {**changes, "max_age": "90d"}),
        }
        series = rounds({each: _creation(connection, text) for each, text in queries.items()}, repeats)
        table = {each: found.against(series[PLAIN]) for each, found in series.items()}
        found = in_process(baseline_python(), str(POLARS), str(folder), str(repeats))
        assert found["counts"] == _answer(connection), (found["counts"], _answer(connection))
        (_, plan), *_ = connection.execute(f"EXPLAIN {queries[AGED]}").fetchall()
    polars = Series(found["wall"], found["cpu"])
    table["polars join_asof, tolerance 90d"] = polars.against(series[PLAIN])
    return {
        "table": table,
        "cpu_ratio_to_polars": series[AGED].against(polars)["cpu_ratio"],
        "answer": found["counts"],
        "operators": [each for each in ("ASOF_JOIN", *ROW_BY_ROW) if each in plan],
    }


def _creation(connection: duckdb.DuckDBPyConnection, text: str) -> Callable[[], object]:
    return lambda: connection.execute(f"CREATE OR REPLACE TABLE {RESULT} AS {text}")


def _answer(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return what the last query answered, as the script of polars counts it."""
    counts = f"SELECT COUNT(*), COUNT(prices__price), SUM(prices__price) FROM {RESULT}"
    rows, known, total = connection.execute(counts).fetchall()[0]
    return {"rows": rows, "known": known, "sum": int(total)}
