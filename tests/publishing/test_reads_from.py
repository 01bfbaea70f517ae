"""A target reads publications of another one of what it does not publish itself, and writes nothing there.

Rule: BR-139.
"""

from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dataset_assets.errors import ResolveError
from dataset_assets.lifecycle.past_run import RebuildRequest
from dataset_assets.lifecycle.rebuild import open_rebuild
from dataset_assets.publishing.snapshot import READ_FROM
from dataset_assets.staleness.plan import plan_dataset, plans
from dataset_assets.staleness.reasons import StalenessReason
from tests.engines.store_fixtures import OnBigQuery
from tests.publishing.shop import ITEMS, KEYED, Shop

LOCAL = pytest.mark.parametrize("store", ["duckdb"], indirect=True)
NESTING = KEYED.replace(
    """
        type: table
        name: items
        columns: [{name: item, type: integer, nullable: false}, {name: kind, type: string}]
""",
    """
        type: dataset
        id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199
""",
).replace("    - target:", "    - alias: items\n      target:")
ITEMS_BY_MONTH = ITEMS + "  partitions: {period: month, start: 2024-01}\n"


@pytest.fixture
def shop(shop: Shop, request: pytest.FixtureRequest) -> Generator[Shop]:
    """A shop whose sales nest its items, which are published in the target that its own one reads from."""
    shop.declare(NESTING)
    shop.declare(ITEMS, "items")
    original = (shop.root / "target.yaml").read_text()
    (shop.root / "production.yaml").write_text(original)
    with _own_warehouse(shop, original, request) as own:
        (shop.root / "target.yaml").write_text(f"{own.rstrip()}\n  reads_from: production.yaml\n")
        with in_production(shop):
            shop.publish(None, "items")
        yield shop


@contextmanager
def _own_warehouse(shop: Shop, text: str, request: pytest.FixtureRequest) -> Generator[str]:
    if isinstance(shop.store, OnBigQuery):
        with request.getfixturevalue("emulator").dataset() as name:
            yield text.replace(shop.store.warehouse, name)
    else:
        yield text.replace("./warehouse", "./mine")


@contextmanager
def in_production(shop: Shop) -> Generator[None]:
    """Exchange the targets, so that the shop publishes in production."""
    path = shop.root / "target.yaml"
    own = path.read_text()
    path.write_text((shop.root / "production.yaml").read_text())
    yield
    path.write_text(own)


def tree(folder: Path) -> dict[str, str]:
    """Return the digest and the time of each file and folder."""
    return {
        str(
            path
        ): f"{path.stat().st_mtime_ns} {sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}"
        for path in sorted(folder.rglob("*"))
        if "_spill" not in path.parts
    }


def state(shop: Shop) -> Any:
    """Return what production's warehouse has."""
    if not isinstance(shop.store, OnBigQuery):
        return tree(shop.root / "warehouse")
    with in_production(shop), shop.target.engine.connect() as session:
        warehouse: Any = shop.target.warehouse
        opened: Any = session
        names = opened.tables.names(warehouse.project, warehouse.dataset)
        claims = warehouse.claimed_periods("sales", session), warehouse.claimed_periods("items", session)
        return names, claims, warehouse.all_records("items", session)


def due(shop: Shop) -> list[tuple[str, list[str]]]:
    """Return what the plan of February's sales lists: dataset and reasons."""
    catalog = shop.catalog
    period = catalog.calendars.cadence("month").parse("2024-02")
    found = plans(catalog, shop.target, catalog.entry("sales"), [period], shop.now)
    return [(plan.entry.stem, [str(each.reasons[0]) for each in plan.due]) for plan in found]


def test_nested_datasets_are_read_of_the_other_target_until_they_are_published_here(shop: Shop) -> None:
    before = state(shop)
    assert due(shop) == [("sales", [str(StalenessReason.NEW)])]
    shop.publish()
    record, rows = shop.publication("sales", "2024-02")
    assert {row["category"] for row in rows} == {"kind 0", "kind 1", "kind 2"}
    assert record[READ_FROM] == {"datasets/items": "production"}
    assert due(shop) == [("sales", [])]
    assert state(shop) == before, "nothing is written there"

    shop.write("items", "SELECT i AS item, 'new ' || i % 3 AS kind FROM range(11) AS t(i)")
    with in_production(shop):
        shop.publish(None, "items")
    ((_, (reason,)),) = due(shop)
    assert str(StalenessReason.NESTED) in reason
    shop.publish()
    assert {row["category"] for row in shop.rows()} == {"new 0", "new 1", "new 2"}

    shop.write("items", "SELECT i AS item, 'mine' AS kind FROM range(11) AS t(i)")
    shop.publish(None, "items")
    shop.publish()
    record, rows = shop.publication("sales", "2024-02")
    assert {row["category"] for row in rows} == {"mine"}
    assert READ_FROM not in record
    with in_production(shop):
        assert {row["kind"] for row in shop.rows(None, stem="items")} == {"new 0", "new 1", "new 2"}
        assert shop.publication("sales", "2024-02") == ({}, [])


@LOCAL
def test_equal_rows_of_an_own_publication_change_nothing(shop: Shop) -> None:
    shop.publish()
    shop.publish(None, "items")
    assert due(shop) == [("sales", [])]


@LOCAL
def test_a_period_that_the_other_target_lacks_is_named_with_it(shop: Shop) -> None:
    shop.declare(ITEMS_BY_MONTH, "items")
    shop.write("items/2024-01", "SELECT 1 AS item, 'kind' AS kind")
    for path in (shop.root / "target.yaml", shop.root / "production.yaml"):
        text = (
            path.read_text()
            .replace(
                "root: ./data",
                'root: ./data, tables: {items: {location: "items/{period}.parquet", period: month}}',
            )
            .replace("./warehouse", "./other")
        )
        path.write_text(text)
    with in_production(shop):
        shop.publish("2024-01", "items")
    words = "nested dataset items of 2024-02 is not published in 'production'; materialize it there"
    with pytest.raises(ResolveError, match=words):
        shop.publish("2024-02")
    catalog = shop.catalog
    *_, own = plan_dataset(catalog, shop.target, catalog.entry("sales"), "2024-02", "2024-02")
    (found,) = own.due
    assert [words in str(each) for each in found.obstacles] == [True]


@LOCAL
def test_targets_are_read_one_after_the_other(shop: Shop) -> None:
    """Staging has nothing of its own, so that production is read."""
    target = shop.root / "target.yaml"
    (shop.root / "staging.yaml").write_text(target.read_text().replace("./mine", "./staging"))
    target.write_text(target.read_text().replace("production.yaml", "staging.yaml"))
    assert [each.name for each in shop.target.reads_from] == ["staging", "production"]
    shop.publish()
    assert shop.publication("sales", "2024-02")[0][READ_FROM] == {"datasets/items": "production"}
    assert not (shop.root / "staging").exists()


@LOCAL
def test_a_publication_is_rebuilt_from_the_other_target(shop: Shop) -> None:
    shop.publish()
    catalog = shop.catalog
    request = RebuildRequest(version=1, period="2024-02")
    with open_rebuild(catalog, shop.target, catalog.entry("sales"), request, lambda _: None) as found:
        sources = {each.source: each.gone for each in found.result.sources}
    assert found.result.rebuilt_digest == shop.publication("sales", "2024-02")[0]["digest"]
    assert not sources["datasets/items"]


@LOCAL
def test_an_engine_may_read_the_other_warehouse_and_nothing_beside_it(shop: Shop) -> None:
    engine: Any = shop.target.engine
    roots = {path.relative_to(shop.root).as_posix() for path in engine.directories}
    assert roots == {"mine", "warehouse", "data"}
