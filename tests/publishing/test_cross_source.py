"""Datasets whose tables are in different stores are published with the same rows (BR-004)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import write_deltalake
from pyarrow import parquet

from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.duckdb.engine import DuckDBSession
from dataset_assets.errors import AccessError, BudgetError, ResolveError
from dataset_assets.interfaces.reading import read_pandas
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from tests.bigquery.emulator import PROJECT, Emulator
from tests.bigquery.faults import Fault
from tests.bigquery.proxy import StrictProxy
from tests.engines.store_fixtures import OnBigQuery, OnDisk, Store
from tests.publishing.shop import KEYED, SALES, Shop, open_shop

NEEDED = {"sales": ["line", "buyer", "item", "price", "sold_at"], "items": ["item", "kind"]}
FEBRUARY = -(-60 * 1440 // 70)
"""Sales of the two months that February's rows are of."""


def _csv(root: Path, table: str, path: Path) -> None:
    duckdb.execute(f"COPY (FROM '{path}') TO '{root}/data/{table}.csv' (HEADER)")


def _delta(root: Path, table: str, path: Path) -> None:
    write_deltalake(
        root / "data" / table, parquet.read_table(path), mode="overwrite", schema_mode="overwrite"
    )


def _database(root: Path, table: str, path: Path) -> None:
    with duckdb.connect(root / "data" / "shop.duckdb") as database:
        database.execute(f"CREATE OR REPLACE TABLE {table} AS FROM '{path}'")


FILES: Mapping[str, tuple[str, Callable[[Path, str, Path], None]]] = {
    "parquet": ("{type: parquet, root: ./data}", lambda *_: None),
    "csv": ("{type: csv, root: ./data}", _csv),
    "delta": ("{type: delta, root: ./data}", _delta),
    "duckdb": ("{type: duckdb, database: ./data/shop.duckdb}", _database),
}


@dataclass(frozen=True)
class Mixed(Store):
    """`places` maps tables to resolvers, of FILES or `bigquery`; the first one is the default."""

    engine: str
    places: Mapping[str, str]
    cloud: OnBigQuery
    said: str = ""

    def target(self, resolver: str = "files", threads: int = 2, zone: str = "UTC") -> str:  # noqa: ARG002
        ends = f'api_endpoint: "{self.cloud.rest}", storage_endpoint: "{self.cloud.storage}", patience: 60'
        parts = {
            "duckdb": "  engine: {type: duckdb}\n  warehouse: {type: delta, root: ./warehouse}",
            "bigquery": f"  engine: {{type: bigquery, project: {PROJECT}, {ends}{self.said}}}\n"
            f"  warehouse: {{type: bigquery, dataset: {self.cloud.warehouse}}}",
        }
        own = {"duckdb": f", project: {PROJECT}, {ends}{self.said}", "bigquery": ""}[self.engine]
        resolvers = {name: text for name, (text, _) in FILES.items()}
        resolvers["bigquery"] = f"{{type: bigquery, dataset: {self.cloud.sources}{own}}}"
        listed = "\n".join(f"    {name}: {text}" for name, text in resolvers.items())
        first = next(iter(self.places.values()))
        routes = ", ".join(f"{table}: {place}" for table, place in self.places.items())
        return (
            f"target:\n{parts[self.engine]}\n  default_resolver: {first}\n  routes: {{{routes}}}\n"
            f"  resolvers:\n{listed}\n"
        )

    def load(self, table: str, path: Path) -> None:
        place = self.places[table]
        if place == "bigquery":
            self.cloud.load(table, path)
        else:
            FILES[place][1](self.root, table, path)
        if place != "parquet":
            path.rename(path.with_suffix(".moved"))

    def leftovers(self) -> list[str]:
        return [*self.cloud.leftovers(), *OnDisk(self.root).leftovers()]


@dataclass
class Watch:
    """Records the columns and rows that sessions loaded, by source."""

    columns: dict[str, list[str]]
    rows: dict[str, int]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    seen = Watch({}, {})
    for kind in (DuckDBSession, BigQuerySession):

        def load_arrow(session, name, columns, batches, moved, own=kind.load_arrow):
            def told(rows: int, size: int) -> None:
                seen.rows[name] = rows
                moved(rows, size)

            seen.columns[name] = batches.schema.names
            return own(session, name, columns, batches, told)

        monkeypatch.setattr(kind, "load_arrow", load_arrow)
    return seen


@pytest.fixture
def cloud(emulator: Emulator, proxy: StrictProxy, bigquery_dataset: str, tmp_path: Path):
    proxy.running = 0
    with emulator.dataset() as warehouse:
        yield OnBigQuery(tmp_path / "cloud", proxy.rest, proxy.storage, bigquery_dataset, warehouse)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Materialization:
    """Publish the same dataset with all its tables in Parquet."""
    return open_shop(OnDisk(tmp_path_factory.mktemp("alone"))).publish()


def shop_of(cloud: OnBigQuery, root: Path, engine: str, sales: str, items: str, said: str = "") -> Shop:
    return open_shop(Mixed(root, engine, {"sales": sales, "items": items}, cloud, said))


def write_sales_with_unused_column(shop: Shop) -> None:
    """Write the sales with a long column `note` that no output needs."""
    shop.write("sales", f"SELECT repeat('x', 1000) AS note, * FROM ({SALES.format(rows=1500)})")


BOTH_WAYS = [
    ("duckdb", "bigquery", "delta"),
    ("duckdb", "parquet", "bigquery"),
    ("duckdb", "duckdb", "bigquery"),
    ("bigquery", "parquet", "bigquery"),
    ("bigquery", "delta", "bigquery"),
    ("bigquery", "duckdb", "bigquery"),
    ("bigquery", "bigquery", "csv"),
]


@pytest.mark.parametrize(("engine", "sales", "items"), BOTH_WAYS)
def test_rows_equal_those_of_one_store(
    cloud: OnBigQuery,
    tmp_path: Path,
    alone: Materialization,
    watch: Watch,
    engine: str,
    sales: str,
    items: str,
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, items)
    write_sales_with_unused_column(shop)
    told: list[str] = []
    done = publish(shop, told)
    assert (done.digest, done.counts, done.split_sizes) == (alone.digest, alone.counts, alone.split_sizes)
    assert set(done.sources) == {f"{sales}/sales", f"{items}/items"}
    own = {"duckdb": set(FILES), "bigquery": {"bigquery"}}[engine]
    moved = {name for name, place in (("sales", sales), ("items", items)) if place not in own}
    assert watch.columns == {name: NEEDED[name] for name in moved}
    rows = {name: {"sales": FEBRUARY, "items": 11}[name] for name in moved}
    assert watch.rows == rows
    assert done.usage["rows_moved"] == sum(rows.values())
    assert done.record["moved"].items() <= done.usage.items()
    assert 0 < done.record["moved"]["bytes_moved"] < 100 * sum(rows.values())
    for name, count in rows.items():
        assert any(each.startswith(f"moved {name}: {count:,} rows, ") for each in told)
    assert not shop.store.leftovers()
    again = publish(shop, told)
    assert again.counts.unchanged == again.counts.rows == done.counts.rows
    assert "rows_moved" not in again.usage, "nothing changed: nothing is moved"


def publish(shop: Shop, told: list[str]) -> Materialization:
    catalog = shop.catalog
    period = catalog.calendars.cadence("month").parse("2024-02")
    return materialize(
        catalog, shop.target, Request(catalog.entry("sales"), "run", shop.now, period), told.append
    )


@pytest.mark.parametrize(("engine", "there"), [("duckdb", "bigquery"), ("bigquery", "delta")])
def test_a_dataset_may_name_the_resolver_of_all_its_tables(
    cloud: OnBigQuery, tmp_path: Path, alone: Materialization, watch: Watch, engine: str, there: str
) -> None:
    shop = shop_of(cloud, tmp_path, engine, there, there)
    own = {"duckdb": "parquet", "bigquery": "bigquery"}[engine]
    elsewhere = replace(shop.store, places={"sales": own, "items": own})
    (tmp_path / "target.yaml").write_text(elsewhere.target().replace("routes: {", "routes: {}  # {"))
    shop.declare(KEYED.replace("  owner: ada\n", f"  owner: ada\n  resolver_id: {there}\n"))
    done = shop.publish()
    assert done.digest == alone.digest
    assert watch.rows == {"sales": FEBRUARY, "items": 11}


def test_another_zone_of_an_external_source_changes_the_selection(
    cloud: OnBigQuery, tmp_path: Path, alone: Materialization
) -> None:
    shop = shop_of(cloud, tmp_path, "duckdb", "bigquery", "parquet")
    assert shop.publish().digest == alone.digest
    path = tmp_path / "target.yaml"
    path.write_text(path.read_text().replace("{type: bigquery,", "{type: bigquery, zone: Asia/Tokyo,"))
    assert shop.publish().digest != alone.digest


DECLARED = """
SELECT line::BIGINT AS line, buyer, item::BIGINT AS item, price::DECIMAL(38, 9) AS price,
  sold_at AT TIME ZONE 'UTC' AS sold_at, 'x' AS note FROM (SALES)
""".replace("SALES", SALES.format(rows=1500))


def test_columns_of_the_declared_type_are_read_without_a_query(
    cloud: OnBigQuery, proxy: StrictProxy, tmp_path: Path, alone: Materialization, watch: Watch
) -> None:
    shop = shop_of(cloud, tmp_path, "duckdb", "bigquery", "parquet")
    shop.write("sales", DECLARED)
    before = len(proxy.requests)
    done = shop.publish()
    assert done.digest == alone.digest
    assert (watch.columns, watch.rows) == ({"sales": NEEDED["sales"]}, {"sales": FEBRUARY})
    assert "insert" not in {each.place for each in proxy.requests[before:]}
    assert "bytes_billed" not in done.usage


def test_a_view_is_queried_and_its_result_transferred(
    cloud: OnBigQuery, emulator: Emulator, tmp_path: Path, alone: Materialization, watch: Watch
) -> None:
    shop = shop_of(cloud, tmp_path, "duckdb", "bigquery", "bigquery")
    emulator.rows(f"CREATE TABLE {cloud.sources}.stock AS SELECT * FROM {cloud.sources}.items")
    emulator.rows(f"DROP TABLE {cloud.sources}.items")
    emulator.rows(f"CREATE VIEW {cloud.sources}.items AS SELECT * FROM {cloud.sources}.stock")
    assert shop.publish().digest == alone.digest
    assert watch.rows == {"sales": FEBRUARY, "items": 11}


NOT_A_NUMBER = SALES.format(rows=1500).replace(
    "(i % 97) / 4.0", "IF(i IN (7, 8), 'nan'::DOUBLE, (i % 97) / 4.0)"
)


@pytest.mark.parametrize(("engine", "sales"), [("duckdb", "bigquery"), ("bigquery", "parquet")])
def test_a_value_that_does_not_fit_is_reported_by_its_column(
    cloud: OnBigQuery, tmp_path: Path, engine: str, sales: str
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, "bigquery")
    shop.write("sales", NOT_A_NUMBER)
    with pytest.raises(ResolveError, match=r"sales.price: 2 values do not fit decimal: not a number"):
        shop.publish()
    assert not shop.rows()
    assert not shop.store.leftovers()


@pytest.mark.parametrize(("engine", "sales"), [("duckdb", "bigquery"), ("bigquery", "parquet")])
def test_a_source_that_breaks_its_contract_is_not_transferred(
    cloud: OnBigQuery, tmp_path: Path, watch: Watch, engine: str, sales: str
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, "bigquery")
    shop.write("sales", "SELECT 1 AS line, 'b' AS buyer, 'text' AS item, now() AS sold_at")
    with pytest.raises(ResolveError) as caught:
        shop.publish()
    assert [each.field for each in caught.value.faults] == ["sales.item", "sales.price"]
    assert watch.rows == {}


def test_an_empty_window_transfers_no_row(cloud: OnBigQuery, tmp_path: Path, watch: Watch) -> None:
    for place, engine in (("parquet", "bigquery"), ("bigquery", "duckdb")):
        root = tmp_path / engine
        root.mkdir()
        shop = shop_of(cloud, root, engine, place, "bigquery")
        shop.declare(KEYED.replace("  filters:", "  allow_empty: true\n  filters:"))
        done = shop.publish("2026-02")
        assert (done.counts.rows, watch.rows.get("sales", 0)) == (0, 0)
        assert not shop.store.leftovers()


@pytest.mark.parametrize(
    ("engine", "sales", "items"), [("duckdb", "bigquery", "bigquery"), ("bigquery", "bigquery", "delta")]
)
def test_published_rows_are_read_from_any_warehouse(
    cloud: OnBigQuery, tmp_path: Path, engine: str, sales: str, items: str
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, items)
    shop.publish()
    said: dict[str, Any] = {"target": str(tmp_path / "target.yaml"), "definitions": tmp_path / "definitions"}
    frame = read_pandas("sales", partition="2024-02", split="eval", **said)
    expected = [row for row in shop.rows() if row["split"] == 1]
    columns = list(frame.columns)
    assert frame.to_dict("records") == [{name: row[name] for name in columns} for row in expected]
    assert columns == ["user_id", "product_id", "timestamp", "revenue", "category", "line", "split"]
    labels = read_pandas("sales", columns=["line", "_labels"], limit=3, **said)
    assert labels["_labels"].to_list() == [{}] * 3


def test_transfers_keep_within_the_budget(cloud: OnBigQuery, proxy: StrictProxy, tmp_path: Path) -> None:
    shop = shop_of(cloud, tmp_path, "duckdb", "bigquery", "parquet", ", budgets: {sales: 1MB}")
    before = len(proxy.requests)
    proxy.bytes_of = lambda sql: 3_000_000 if "sold_at" in sql else 0
    with pytest.raises(BudgetError, match="over the limit"):
        shop.publish()
    assert "insert" not in {each.place for each in proxy.requests[before:]}
    proxy.bytes_of = lambda sql: 900_000 if "sold_at" in sql else 0
    (tmp_path / "target.yaml").write_text(shop.store.target().replace("sales: 1MB", "sales: 20MB"))
    usage = shop.publish().usage
    assert (usage["bytes_estimated"], usage["bytes_billed"]) == (900_000, 10 * 1024**2)


def test_a_failure_is_reported_although_transferred_rows_cannot_be_removed(
    cloud: OnBigQuery, proxy: StrictProxy, tmp_path: Path
) -> None:
    shop = shop_of(cloud, tmp_path, "bigquery", "parquet", "bigquery")
    proxy.inject(
        Fault("403 quotaExceeded", on=lambda request: "load" in request.configuration),
        Fault(
            "503",
            on=lambda request: request.place == "tables.delete" and "_moved_" in request.path,
            times=1000,
        ),
    )
    with pytest.raises(AccessError, match="Quota exceeded"):
        shop.publish()


UNUSED = KEYED.replace(
    "      - {name: price, type: decimal}",
    "      - {name: note, type: string}\n      - {name: price, type: decimal}",
)


@pytest.mark.parametrize(
    ("engine", "sales", "items"),
    [
        ("duckdb", "bigquery", "parquet"),
        ("duckdb", "bigquery", "bigquery"),
        ("bigquery", "parquet", "bigquery"),
        ("bigquery", "csv", "delta"),
    ],
)
def test_an_unused_column_is_not_transferred(
    cloud: OnBigQuery,
    tmp_path: Path,
    alone: Materialization,
    watch: Watch,
    engine: str,
    sales: str,
    items: str,
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, items)
    shop.declare(UNUSED)
    write_sales_with_unused_column(shop)
    assert shop.publish().digest == alone.digest
    assert watch.columns["sales"] == NEEDED["sales"]


@pytest.mark.parametrize(("engine", "sales"), [("duckdb", "bigquery"), ("bigquery", "parquet")])
def test_an_unused_column_is_checked_in_its_own_store(
    cloud: OnBigQuery, tmp_path: Path, watch: Watch, engine: str, sales: str
) -> None:
    shop = shop_of(cloud, tmp_path, engine, sales, "bigquery")
    shop.declare(UNUSED)
    with pytest.raises(ResolveError, match=r"sales.note: is not in the source"):
        shop.publish()
    assert watch.rows == {}
