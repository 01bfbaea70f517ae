"""Tests tables of files with different schemas, renamed columns, hive folders and Delta logs."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow import parquet

from dataset_assets.adapters.delta.log import check_path
from dataset_assets.adapters.parquet.hive_paths import path_values, typed_value
from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.duckdb import DuckDBFileSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.adapters.shared.column_names import AmbiguousNameError, find_column
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.errors import ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.resolver import TableRequest
from tests.adapters.conftest import engine_for, rows_of

ID = ColumnDef(name="id", type=ColumnType.INTEGER)
CODE = ColumnDef(name="code", type=ColumnType.STRING)


def read(session, tmp_path: Path, *columns: ColumnDef, kind=ParquetSettings, **table) -> list[dict]:
    type_ = {ParquetSettings: "parquet", DeltaSettings: "delta"}[kind]
    tables = {"t": {"location": "t", **table}}
    settings = kind.model_validate({"type": type_, "root": "root", "tables": tables})
    resolver = settings.open("shop", TargetContext(tmp_path, Calendars()))
    relation = resolver.resolve(TableRequest("t", columns or (ID,)), session)
    return sorted(rows_of(session, relation), key=lambda row: row["id"])


def write(tmp_path: Path, name: str, **columns) -> Path:
    path = tmp_path / "root" / "t" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("a", ["b", "a"], "a"),
        ("a", ["A"], "A"),
        ("a", ["A", "a"], "a"),
        ("Ä", ["ä"], "ä"),
        ("a", [], None),
        ("a b", ["A B", "a_b"], "A B"),
    ],
)
def test_a_name_is_matched_exactly_first(name, names, meant):
    assert find_column(name, names) == meant


@pytest.mark.parametrize("names", [["A", "A"], ["a", "a"], ["a", "A", "a"]])
def test_names_that_cannot_be_told_apart(names):
    with pytest.raises(AmbiguousNameError, match="ambiguous"):
        find_column("a", names)


def test_duplicate_names_in_the_second_of_two_files(tmp_path, session):
    write(tmp_path, "1.parquet", id=[1], code=["x"])
    write(tmp_path, "2.parquet", CODE=["no"], Code=["no"], code=["y"], id=[2])
    assert [row["code"] for row in read(session, tmp_path, ID, CODE)] == ["x", "y"]
    write(tmp_path, "3.parquet", CODE=["no"], Code=["no"], id=[3])
    with pytest.raises(ResolveError, match=r"t\.code: is ambiguous: .*3\.parquet"):
        read(session, tmp_path, ID, CODE)


def test_every_fault_is_told_with_its_files(tmp_path, session):
    write(tmp_path, "1.parquet", id=[1], code=["x"])
    write(tmp_path, "2.parquet", id=["2"], code=["x"])
    write(tmp_path, "3.parquet", id=["3"], code=["x"])
    write(tmp_path, "4.parquet", id=[4])
    with pytest.raises(ResolveError) as failure:
        read(session, tmp_path, ID, CODE)
    first, second = sorted(str(fault) for fault in failure.value.faults)
    assert "t.code: is not in the source" in first
    assert "4.parquet" in first
    assert "t.id: is declared integer, and is VARCHAR" in second
    assert "2.parquet and 1 more" in second


def test_a_column_that_a_file_lacks_is_null_where_the_target_says_so(tmp_path, session):
    write(tmp_path, "1.parquet", id=[1], code=["x"])
    write(tmp_path, "2.parquet", id=[2])
    found = read(session, tmp_path, ID, CODE, missing_columns="null")
    assert [row["code"] for row in found] == ["x", None]


@pytest.mark.parametrize("name", ["Order ID", "a.b", "select", 'q"x', "ü", "%20", "id2"])
def test_a_column_may_be_called_anything(tmp_path, session, name):
    write(tmp_path, "1.parquet", **{"id": [1], name: ["x"], "code": ["not this"]})
    assert read(session, tmp_path, ID, CODE, columns={"code": name}) == [{"id": 1, "code": "x"}]
    write_deltalake(tmp_path / "root" / "d", pa.table({"id": [1], name: ["x"]}))
    found = read(session, tmp_path, ID, CODE, kind=DeltaSettings, location="d", columns={"code": name})
    assert found == [{"id": 1, "code": "x"}]


def test_a_table_of_a_database_may_call_its_columns_anything(tmp_path):
    with duckdb.connect(tmp_path / "x.duckdb") as database:
        database.execute("""CREATE TABLE t AS SELECT 1 AS "Order ID", DATE '2024-01-01' AS d, 1.5 AS id""")
    tables = {"t": {"location": "t", "columns": {"id": "Order ID"}}}
    settings = {"type": "duckdb", "database": "x.duckdb", "tables": tables}
    resolver = DuckDBFileSettings.model_validate(settings).open("local", TargetContext(tmp_path, Calendars()))
    with engine_for(spill=tmp_path / "spill", files=resolver.files).connect() as session:
        assert rows_of(session, resolver.resolve(TableRequest("t", (ID,)), session)) == [{"id": 1}]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("DATE 'infinity'", ColumnType.DATE),
        ("TIMESTAMP '10000-01-01'", ColumnType.TIMESTAMP),
        ("1.0000000001::DECIMAL(20, 10)", ColumnType.DECIMAL),
        ("18446744073709551615::UBIGINT", ColumnType.INTEGER),
        ("TIMESTAMP_NS '2024-01-01 00:00:00.000000001'", ColumnType.TIMESTAMP),
    ],
)
def test_a_value_of_a_database_that_a_cast_would_change(tmp_path, sql, kind):
    with duckdb.connect(tmp_path / "x.duckdb") as database:
        database.execute(f"CREATE TABLE t AS SELECT {sql} AS v")
    settings = DuckDBFileSettings.model_validate({"type": "duckdb", "database": "x.duckdb"})
    resolver = settings.open("local", TargetContext(tmp_path, Calendars()))
    with engine_for(spill=tmp_path / "spill", files=resolver.files).connect() as session:
        relation = resolver.resolve(TableRequest("t", (ColumnDef(name="v", type=kind),)), session)
        with pytest.raises(ResolveError, match=r"t\.v: a value is"):
            rows_of(session, relation)


def test_values_of_a_path(tmp_path):
    folders = ["a=1", "b%20c=x%2Fy", "n=__HIVE_DEFAULT_PARTITION__", "t=NULL", "e=", "q=a=b"]
    found = path_values(tmp_path, tmp_path.joinpath(*folders, "f.parquet"))
    assert found == {"a": "1", "b c": "x/y", "n": None, "t": "NULL", "e": "", "q": "a=b"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ColumnType.INTEGER, "1.0"),
        (ColumnType.INTEGER, str(2**63)),
        (ColumnType.DECIMAL, "0.0000000001"),
        (ColumnType.DECIMAL, "1e3"),
        (ColumnType.BOOLEAN, "1"),
        (ColumnType.DATE, "20240101"),
        (ColumnType.DATE, "2024-02-30"),
        (ColumnType.TIMESTAMP, "2024-01-01 00:00:00.0000001"),
    ],
)
def test_a_value_of_a_path_that_is_none_of_its_type(kind, text):
    with pytest.raises(ValueError):  # noqa: PT011 - of Python's own parsers among others
        typed_value(kind, text)


def test_a_path_value_is_typed_and_its_fault_names_the_file(tmp_path, session):
    price = ColumnDef(name="price", type=ColumnType.DECIMAL)
    write(tmp_path, "price=1.50/1.parquet", id=[1])
    write(tmp_path, "price=__HIVE_DEFAULT_PARTITION__/2.parquet", id=[2])
    assert [row["price"] for row in read(session, tmp_path, ID, price)] == [Decimal("1.5"), None]
    write(tmp_path, "price=dear/3.parquet", id=[3])
    with pytest.raises(ResolveError, match=r"t\.price: is declared decimal.*3\.parquet"):
        read(session, tmp_path, ID, price)


def test_a_link_that_leads_back_is_refused(tmp_path, session):
    write(tmp_path, "a/1.parquet", id=[1])
    (tmp_path / "root/t/a/back").symlink_to(tmp_path / "root/t")
    with pytest.raises(ResolveError, match="leads back"):
        read(session, tmp_path)


@pytest.mark.parametrize("name", ["my t", "a#b", "50% off", "tä", "dt=1", "a+b&c"])
def test_a_delta_table_in_a_folder_of_any_name(tmp_path, session, name):
    codes = ["a b", "NULL", "", "ü/=%20#?", None]
    table = pa.table({"id": range(5), "code": pa.array(codes, pa.string())})
    folder = tmp_path / "root" / name
    write_deltalake(folder.as_uri(), table, partition_by=["code"])
    found = read(session, tmp_path, ID, CODE, kind=DeltaSettings, location=name)
    known = DeltaTable(folder.as_uri()).to_pyarrow_table().select(["id", "code"]).sort_by("id").to_pylist()
    assert found == known == [{"id": i, "code": c or None} for i, c in enumerate(codes)]


@pytest.mark.parametrize("name", ["a%20b", "a%C3%A4", "[x]", "a|b", "a\\b"])
def test_a_folder_that_the_delta_library_takes_for_another_is_refused(tmp_path, name):
    with pytest.raises(ResolveError, match="takes for another name"):
        check_path(tmp_path / name)


def test_a_delta_table_without_rows_has_its_columns(tmp_path, session):
    kinds = pa.schema([("id", pa.int64()), ("code", pa.string())])
    DeltaTable.create((tmp_path / "root" / "t").as_uri(), kinds, partition_by=["code"])
    assert read(session, tmp_path, ID, CODE, kind=DeltaSettings) == []
