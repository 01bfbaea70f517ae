"""Fixtures: a DuckDB session that can access only the test's folder."""

from pathlib import Path

import pytest
from sqlglot import exp, parse_one

from dataset_assets.adapters.duckdb.engine import DuckDBEngine
from dataset_assets.adapters.duckdb.settings import DuckDBSettings


def engine_for(*directories: Path, spill: Path, files: tuple[Path, ...] = ()) -> DuckDBEngine:
    settings = DuckDBSettings(type="duckdb", memory_limit="1GB", threads=2)
    return DuckDBEngine(settings, tuple(directories), spill, files)


def query(sql: str) -> exp.Query:
    found = parse_one(sql, dialect="duckdb")
    assert isinstance(found, exp.Query)
    return found


def rows_of(session, relation) -> list[dict]:
    return session.rows(exp.select("*").from_(relation.source.copy()))


@pytest.fixture
def session(tmp_path):
    with engine_for(tmp_path, spill=tmp_path / "spill").connect() as opened:
        yield opened
