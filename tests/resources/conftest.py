"""A warehouse and a DuckDB session in a folder of the test's own."""

from pathlib import Path

import pytest
from sqlglot import exp, parse_one

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports import PublishedColumn
from dataset_assets.rows.columns import SYSTEM_COLUMNS
from resources.delta_warehouse import DeltaWarehouse
from resources.duckdb_engine import DuckDBEngine
from resources.target_settings import DuckDBSettings


def engine_for(*directories: Path, spill: Path, files: tuple[Path, ...] = ()) -> DuckDBEngine:
    settings = DuckDBSettings(type="duckdb", memory_limit="1GB", threads=2)
    return DuckDBEngine(settings, tuple(directories), spill, files)


def query(sql: str) -> exp.Query:
    found = parse_one(sql, dialect="duckdb")
    assert isinstance(found, exp.Query)
    return found


def rows_of(session, relation) -> list[dict]:
    return session.rows(exp.select("*").from_(relation.source.copy()))


def published(sql: str, period: str | None) -> exp.Query:
    """The rows of `sql` with all system columns, as a compiled query would have them."""
    values = {
        "_row_id": "uuid()::VARCHAR",
        "_period": f"'{period}'" if period else "CAST(NULL AS VARCHAR)",
        "_created_at": "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
        "_updated_at": "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
        "_deleted": "FALSE",
        "_labels": "[{'key': 'k', 'value': 'v'}]",
    }
    system = ", ".join(f"{values.get(c.name, chr(39) + 'x' + chr(39))} AS {c.name}" for c in SYSTEM_COLUMNS)
    return query(f"SELECT *, {system} FROM ({sql}) AS own")


A = PublishedColumn("a", ColumnType.INTEGER, True, "first")
B = PublishedColumn("b", ColumnType.STRING, True)


def publish(warehouse, session, rows, period, columns=(A,), run="run", dataset="sales", record=None):
    claim = warehouse.claim(dataset, period, run, session)
    staged = warehouse.stage(claim, published(rows, period), session)
    return warehouse.publish(claim, staged, columns, record or {"run": run}, session)


def values(warehouse, session, period, version=None, dataset="sales", name="a"):
    found = warehouse.current(dataset, period, session, version)
    return None if found is None else sorted(row[name] for row in rows_of(session, found.relation))


@pytest.fixture
def warehouse(tmp_path):
    return DeltaWarehouse(tmp_path / "warehouse")


@pytest.fixture
def session(tmp_path):
    with engine_for(tmp_path, spill=tmp_path / "spill").connect() as opened:
        yield opened
