"""Tests the list of tables and the description of one, over the stores of each engine."""

from collections.abc import Generator
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlglot import exp

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.discovery.describe import describe_table
from dataset_assets.discovery.sources import open_table
from dataset_assets.discovery.tables import list_tables
from dataset_assets.errors import ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.relation import PhysicalType
from dataset_assets.ports.target import Target
from tests.engines.store_fixtures import STORES, Store

SALES = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "price": pa.array([Decimal("1.50"), Decimal("2.25"), None, Decimal(3)], pa.decimal128(38, 9)),
        "at": pa.array([datetime(2026, 1, day, 12, tzinfo=UTC) for day in (1, 2, 3, 4)]),
        "kind": pa.array(["tea", "tea", "rice", None]),
        "secret": pa.array(["alpha", "beta", "gamma", "delta"]),
    }
)


@pytest.fixture(params=STORES)
def store(request, tmp_path) -> Generator[Store]:
    with STORES[request.param](request, tmp_path) as opened:
        yield opened


def loaded(store: Store, **tables: pa.Table) -> Target:
    (store.root / "data").mkdir(exist_ok=True)
    for name, rows in tables.items():
        path = store.root / "data" / f"{name}.parquet"
        parquet.write_table(rows, path)
        store.load(name, path)
    (store.root / "target.yaml").write_text(store.target())
    return load_target(str(store.root / "target.yaml"), Calendars(), store.root)


def test_the_tables_of_a_target(store):
    target = loaded(store, sales=SALES, shops=pa.table({"shop": [1]}))
    found = list_tables(target)
    assert found.problems == ()
    assert [(each.resolver, each.name, each.problem) for each in found.tables] == [
        ("files", "sales", ""),
        ("files", "shops", ""),
    ]
    sales = found.tables[0]
    assert sales.columns == ("id", "price", "at", "kind", "secret")
    assert sales.row_count in (4, None)
    assert sales.last_modified is not None


def test_the_description_of_a_table(store):
    target = loaded(store, sales=SALES)
    plain = describe_table(target, "sales")
    assert {name: each.declare_as for name, each in plain.columns.items()} == {
        "id": "integer",
        "price": "decimal",
        "at": "timestamp",
        "kind": "string",
        "secret": "string",
    }
    assert {each.cardinality for each in plain.columns.values()} == {None}
    found = describe_table(target, "files/sales", statistics=True, sensitive=["Secret"])
    assert (found.table, found.resolver, found.row_count) == ("sales", "files", 4)
    price = found.columns["price"]
    assert (price.cardinality, price.null_percent, price.min, price.max) == (3, 25.0, "1.5", "3")
    assert (price.mean, price.median) == (2.25, "2.25")
    assert found.columns["id"].median == "2.5"
    assert found.columns["at"].min == "2026-01-01T12:00:00+00:00"
    assert found.columns["kind"].sample_values == ("rice", "tea")
    secret = found.columns["secret"]
    assert (secret.sensitive, secret.cardinality, secret.sample_values) == (True, 4, ())
    for value in ("alpha", "beta", "gamma", "delta"):
        assert value not in found.model_dump_json()


def test_a_table_without_rows(store):
    found = describe_table(loaded(store, sales=SALES.slice(0, 0)), "sales", statistics=True)
    assert found.row_count == 0
    assert {(each.cardinality, each.min) for each in found.columns.values()} == {(0, None)}


def test_an_open_table_answers_queries(store):
    with open_table(loaded(store, sales=SALES), "sales") as opened:
        types = {each.name: each.type for each in opened.relation.columns}
        query = exp.select("id").from_(opened.relation.source.copy()).order_by("id")
        assert [row["id"] for row in opened.session.rows(query)] == [1, 2, 3, 4]
    assert types["at"] in (PhysicalType.TIMESTAMP, PhysicalType.DATETIME)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sale", "has no table 'files/sale'; did you mean 'sales'?"),
        ("files/sale", "has no table 'files/sale'; did you mean 'sales'?"),
        ("qqqqqq", "has no table 'files/qqqqqq'; it has: sales"),
        ("file/sales", "has no resolver 'file'; did you mean 'files'?"),
        ("", "has no table 'files/'; it has: sales"),
    ],
)
def test_a_wrong_name_gets_the_nearest(store, name, sentence):
    target = loaded(store, sales=SALES)
    with pytest.raises(ResolveError) as refused:
        describe_table(target, name)
    assert sentence in str(refused.value)
