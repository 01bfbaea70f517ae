"""Tests which tables a resolver lists: those that a dataset can name, and those that need an entry first."""

import deltalake
import duckdb
import pyarrow as pa
import pytest

from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.duckdb import DuckDBFileSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.errors import ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.resolver import Resolver
from tests.adapters.conftest import query


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "root"
    path.mkdir()
    return path


def listed(settings_type, tmp_path, **settings) -> dict[str, str]:
    """Return name → location of the tables, in the resolver's order."""
    found = settings_type.model_validate(settings).open("retail", TargetContext(tmp_path, Calendars()))
    tables = found.tables()
    assert len({each.name for each in tables}) == len(tables)
    return {each.name: each.location for each in tables}


def write(path, session):
    path.parent.mkdir(parents=True, exist_ok=True)
    session.write_parquet(query("SELECT 1 AS a"), path)


def test_files_and_folders_of_the_root(tmp_path, root, session):
    for name in ("orders", "order lines", "_hidden", ".hidden", "2017-01", "a.b"):
        write(root / f"{name}.parquet", session)
    write(root / "parts.parquet" / "1.parquet", session)
    write(root / "plain" / "deep" / "1.parquet", session)
    write(root / "empty.parquet" / "_temporary" / "1.parquet", session)
    (root / "hollow.parquet").touch()
    (root / "notes.txt").write_text("x")
    (root / "docs").mkdir()
    deltalake.write_deltalake(root / "lake", pa.table({"a": [1]}))
    assert listed(ParquetSettings, tmp_path, type="parquet", root="root") == {
        "2017-01": "2017-01.parquet",
        "a.b": "a.b.parquet",
        "order lines": "order lines.parquet",
        "orders": "",
        "parts": "",
        "plain": "plain",
    }


def test_nothing_outside_of_the_root(tmp_path, root, session):
    write(tmp_path / "out.parquet", session)
    write(tmp_path / "elsewhere" / "1.parquet", session)
    (root / "linked.parquet").symlink_to(tmp_path / "out.parquet")
    (root / "folder.parquet").symlink_to(tmp_path / "elsewhere")
    (root / "gone.parquet").symlink_to(root / "nowhere.parquet")
    (root / "circle.parquet").symlink_to(root / "circle.parquet")
    write(root / "inside.parquet", session)
    (root / "alias.parquet").symlink_to(root / "inside.parquet")
    assert listed(ParquetSettings, tmp_path, type="parquet", root="root") == {"alias": "", "inside": ""}


def test_configured_tables_and_what_they_read_are_listed_once(tmp_path, root, session):
    for name in ("visits_2026-01", "visits_2026-02", "raw", "sales", "absolute"):
        write(root / f"{name}.parquet", session)
    write(root / "orders" / "2026-01.parquet", session)
    tables = {
        "visits": {"location": "visits_{period}.parquet", "period": "month"},
        "orders": {"location": "./orders/{period}.parquet", "period": "month"},
        "named": {"location": "raw.parquet"},
        "whole": {"location": str(root / "absolute.parquet")},
        "absent": {"location": "absent.parquet"},
    }
    assert listed(ParquetSettings, tmp_path, type="parquet", root="root", tables=tables) == dict.fromkeys(
        ("absent", "named", "orders", "visits", "whole", "sales"), ""
    )


def test_csv_files(tmp_path, root):
    (root / "orders.csv").write_text("a\n1\n")
    (root / "order lines.csv").write_text("a\n1\n")
    (root / "empty.csv").touch()
    (root / "orders.parquet").write_text("x")
    assert listed(CsvSettings, tmp_path, type="csv", root="root") == {
        "order lines": "order lines.csv",
        "orders": "",
    }


def test_delta_folders(tmp_path, root, session):
    for name in ("sales", "sales 2", "_staging"):
        deltalake.write_deltalake(root / name, pa.table({"a": [1]}))
    write(root / "files" / "1.parquet", session)
    assert listed(DeltaSettings, tmp_path, type="delta", root="root") == {"sales": "", "sales 2": "sales 2"}


def test_tables_and_views_of_a_database(tmp_path):
    with duckdb.connect(tmp_path / "shop.duckdb") as database:
        database.execute('CREATE TABLE Sales AS SELECT 1 AS a; CREATE TABLE "order lines" AS SELECT 1 AS a')
        database.execute("CREATE VIEW seen AS FROM Sales; CREATE TABLE _hidden AS SELECT 1 AS a")
        database.execute("CREATE SCHEMA raw; CREATE TABLE raw.visits AS SELECT 1 AS a")
        database.execute("CREATE TABLE raw.orders AS SELECT 1 AS a")
    tables = {"orders": {"location": "RAW.orders"}}
    assert listed(DuckDBFileSettings, tmp_path, type="duckdb", database="shop.duckdb", tables=tables) == {
        "orders": "",
        "Sales": "",
        "order lines": "order lines",
        "seen": "",
        "raw.visits": "raw.visits",
    }


def test_a_root_that_is_not_there(tmp_path):
    for kind, name in ((ParquetSettings, "parquet"), (CsvSettings, "csv"), (DeltaSettings, "delta")):
        with pytest.raises(ResolveError, match=r"resolver 'retail': the root .* cannot be listed: no such"):
            listed(kind, tmp_path, type=name, root="nowhere")
    with pytest.raises(ResolveError, match=r"resolver .retail.: the database .* is not there"):
        listed(DuckDBFileSettings, tmp_path, type="duckdb", database="no.duckdb")


def test_a_resolver_that_cannot_list_has_no_tables():
    class Fixed(Resolver):
        name, reads_with = "fixed", "duckdb"

        def engine(self) -> Engine:
            raise NotImplementedError

        def resolve(self, request, session):
            raise NotImplementedError

        def pieces(self, table):
            raise NotImplementedError

        def state(self, table):
            raise NotImplementedError

        def survey(self, table):
            raise NotImplementedError

        def cadence(self, table):  # noqa: ARG002 - the port has it
            return None

    assert (list(Fixed().tables()), Fixed().stored_name("sales", "id")) == ([], "id")
