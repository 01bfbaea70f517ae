"""Tests the DuckDB engine: file access (BR-205), errors (BR-203, BR-206), types, interruption and spill."""

import os
import signal
import threading
from decimal import Decimal

import duckdb
import pytest
from sqlglot import exp, parse_one

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.engine import DuckDBEngine
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.relation import PhysicalType
from tests.adapters.conftest import engine_for, query

LONG = "SELECT COUNT(*) FROM RANGE(200000) AS a(x), RANGE(10000000) AS b(y) WHERE (a.x * b.y) % 7 = 3"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM READ_CSV('/etc/passwd')",
        "SELECT * FROM READ_CSV('{root}/../outside.csv')",
        "SELECT * FROM READ_PARQUET('/etc/*')",
        "SELECT * FROM READ_PARQUET('http://127.0.0.1:9/x.parquet')",
        "ATTACH '{outside}/x.duckdb' AS x",
        "COPY (SELECT 1 AS a) TO '{outside}/x.parquet'",
    ],
)
def test_nothing_outside_is_reached(tmp_path, sql):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (tmp_path / "outside.csv").write_text("a\n1\n")
    statement = parse_one(sql.format(root=root, outside=outside), dialect="duckdb")
    engine = engine_for(root, spill=tmp_path / "spill")
    with engine.connect() as session, pytest.raises(DatasetAssetsError, match="outside of the target's"):
        session.run(statement)
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    "sql",
    [
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '9GB'",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
    ],
)
def test_the_configuration_is_locked(session, sql):
    with pytest.raises(duckdb.Error, match=r"locked|disabled"):
        session._connection.execute(sql)


def test_a_path_is_a_literal_whatever_is_in_it(tmp_path):
    root = tmp_path / "it's; DROP TABLE x --"
    root.mkdir()
    with engine_for(root, spill=tmp_path / "spill").connect() as session:
        written = session.write_parquet(query("SELECT 1 AS a, NULL::INT AS b"), root / "o'k.parquet")
        assert (written.rows, written.nulls) == (1, {"a": 0, "b": 1})
        assert written.size_bytes == written.path.stat().st_size
        assert session.rows(exp.select("*").from_(duckdb_nodes.read_parquet([written.path]))) == [
            {"a": 1, "b": None}
        ]


def test_values_are_pythons(session):
    row = session.rows(
        query("SELECT 1.5::DECIMAL(38, 9) AS d, TIMESTAMPTZ '2026-01-01 02:00:00+02' AS t, ['x'] AS l")
    )[0]
    assert row["d"] == Decimal("1.5")
    assert row["t"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert row["l"] == ["x"]


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("VARCHAR", PhysicalType.STRING),
        ("UTINYINT", PhysicalType.INTEGER),
        ("HUGEINT", PhysicalType.INTEGER),
        ("FLOAT", PhysicalType.FLOAT),
        ("DECIMAL(12, 2)", PhysicalType.DECIMAL),
        ("BOOLEAN", PhysicalType.BOOLEAN),
        ("DATE", PhysicalType.DATE),
        ("TIMESTAMPTZ", PhysicalType.TIMESTAMP),
        ("TIMESTAMP", PhysicalType.DATETIME),
        ("TIMESTAMP_NS", PhysicalType.DATETIME),
        ("ENUM('a', 'b')", PhysicalType.STRING),
        ("VARCHAR[]", PhysicalType.OTHER),
        ("STRUCT(a DATE)", PhysicalType.OTHER),
        ("BLOB", PhysicalType.OTHER),
        ("TIME", PhysicalType.OTHER),
    ],
)
def test_types(session, native, kind):
    (column,) = session.describe(query(f"SELECT CAST(NULL AS {native}) AS c").subquery())
    assert (column.name, column.type) == ("c", kind)


def test_errors_are_sentences_without_values(session, tmp_path):
    with pytest.raises(DatasetAssetsError, match="cannot be turned into INT32") as caught:
        session.rows(query("SELECT CAST(x AS INT) AS x FROM (SELECT 'secret' AS x) AS t"))
    assert "secret" not in str(caught.value)
    with pytest.raises(DatasetAssetsError, match=r"gone\.parquet"):
        session.rows(exp.select("*").from_(duckdb_nodes.read_parquet([tmp_path / "gone.parquet"])))
    (tmp_path / "bad.parquet").write_text("this is no parquet file")
    with pytest.raises(DatasetAssetsError, match=r"bad\.parquet"):
        session.rows(exp.select("*").from_(duckdb_nodes.read_parquet([tmp_path / "bad.parquet"])))


def test_too_little_memory_is_said(tmp_path):
    engine = engine_for(tmp_path, spill=tmp_path / "spill")
    engine.settings = engine.settings.model_copy(update={"memory_limit": "20MB"})
    with (
        engine.connect() as session,
        pytest.raises(DatasetAssetsError, match=r"20MB of memory.*memory_limit"),
    ):
        session.rows(query("SELECT LIST(range ORDER BY -range) AS l FROM RANGE(20000000)"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_stops_the_caller_stops_the_query(session, number):
    class StopError(BaseException):
        pass

    def stop(*_):
        raise StopError

    before = signal.signal(number, stop)
    try:
        for _ in range(3):
            threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
            with pytest.raises(StopError):
                session.rows(query(LONG))
            assert session.rows(query("SELECT 1 AS a")) == [{"a": 1}]
    finally:
        signal.signal(number, before)


def test_spill_is_removed_also_that_of_killed_sessions(tmp_path):
    spill = tmp_path / "spill"
    (spill / "dead").mkdir(parents=True)
    (spill / "dead.lock").touch()
    engine = engine_for(tmp_path, spill=spill)
    with engine.connect():
        with engine.connect():
            assert len([path for path in spill.iterdir() if path.is_dir()]) == 2
        assert len([path for path in spill.iterdir() if path.is_dir()]) == 1
    assert list(spill.iterdir()) == []


def test_a_spill_that_cannot_be_made_falls_back_to_the_systems_folder(tmp_path):
    blocked = tmp_path / "warehouse"
    blocked.write_text("a file: no folder can be made below it, not even by root")
    engine = DuckDBEngine(DuckDBSettings(type="duckdb"), (tmp_path,), blocked / "_spill")
    with engine.connect() as session:
        assert session.rows(exp.select("1 AS a")) == [{"a": 1}]
    named = DuckDBSettings(type="duckdb", spill=str(blocked / "own"))
    with (
        pytest.raises(OSError, match="warehouse"),
        DuckDBEngine(named, (tmp_path,), blocked / "own").connect(),
    ):
        pass
