"""Tests the BigQuery resolver: the metadata of tables, views and shards, and its errors."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigquery import ExternalConfig, SchemaField, Table
from pydantic import ValidationError

from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.adapters.resolvers.bigquery import BigQueryResolver
from dataset_assets.adapters.resolvers.bigquery_settings import BigQuerySettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.errors import ContractError, ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.relation import PhysicalType, Relation
from dataset_assets.ports.resolver import TableRequest, TimeRange
from tests.adapters.conftest import rows_of
from tests.bigquery.emulator import PROJECT, Emulator, once
from tests.bigquery.faults import Fault
from tests.bigquery.proxy import StrictProxy

METADATA = {"tables.get", "tables.list"}


@dataclass
class Store:
    """A BigQuery dataset behind the proxy, and resolvers of it."""

    emulator: Emulator
    proxy: StrictProxy
    dataset: str

    def run(self, sql: str) -> None:
        """`D` stands for the dataset."""
        self.emulator.rows(sql.replace("D.", f"{self.dataset}."))

    def open(self, **said: Any) -> BigQueryResolver:
        own = {"project": PROJECT, "api_endpoint": self.proxy.rest, "storage_endpoint": self.proxy.storage}
        settings = {"type": "bigquery", "dataset": self.dataset, "patience": 2, **own, **said}
        given = {name: value for name, value in settings.items() if value is not None}
        return BigQuerySettings.model_validate(given).open("lake", TargetContext(Path(), Calendars()))

    def resolve(self, table: str, time_range: TimeRange | None = None, **said: Any) -> Relation:
        """Check that all requests were for metadata only."""
        resolver, before = self.open(**said), len(self.proxy.requests)
        with resolver.engine().connect() as session:
            found = resolver.resolve(TableRequest(table, time_range=time_range), session)
        assert {each.place for each in self.proxy.requests[before:]} <= METADATA
        return found

    def rows(self, relation: Relation) -> list[dict]:
        with self.open().engine().connect() as session:
            return rows_of(session, relation)

    def version(self, table: str) -> str:
        before = len(self.proxy.requests)
        found = self.open().state(table)
        assert {each.place for each in self.proxy.requests[before:]} <= METADATA
        assert bool(found.version) is not bool(found.unknown)
        return found.version


@pytest.fixture
def store(emulator: Emulator, proxy: StrictProxy, bigquery_dataset: str) -> Store:
    return Store(emulator, proxy, bigquery_dataset)


def time_range(start: str, end: str) -> TimeRange:
    return TimeRange(*(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)))


def test_a_table_is_told_by_its_metadata(store: Store) -> None:
    store.run(
        "CREATE TABLE D.sales (id INT64 NOT NULL, price NUMERIC, sold DATETIME, tags ARRAY<STRING>)"
        " PARTITION BY DATE(sold) CLUSTER BY id"
    )
    store.run("INSERT INTO D.sales VALUES (1, 2.5, '2026-01-01T00:00:00', ['a']), (2, NULL, NULL, [])")
    found = store.resolve("sales", zone="Asia/Tokyo")
    told = [(each.name, each.type, each.native) for each in found.columns]
    assert told == [
        ("id", PhysicalType.INTEGER, "INT64"),
        ("price", PhysicalType.DECIMAL, "NUMERIC"),
        ("sold", PhysicalType.DATETIME, "DATETIME"),
        ("tags", PhysicalType.OTHER, "ARRAY<STRING>"),
    ]
    assert (found.row_count, found.zone) == (2, "Asia/Tokyo")
    assert [row["id"] for row in store.rows(found)] == [1, 2]
    state = store.open(zone="Asia/Tokyo").state("sales")
    assert (state.version, state.row_count, state.unknown) == (found.version, 2, "")
    assert store.open().state("sales").version != found.version, "its times are others in another zone"
    assert state.modified_at is not None


@pytest.mark.parametrize(
    ("field", "kind", "native"),
    [
        (SchemaField("a", "INTEGER"), PhysicalType.INTEGER, "INT64"),
        (SchemaField("a", "FLOAT"), PhysicalType.FLOAT, "FLOAT64"),
        (SchemaField("a", "NUMERIC", precision=10, scale=2), PhysicalType.DECIMAL, "NUMERIC(10, 2)"),
        (SchemaField("a", "BIGNUMERIC", precision=50), PhysicalType.DECIMAL, "BIGNUMERIC(50, 0)"),
        (SchemaField("a", "STRING", max_length=10), PhysicalType.STRING, "STRING"),
        (SchemaField("a", "GEOGRAPHY"), PhysicalType.OTHER, "GEOGRAPHY"),
        (SchemaField("a", "JSON"), PhysicalType.OTHER, "JSON"),
        (SchemaField("a", "RECORD", "REPEATED"), PhysicalType.OTHER, "ARRAY<RECORD>"),
    ],
)
def test_types_are_told_as_googlesql_calls_them(field: SchemaField, kind: PhysicalType, native: str) -> None:
    found = physical_column(field)
    assert (found.type, found.native) == (kind, native)


def test_a_version_changes_with_the_rows_and_not_otherwise(store: Store) -> None:
    store.run("CREATE TABLE D.sales AS SELECT 1 AS id")
    first = store.version("sales")
    store.rows(store.resolve("sales"))
    assert store.version("sales") == first
    store.run("INSERT INTO D.sales VALUES (2)")
    second = store.version("sales")
    store.run("UPDATE D.sales SET id = 3 WHERE id = 2")
    assert len({first, second, store.version("sales")}) == 3


def test_names_may_say_another_dataset_or_project(store: Store) -> None:
    store.run("CREATE TABLE D.sales AS SELECT 1 AS id")
    places = ["sales", f"{store.dataset}.sales", f"{PROJECT}.{store.dataset}.sales"]
    found = [store.resolve("s", tables={"s": {"location": each}}).source for each in places]
    assert {each.sql("bigquery") for each in found} == {f"`{PROJECT}`.`{store.dataset}`.`sales`"}
    assert store.resolve("sales", dataset=f"{PROJECT}.{store.dataset}").source == found[0]
    elsewhere = store.open(dataset="another-project.d", tables={"s": {"location": "e.t"}})
    assert elsewhere._path("s") == ("another-project", "e", "t")
    assert elsewhere._path("t") == ("another-project", "d", "t")


@pytest.mark.parametrize(
    ("cadence", "names", "asked", "read"),
    [
        ("day", ["20260130", "20260131", "20260201"], ("2026-01-31", "2026-02-02"), ["20260131", "20260201"]),
        ("month", ["202512", "202601", "202602"], ("2025-12-15", "2026-01-15"), ["202512", "202601"]),
        ("week", ["2026W04", "2026W05", "2026W06"], ("2026-01-26", "2026-02-02"), ["2026W05"]),
        ("quarter", ["2025Q4", "2026Q1"], ("2026-01-01", "2026-01-02"), ["2026Q1"]),
        ("year", ["2025", "2026"], ("2025-06-01", "2026-06-01"), ["2025", "2026"]),
    ],
)
def test_shards_are_those_that_the_window_touches(
    store: Store, cadence: str, names: list[str], asked: tuple[str, str], read: list[str]
) -> None:
    for name in [*names, "intraday_20260101", "2026_x", "999999"]:
        store.run(f"CREATE TABLE D.events_{name} AS SELECT '{name}' AS shard")
    tables = {"events": {"location": "events_{period}", "period": cadence}}
    found = store.resolve("events", time_range(*asked), tables=tables)
    assert sorted(row["shard"] for row in store.rows(found)) == read
    assert found.row_count == len(read)
    resolver = store.open(tables=tables)
    assert resolver.cadence("events") == cadence
    assert resolver.state("events").row_count == len(names)
    before = resolver.state("events").version
    store.run(f"INSERT INTO D.events_{names[-1]} SELECT 'new'")
    assert resolver.state("events").version != before


def test_a_hole_among_shards_is_told_whole(store: Store) -> None:
    for name in ("20260101", "20260105"):
        store.run(f"CREATE TABLE D.events_{name} AS SELECT 1 AS id")
    tables = {"events": {"location": f"{store.dataset}.events_{{period}}", "period": "day"}}
    with pytest.raises(ResolveError, match="the Periods 2026-01-02, 2026-01-03, 2026-01-04 are missing"):
        store.resolve("events", time_range("2026-01-01", "2026-01-06"), tables=tables)
    assert store.resolve("events", time_range("2025-01-01", "2026-01-02"), tables=tables).row_count == 1
    with pytest.raises(ResolveError, match="has no data before 2026-01-01"):
        store.resolve("events", time_range("2025-01-01", "2025-02-01"), tables=tables)
    with pytest.raises(ResolveError, match="there is nothing of any Period of 'month'"):
        store.resolve("events", None, tables={"events": {"location": "events_{period}", "period": "month"}})


def test_shards_have_the_newest_columns_of_one_type_each(store: Store) -> None:
    store.run("CREATE TABLE D.events_202601 (id INT64 NOT NULL)")
    store.run("CREATE TABLE D.events_202602 (id INT64 NOT NULL, kind STRING)")
    tables = {"events": {"location": "events_{period}", "period": "month"}}
    found = store.resolve("events", tables=tables)
    assert [(each.name, each.has_nulls) for each in found.columns] == [("id", None), ("kind", None)]
    store.run("CREATE TABLE D.events_202603 (id STRING)")
    message = "column id is INT64 in events_202602 and STRING in events_202603"
    with pytest.raises(ResolveError, match=message):
        store.resolve("events", tables=tables)


VIEWS = {
    "view": "CREATE VIEW D.v AS SELECT id, x FROM D.base",
    "qualified view": f"CREATE VIEW D.v AS WITH b AS (SELECT * FROM `{PROJECT}`.D.base) SELECT * FROM b",
    "view of a view": "CREATE VIEW D.w AS SELECT * FROM D.base; CREATE VIEW D.v AS SELECT * FROM D.w",
    "materialized view": "CREATE MATERIALIZED VIEW D.v AS SELECT id, SUM(x) AS x FROM D.base GROUP BY id",
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_has_the_version_of_its_tables(store: Store, view: str) -> None:
    store.run("CREATE TABLE D.base AS SELECT 1 AS id, 2 AS x")
    for statement in view.split(";"):
        store.run(statement)
    found = store.resolve("v")
    assert [each.name for each in found.columns] == ["id", "x"]
    assert found.row_count is None, "a view's rows are not counted without a scan"
    assert store.version("v") == found.version != ""
    assert store.open().state("v").modified_at == store.open().state("base").modified_at
    store.run("INSERT INTO D.base VALUES (1, 3)")
    changed = store.version("v")
    assert changed != found.version
    assert sum(row["x"] for row in store.rows(found)) == 5
    assert store.version("v") == changed, "that a materialized view was refreshed changes no row"


def test_a_view_has_another_version_with_another_query(store: Store) -> None:
    store.run("CREATE TABLE D.base AS SELECT 1 AS id")
    store.run("CREATE VIEW D.v AS SELECT id FROM D.base")
    before = store.version("v")
    store.run("CREATE OR REPLACE VIEW D.v AS SELECT id + 1 AS id FROM D.base")
    assert store.version("v") != before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM D.base WHERE CURRENT_DATE() > '2020-01-01'",
        "SELECT id, SESSION_USER() AS who FROM D.base",
        "SELECT id, RAND() AS r FROM D.base",
    ],
)
def test_a_view_that_changes_by_itself_has_no_version(store: Store, query: str) -> None:
    store.run("CREATE TABLE D.base AS SELECT 1 AS id")
    store.run(f"CREATE VIEW D.v AS {query}")
    store.run("CREATE VIEW D.w AS SELECT * FROM D.v")
    for name in ("v", "w"):
        assert store.resolve(name).version == ""
        state = store.open().state(name)
        assert (state.version, state.row_count, state.modified_at) == ("", None, None)
        assert state.unknown == (
            f"{PROJECT}.{store.dataset}.v does not depend on tables alone: its rows change by themselves"
        )


def test_a_view_over_what_cannot_be_looked_at_has_no_version(store: Store) -> None:
    store.run("CREATE TABLE D.hidden AS SELECT 1 AS id")
    store.run("CREATE VIEW D.v AS SELECT * FROM D.hidden")
    is_hidden = on_path("tables/hidden")
    for kind in ("403 accessDenied", "404"):
        store.proxy.inject(Fault(kind, on=is_hidden))
        state = store.open().state("v")
        assert (state.version, state.row_count, state.modified_at) == ("", None, None)
        hidden, view = (f"{PROJECT}.{store.dataset}.{name}" for name in ("hidden", "v"))
        assert state.unknown == f"{hidden}, which {view} reads, cannot be looked at"
    assert store.version("v")


def on_path(end: str) -> Callable[[Any], bool]:
    return lambda request: request.path.partition("?")[0].endswith(end)


def test_rows_that_stream_in_and_external_tables_have_no_version(store: Store) -> None:
    store.run("CREATE TABLE D.sales (id INT64)")
    assert store.version("sales")
    client = store.emulator.client()
    client.insert_rows_json(f"{store.dataset}.sales", [{"id": 1}], retry=once(), timeout=10)
    assert store.resolve("sales").version == ""
    assert store.open().state("sales").unknown.endswith("sales has rows in its streaming buffer")
    sheet = Table(f"{PROJECT}.{store.dataset}.sheet", schema=[SchemaField("id", "INT64")])
    sheet.external_data_configuration = ExternalConfig("CSV")
    client.create_table(sheet, retry=once(), timeout=10)
    found = store.resolve("sheet")
    assert ([each.name for each in found.columns], found.version, found.row_count) == (["id"], "", None)
    assert "external" in store.open().state("sheet").unknown


def test_a_table_that_is_not_there_is_told_with_what_is(store: Store) -> None:
    store.run("CREATE TABLE D.sales AS SELECT 1 AS id")
    store.run("CREATE TABLE D._staged_sales AS SELECT 1 AS id")
    with pytest.raises(ResolveError) as caught:
        store.resolve("sale")
    (fault,) = caught.value.faults
    assert fault.message == "resolver 'lake', table 'sale': there is no such table"
    assert fault.hint == "did you mean 'sales'? it has: sales"
    with pytest.raises(ResolveError, match=f"there is no table {PROJECT}.{store.dataset}.salse"):
        store.open(tables={"s": {"location": "salse"}}).state("s")
    with pytest.raises(ResolveError, match=f"'s': there is no dataset {PROJECT}.nowhere"):
        store.open(dataset="nowhere").state("s")
    sharded = {"s": {"location": "s_{period}", "period": "day"}}
    with pytest.raises(ResolveError, match=f"there is no dataset {PROJECT}.nowhere"):
        store.open(dataset="nowhere", tables=sharded).state("s")


def test_a_table_that_is_not_there_is_told_to_who_may_not_list_tables(store: Store) -> None:
    store.proxy.inject(Fault("403 accessDenied", on="tables.list"))
    with pytest.raises(ResolveError, match="'sales': there is no such table"):
        store.resolve("sales")


@pytest.mark.parametrize(
    "location",
    [
        *("a`b", "a.b.c.d", "", "a b", "a;b", "a..b", ".a", "a.", "-a", "a\n", "*", "a*", "ä", "a'b", 'a"b'),
        *("{period}x", "a_{period}_b", "{period}.a", "a.{period}{period}", "a/../b", "x" * 1025, "a--b`"),
    ],
)
def test_no_location_leaves_its_quotes(location: str) -> None:
    table = {"location": location, "period": "day"} if "{" in location else {"location": location}
    with pytest.raises(ValidationError):
        BigQuerySettings.model_validate({"type": "bigquery", "dataset": "d", "tables": {"t": table}})
    with pytest.raises(ValidationError):
        BigQuerySettings.model_validate({"type": "bigquery", "dataset": location})


def test_a_dataset_is_no_table() -> None:
    with pytest.raises(ValidationError, match="is the name of a table"):
        BigQuerySettings.model_validate({"type": "bigquery", "dataset": "project.dataset.table"})


@pytest.mark.parametrize("name", ["location", "api_endpoint", "maximum_bytes_billed", "gcp_credentials"])
def test_what_is_said_of_a_project_needs_one(name: str) -> None:
    said = {"type": "bigquery", "dataset": "d", name: "100GB"}
    with pytest.raises(ValidationError, match=f"`{name}` needs the `project`"):
        BigQuerySettings.model_validate(said)


def test_without_a_project_it_pays_as_the_engine_does(store: Store) -> None:
    alone = store.open(project=None, api_endpoint=None, storage_endpoint=None, patience=None)
    with pytest.raises(ResolveError, match="nothing says which project pays"):
        alone.state("sales")
    alone = store.open(project=None, api_endpoint=None, storage_endpoint=None, patience=None)
    alone.engine_connection = store.open().connection
    store.run("CREATE TABLE D.sales AS SELECT 1 AS id")
    assert alone.state("sales").row_count == 1


def test_what_it_may_read_is_limited(store: Store) -> None:
    store.run("CREATE TABLE D.sales AS SELECT 1 AS id")
    resolver = store.open(maximum_bytes_billed="1GB", budgets={"small": "1MB"})
    with resolver.engine().connect() as session:
        assert session.budget == 1000**3


TARGET = """\
target:
  engine: {type: duckdb}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: lake
  resolvers:
    lake:
      type: bigquery
      project: test-project
      dataset: retail
      tables: {events: {location: "events_{period}", period: PERIOD}}
"""


def test_a_target_with_bigquery_is_read_without_googles_libraries(tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text(TARGET.replace("PERIOD", "day"))
    program = (
        "import sys; from dataset_assets.adapters.targets.loading import load_target;"
        "from dataset_assets.periods.cadence import *;"
        f"target = load_target({str(tmp_path / 'target.yaml')!r}, Calendars());"
        "assert target.resolver('lake').cadence('events') == 'day';"
        "print([name for name in sys.modules if name.startswith(('google', 'dagster', 'pyarrow'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_cadence_that_no_calendar_has_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text(TARGET.replace("PERIOD", "fortnight"))
    with pytest.raises(ContractError, match="fortnight") as caught:
        load_target(str(tmp_path / "target.yaml"))
    (fault,) = caught.value.faults
    assert fault.field == "target.resolvers.lake.tables.events.period"
    assert str(fault).startswith(f"{tmp_path}/target.yaml:")


def test_tables_views_and_shards_are_listed(store: Store) -> None:
    for name in ("sales", "_hidden", "visits_20260101", "visits_20260102", "events_20260101", "odd-name"):
        store.run(f"CREATE TABLE D.`{name}` AS SELECT 1 AS id")
    store.run("CREATE VIEW D.seen AS SELECT * FROM D.sales")
    tables = {"visits": {"location": "visits_{period}", "period": "day"}, "mine": {"location": "other.mine"}}
    before = len(store.proxy.requests)
    found = {each.name: each.location for each in store.open(tables=tables).tables()}
    assert found == {
        "mine": "",
        "visits": "",
        "events_{period}": "events_{period}",
        "odd-name": "odd-name",
        "sales": "",
        "seen": "",
    }
    assert [each.place for each in store.proxy.requests[before:]] == ["tables.list"]


def test_a_dataset_that_is_not_there_has_no_tables(store: Store) -> None:
    with pytest.raises(ResolveError, match=r"resolver .lake.: there is no dataset .*gone"):
        store.open(dataset="gone").tables()
