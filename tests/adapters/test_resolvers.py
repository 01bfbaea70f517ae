"""Tests resolvers of files and databases: locations, Periods and errors."""

import os
import shutil
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import deltalake
import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.duckdb import DuckDBFileSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.errors import ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.relation import PhysicalType
from dataset_assets.ports.resolver import TableRequest, TimeRange
from tests.adapters.conftest import engine_for, query, rows_of


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "root"
    path.mkdir()
    return path


def opened(settings_type, tmp_path, **settings):
    kind = {"ParquetSettings": "parquet", "CsvSettings": "csv", "DeltaSettings": "delta"}[
        settings_type.__name__
    ]
    found = settings_type.model_validate({"type": kind, "root": "root", **settings})
    return found.open("retail", TargetContext(tmp_path, Calendars()))


def parquet(session, path, sql="SELECT 1 AS a"):
    path.parent.mkdir(parents=True, exist_ok=True)
    session.write_parquet(query(sql), path)


def time_range(start, end):
    return TimeRange(
        datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(end).replace(tzinfo=UTC)
    )


def test_a_parquet_file_and_what_its_footer_knows(tmp_path, root, session):
    parquet(session, root / "sales.parquet", "SELECT range AS a, NULLIF(range, 1) AS b FROM RANGE(3)")
    resolver = opened(ParquetSettings, tmp_path)
    relation = resolver.resolve(TableRequest("sales"), session)
    assert [(c.name, c.type, c.has_nulls) for c in relation.columns] == [
        ("a", PhysicalType.INTEGER, False),
        ("b", PhysicalType.INTEGER, True),
    ]
    assert relation.row_count == 3
    assert len(rows_of(session, relation)) == 3
    state = resolver.state("sales")
    assert (state.version, state.row_count) == (relation.version, 3)
    assert resolver.cadence("sales") is None


def test_the_version_moves_with_the_file(tmp_path, root, session):
    parquet(session, root / "sales.parquet")
    resolver = opened(ParquetSettings, tmp_path)
    before = resolver.state("sales").version
    assert resolver.state("sales").version == before
    os.utime(root / "sales.parquet", ns=(1, 1))
    assert resolver.state("sales").version != before


def test_a_folder_is_all_its_files_by_column_name(tmp_path, root, session):
    parquet(session, root / "s/1.parquet", "SELECT 1 AS a, 'x' AS b")
    parquet(session, root / "s/2.parquet", "SELECT 'y' AS b, 2 AS a")
    (root / "s/readme.txt").touch()
    resolver = opened(ParquetSettings, tmp_path, tables={"sales": {"location": "s/"}})
    relation = resolver.resolve(TableRequest("sales"), session)
    assert sorted((row["a"], row["b"]) for row in rows_of(session, relation)) == [(1, "x"), (2, "y")]
    assert relation.row_count == 2


def test_unknown_tables_name_the_nearest(tmp_path, root, session):
    parquet(session, root / "transactions.parquet")
    resolver = opened(ParquetSettings, tmp_path)
    for ask in (
        lambda: resolver.resolve(TableRequest("transaction"), session),
        lambda: resolver.state("transaction"),
    ):
        with pytest.raises(ResolveError, match="did you mean 'transactions'"):
            ask()


def test_a_missing_root_is_said_when_a_table_is_asked_for(tmp_path, session):
    resolver = opened(ParquetSettings, tmp_path)
    with pytest.raises(ResolveError, match=r"root .*root is not there"):
        resolver.resolve(TableRequest("sales"), session)


@pytest.fixture
def monthly(tmp_path, root, session):
    for month in ("2026-01", "2026-02", "2026-04"):
        parquet(session, root / f"orders/{month}.parquet", f"SELECT '{month}' AS m")
    parquet(session, root / "orders/notes.parquet")
    return opened(
        ParquetSettings,
        tmp_path,
        tables={"orders": {"location": "orders/{period}.parquet", "period": "month"}},
    )


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-15", "2026-02-01", ["2026-01"]),
        ("2026-01-15", "2026-02-01T00:00:01", ["2026-01", "2026-02"]),
        ("2025-06-01", "2026-02-10", ["2026-01", "2026-02"]),
        ("2026-04-01", "2026-05-01", ["2026-04"]),
    ],
)
def test_the_periods_that_an_extent_touches(monthly, session, start, end, months):
    relation = monthly.resolve(TableRequest("orders", time_range=time_range(start, end)), session)
    assert sorted(row["m"] for row in rows_of(session, relation)) == months
    assert monthly.cadence("orders") == "month"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2026-01-15", "2026-05-01", "Periods 2026-03 are missing"),
        ("2026-04-15", "2026-06-02", "Periods 2026-05, 2026-06 are missing"),
        ("2025-01-15", "2025-05-01", "no data before 2026-01"),
    ],
)
def test_holes_are_refused(monthly, session, start, end, message):
    with pytest.raises(ResolveError, match=message):
        monthly.resolve(TableRequest("orders", time_range=time_range(start, end)), session)


def test_a_hole_between_files_counts_without_an_extent_too(monthly, session, root):
    with pytest.raises(ResolveError, match="2026-03"):
        monthly.resolve(TableRequest("orders"), session)
    parquet(session, root / "orders/2026-03.parquet", "SELECT '2026-03' AS m")
    assert monthly.resolve(TableRequest("orders"), session).row_count == 4


@pytest.mark.parametrize(
    "location", ["../out.parquet", "/etc/passwd", "a/../../out.parquet", "link.parquet", "."]
)
def test_no_location_leaves_the_root(tmp_path, root, session, location):
    parquet(session, tmp_path / "out.parquet")
    (root / "a").mkdir()
    (root / "link.parquet").symlink_to(tmp_path / "out.parquet")
    resolver = opened(ParquetSettings, tmp_path, tables={"sales": {"location": location}})
    with pytest.raises(ResolveError, match="leads out of the root"):
        resolver.resolve(TableRequest("sales"), session)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=20) | st.text(alphabet="./~\\a\0", max_size=12))
def test_no_name_leaves_the_root(tmp_path, name):
    """Names are checked when files are read, but a resolver does not rely on it."""
    (tmp_path / "root").mkdir(exist_ok=True)
    (tmp_path / "a.parquet").touch()
    with pytest.raises(ResolveError):
        opened(ParquetSettings, tmp_path).state(name)


def test_the_zone_of_a_table_beats_the_resolvers(tmp_path, root, session):
    parquet(session, root / "a.parquet")
    parquet(session, root / "b.parquet")
    tables = {"b": {"location": "b.parquet", "zone": "Asia/Tokyo"}}
    resolver = opened(ParquetSettings, tmp_path, zone="Europe/Berlin", tables=tables)
    assert [resolver.resolve(TableRequest(t), session).zone for t in "ab"] == ["Europe/Berlin", "Asia/Tokyo"]
    assert resolver.settings.zone == ZoneInfo("Europe/Berlin")


def test_a_delta_table_that_was_made_anew_has_another_version(tmp_path, root, session):
    deltalake.write_deltalake(root / "sales", pa.table({"a": [1]}))
    resolver = opened(DeltaSettings, tmp_path)
    first = resolver.state("sales").version
    deltalake.write_deltalake(root / "sales", pa.table({"a": [2]}), mode="append")
    second = resolver.state("sales").version
    shutil.rmtree(root / "sales")
    deltalake.write_deltalake(root / "sales", pa.table({"a": [3]}))
    versions = {first, second, resolver.state("sales").version}
    assert len(versions) == 3, "though its numbers begin anew"
    assert resolver.resolve(TableRequest("sales"), session).version in versions - {first, second}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (CsvSettings, {}, {"zone": "Asia/Tokyo"}),
        (CsvSettings, {}, {"tables": {"sales": {"location": "sales.csv", "zone": "Asia/Tokyo"}}}),
        (CsvSettings, {}, {"tables": {"sales": {"location": "sales.csv", "nulls": ["-"]}}}),
        (ParquetSettings, {"zone": "UTC"}, {"zone": "Asia/Tokyo"}),
        (DeltaSettings, {}, {"zone": "Asia/Tokyo"}),
    ],
)
def test_what_is_read_in_another_way_has_another_version(tmp_path, root, session, kind, old, new):
    (root / "sales.csv").write_text("a\n1\n-\n")
    parquet(session, root / "sales.parquet")
    deltalake.write_deltalake(root / "sales", pa.table({"a": [1]}))
    before, after = opened(kind, tmp_path, **old), opened(kind, tmp_path, **new)
    for resolver in (before, after):
        version = resolver.resolve(TableRequest("sales"), session).version
        told = (resolver.state("sales"), resolver.survey("sales")(None), resolver.pieces("sales")[None])
        assert {each.version for each in told} == {version}
    assert before.state("sales").version != after.state("sales").version


def test_csv_columns_are_text_where_nothing_is_declared(tmp_path, root, session):
    body = "".join(f"{n};2026-01-01 10:00:00;x\n" for n in range(30_000))
    (root / "sales.csv").write_text(f"id;at;note\n{body}7.5;-;\n")
    tables = {"sales": {"location": "sales.csv", "delimiter": ";", "nulls": ["", "-"]}}
    resolver = opened(CsvSettings, tmp_path, tables=tables)
    relation = resolver.resolve(TableRequest("sales"), session)
    assert [c.type for c in relation.columns] == [PhysicalType.STRING] * 3
    last = max(rows_of(session, relation), key=lambda row: row["id"] == "7.5")
    assert (last["at"], last["note"]) == (None, None)
    assert relation.row_count == 30_001
    assert resolver.state("sales").version == relation.version
    assert resolver.state("sales").row_count is None


def test_delta_with_typed_partitions(tmp_path, root, session):
    rows = pa.table({"a": [1, 2], "year": pa.array([2025, 2026], pa.int32())})
    deltalake.write_deltalake(root / "sales", rows, partition_by=["year"])
    deltalake.write_deltalake(root / "sales", rows, mode="append")
    resolver = opened(DeltaSettings, tmp_path)
    relation = resolver.resolve(TableRequest("sales"), session)
    assert [(c.name, c.native) for c in relation.columns] == [("a", "BIGINT"), ("year", "INTEGER")]
    assert sorted((r["a"], r["year"]) for r in rows_of(session, relation)) == [
        (1, 2025),
        (1, 2025),
        (2, 2026),
        (2, 2026),
    ]
    state = resolver.state("sales")
    assert (relation.row_count, state.row_count) == (4, 4)
    assert relation.version == state.version
    with pytest.raises(ResolveError, match="did you mean 'sales'"):
        resolver.resolve(TableRequest("sale"), session)


def test_tables_of_a_duckdb_file(tmp_path):
    with duckdb.connect(tmp_path / "x.duckdb") as connection:
        connection.execute("CREATE TABLE sales AS SELECT 1 AS a")
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 2 AS b")
    found = DuckDBFileSettings.model_validate(
        {"type": "duckdb", "database": "x.duckdb", "tables": {"orders": {"location": "raw.orders"}}}
    )
    resolver = found.open("local", TargetContext(tmp_path, Calendars()))
    with engine_for(spill=tmp_path / "spill", files=resolver.files).connect() as session:
        assert rows_of(session, resolver.resolve(TableRequest("sales"), session)) == [{"a": 1}]
        relation = resolver.resolve(TableRequest("orders"), session)
        assert rows_of(session, relation) == [{"b": 2}]
        assert resolver.state("orders").version == relation.version
        assert resolver.state("orders").version != resolver.state("sales").version
        with pytest.raises(
            ResolveError, match=r"did you mean 'raw\.orders'|it has: orders, raw\.orders, sales"
        ):
            resolver.resolve(TableRequest("nothing"), session)


def test_a_duckdb_file_that_is_not_there(tmp_path, session):
    resolver = DuckDBFileSettings(type="duckdb", database="x.duckdb").open(
        "local", TargetContext(tmp_path, Calendars())
    )
    with pytest.raises(ResolveError, match=r"x\.duckdb is not there"):
        resolver.resolve(TableRequest("sales"), session)


@pytest.mark.parametrize("location", ["/etc/{period}", "../{period}.parquet", "x/../../{period}"])
def test_files_by_period_outside_of_the_root_are_not_looked_for(tmp_path, root, session, location):
    tables = {"orders": {"location": location, "period": "month"}}
    resolver = opened(ParquetSettings, tmp_path, tables=tables)
    with pytest.raises(ResolveError, match="leads out of the root"):
        resolver.resolve(TableRequest("orders"), session)
    root.rmdir()
    with pytest.raises(ResolveError, match=r"root .* is not there"):
        resolver.resolve(TableRequest("orders"), session)
