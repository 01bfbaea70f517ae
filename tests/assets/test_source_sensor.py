"""The sensor `sources` reports each change of a source once, within the limits of a tick."""

import json
import threading
from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from dataset_assets.assets import source_sensor
from dataset_assets.assets.asset_keys import table_key
from dataset_assets.errors import AccessError, Fault
from dataset_assets.ports.resolver import Resolver, TableState
from tests.assets.retailer import MONTHLY, Retailer
from tests.assets.sensor_process import graph

MONTHS = [f"2024-{month:02}" for month in range(1, 6)]


class Daemon:
    """Ticks as Dagster's daemon does: it writes the events one by one, then keeps the cursor."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        self.retailer = retailer
        self.instance = instance
        self.cursor: str | None = None
        self.messages: list[str] = []
        self.restart()

    def restart(self) -> None:
        """The code location is loaded anew."""
        self.graph = graph(self.retailer.settings)
        self.sensor = source_sensor.sources(self.graph)

    @property
    def resolver(self) -> Resolver:
        target = self.graph.binding.target
        assert target
        return target.resolver("shop")

    def evaluate(self):
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        found = self.sensor.evaluate_tick(context)
        self.messages.append(found.skip_message or "")
        return found

    def tick(self, *, killed_after: int | None = None) -> list[str]:
        """What was reported: `orders 2024-03`, each piece once. `killed_after`: so many events."""
        found = self.evaluate()
        written = found.asset_events[:killed_after]
        for event in written:
            self.instance.report_runless_asset_event(event)
        if killed_after is None:
            self.cursor = found.cursor
        return list(dict.fromkeys(called(event) for event in written))


def called(event) -> str:
    return " ".join(filter(None, [event.asset_key.path[-1], event.partition]))


@pytest.fixture
def daemon(retailer, instance) -> Daemon:
    return Daemon(retailer, instance)


@pytest.fixture
def settled(daemon) -> Daemon:
    daemon.tick()
    assert daemon.tick() == []
    return daemon


def products(retailer: Retailer, *brands: str) -> None:
    columns = {"product_id": list(range(len(brands))), "brand": brands}
    pq.write_table(pa.table(columns), retailer.root / "data" / "products.parquet")


def history(instance: dg.DagsterInstance, partition: str | None = None, table: str = "orders") -> list[str]:
    """The versions that materializations of one piece told, the oldest first."""
    key = table_key("shop", table)
    wanted = dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition else None)
    records = instance.fetch_materializations(wanted, limit=1000, ascending=True).records
    return [(record.event_log_entry.tags or {})[DATA_VERSION_TAG] for record in records]


def test_the_first_tick_reports_everything_and_the_next_one_nothing(daemon):
    found = daemon.evaluate()
    orders = [event for event in found.asset_events if event.asset_key == table_key("shop", "orders")]
    assert [(type(event), event.partition) for event in orders] == [
        (kind, month) for month in MONTHS for kind in (dg.AssetMaterialization, dg.AssetObservation)
    ]
    january, seen = orders[:2]
    assert january.tags == seen.tags
    assert january.tags[DATA_VERSION_TAG]
    assert january.metadata["dagster/partition_row_count"].value == 100
    assert january.metadata["period"].value == "2024-01"
    assert january.metadata["resolver"].value == "shop"
    file = daemon.retailer.root / "data" / "orders" / "2024-01.parquet"
    assert january.metadata["modified_at"].value == pytest.approx(file.stat().st_mtime)
    whole = [event for event in found.asset_events if event.asset_key == table_key("shop", "products")]
    assert [event.partition for event in whole] == [None, None]
    assert whole[0].metadata["dagster/row_count"].value == 5
    assert len(daemon.tick()) == 6
    assert daemon.tick() == []
    assert len(json.loads(daemon.cursor)) == 2
    assert len(daemon.cursor) < 200


def test_only_what_changed_is_reported(settled, retailer):
    retailer.orders(3, {1: "somebody else"})
    assert settled.tick() == ["orders 2024-03"]
    products(retailer, "a", "b")
    assert settled.tick() == ["products"]
    assert "changed: shop/products" in settled.messages[-1]
    assert settled.tick() == []


def test_a_new_period_is_reported_when_it_is_there(settled, retailer):
    retailer.orders(6)
    assert settled.tick() == ["orders 2024-06"]


def test_a_period_that_has_not_ended_waits(settled, retailer, monkeypatch):
    ahead = datetime.now(UTC).year + 1
    source = retailer.root / "data" / "orders" / "2024-05.parquet"
    (retailer.root / "data" / "orders" / f"{ahead}-01.parquet").write_bytes(source.read_bytes())
    assert settled.tick() == []

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(ahead, 2, 1, tzinfo=tz)

    monkeypatch.setattr(source_sensor, "datetime", Later)
    assert settled.tick() == [f"orders {ahead}-01"]


def test_a_piece_that_vanishes_is_told_once_and_is_looked_at_again_when_it_returns(settled, retailer):
    path = retailer.root / "data" / "orders" / "2024-02.parquet"
    path.rename(retailer.root / "aside")
    context = dg.build_sensor_context(settled.instance, cursor=settled.cursor)
    found = settled.sensor.evaluate_tick(context)
    assert not found.asset_events
    assert "; no longer there: shop/orders 2024-02, what was made of it stays" in found.skip_message
    settled.cursor = found.cursor
    again = settled.sensor.evaluate_tick(dg.build_sensor_context(settled.instance, cursor=settled.cursor))
    assert "no longer there" not in again.skip_message
    settled.cursor = again.cursor
    (retailer.root / "aside").rename(path)
    assert settled.tick() == ["orders 2024-02"], "metadata cannot tell that it is the same file as before"


def test_a_renamed_piece_is_a_new_one(settled, retailer):
    orders = retailer.root / "data" / "orders"
    (orders / "2024-05.parquet").rename(orders / "2024-06.parquet")
    assert settled.tick() == ["orders 2024-06"]


def test_a_version_that_returns_is_a_change(settled, retailer, instance):
    path = retailer.root / "data" / "products.parquet"
    first = path.rename(retailer.root / "first")
    products(retailer, "z")
    assert settled.tick() == ["products"]
    first.rename(path)
    assert settled.tick() == ["products"]
    versions = history(instance, table="products")
    assert len(versions) == 3
    assert len(set(versions)) == 3, "a rename moves the inode change time"


def test_a_file_that_is_being_written_is_not_reported_until_it_is_whole(settled, retailer):
    path = retailer.root / "data" / "orders" / "2024-04.parquet"
    retailer.orders(4, {1: "somebody else"})
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    retailer.orders(5, {1: "somebody else"})
    assert settled.tick() == ["orders 2024-05"]
    assert "shop/orders 2024-04" in settled.messages[-1]
    assert "not a whole Parquet file" in settled.messages[-1]
    path.write_bytes(whole)
    assert settled.tick() == ["orders 2024-04"]


@pytest.mark.parametrize("error", [AccessError(Fault("no role")), OSError("no route to host")])
def test_a_broken_source_does_not_stop_the_others_and_is_asked_again(settled, retailer, monkeypatch, error):
    resolver = settled.resolver

    def refused(table):  # noqa: ARG001
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(resolver, "pieces", refused)
        retailer.orders(1, {1: "somebody else"})
        products(retailer, "a")
        assert settled.tick() == ["products"]
        assert f"not known: shop/orders: {error}" in settled.messages[-1].replace("OSError: ", "")
    assert settled.tick() == ["orders 2024-01"]


def test_a_source_without_a_version_is_not_reported(settled, monkeypatch):
    resolver = settled.resolver
    monkeypatch.setattr(resolver, "state", lambda _: TableState("", 3, None, "a view of something fickle"))
    assert settled.tick() == []
    assert "not known: shop/products: a view of something fickle" in settled.messages[-1]


def test_a_source_that_does_not_answer_holds_nobody_up_and_is_taken_when_it_does(
    settled, retailer, monkeypatch
):
    resolver = settled.resolver
    real, answer, asked = resolver.pieces, threading.Event(), []

    def slow(table):
        asked.append(table)
        answer.wait(10)
        return real(table)

    monkeypatch.setattr(source_sensor, "READ_SECONDS", 0.2)
    monkeypatch.setattr(resolver, "pieces", slow)
    products(retailer, "a")
    retailer.orders(1, {1: "somebody else"})
    assert settled.tick() == ["products"]
    assert "shop/orders: has not answered yet" in settled.messages[-1]
    assert settled.tick() == []
    assert asked == ["orders"], "one question at a time"
    answer.set()
    for thread in threading.enumerate():
        if thread.name.startswith(source_sensor.SENSOR):
            thread.join(10)
    assert settled.tick() == ["orders 2024-01"]


def test_a_tick_that_has_no_room_goes_on_in_the_next(daemon, monkeypatch):
    monkeypatch.setattr(source_sensor, "MAX_EVENTS", 5)
    reported = [daemon.tick(), daemon.tick(), daemon.tick(), daemon.tick()]
    assert [len(each) for each in reported] == [3, 3, 1, 0], "five of twelve events, five, two"
    assert {name for each in reported for name in each} == {f"orders {month}" for month in MONTHS} | {
        "products"
    }
    assert all(len(history(daemon.instance, month)) == 1 for month in MONTHS)


def test_tables_take_turns_where_a_tick_cannot_ask_all(settled, retailer, monkeypatch):
    monkeypatch.setattr(source_sensor, "MAX_TABLES", 1)
    retailer.orders(1, {1: "somebody else"})
    products(retailer, "a")
    assert settled.tick() + settled.tick() == ["orders 2024-01", "products"]
    retailer.orders(1, {1: "yet another"})
    assert settled.tick() + settled.tick() == ["orders 2024-01"]


def test_a_tick_ends_in_time(settled, retailer, monkeypatch):
    retailer.orders(1, {1: "somebody else"})
    with monkeypatch.context() as patch:
        patch.setattr(source_sensor, "TICK_SECONDS", -1)
        assert settled.tick() == []
    assert settled.tick() == ["orders 2024-01"]


@pytest.mark.parametrize("events", range(5))
@pytest.mark.parametrize("restarted", [True, False])
def test_a_daemon_that_dies_before_it_keeps_the_cursor_reports_what_is_left(
    settled, retailer, instance, events, restarted
):
    """Whether the process that remembers survives or not."""
    retailer.orders(2, {1: "somebody else"})
    products(retailer, "a")
    settled.tick(killed_after=events)
    if restarted:
        settled.restart()
    settled.tick()
    assert settled.tick() == []
    for table, partition in (("orders", "2024-02"), ("products", None)):
        versions = history(instance, partition, table)
        assert len(versions) == len(set(versions)) == 2


@pytest.mark.parametrize(
    "cursor", [None, "", "rubbish", "[]", '{"tick": "x"}', '{"tick": 1, "after": "zzz"}']
)
def test_without_its_cursor_it_knows_from_the_event_log(settled, retailer, cursor):
    settled.cursor = cursor
    assert settled.tick() == []
    retailer.orders(2, {1: "somebody else"})
    settled.cursor = cursor
    assert settled.tick() == ["orders 2024-02"]


def test_a_dry_run_takes_nothing_away(settled, retailer):
    retailer.orders(2, {1: "somebody else"})
    assert settled.evaluate().asset_events
    assert settled.tick() == ["orders 2024-02"]


def test_what_etl_reported_itself_is_not_reported_again(settled, retailer, instance):
    retailer.orders(2, {1: "somebody else"})
    version = settled.resolver.pieces("orders")["2024-02"].version
    for kind in (dg.AssetMaterialization, dg.AssetObservation):
        event = kind(table_key("shop", "orders"), partition="2024-02", tags={DATA_VERSION_TAG: version})
        instance.report_runless_asset_event(event)
    assert settled.tick() == []


def test_of_what_etl_reported_in_part_the_rest_is_reported(settled, retailer, instance):
    retailer.orders(2, {1: "somebody else"})
    version = settled.resolver.pieces("orders")["2024-02"].version
    event = dg.AssetMaterialization(
        table_key("shop", "orders"), partition="2024-02", tags={DATA_VERSION_TAG: version}
    )
    instance.report_runless_asset_event(event)
    assert [type(each) for each in settled.evaluate().asset_events] == [dg.AssetObservation]


def test_a_table_by_period_that_is_read_whole_is_reported_whole(retailer, instance):
    text = MONTHLY.replace("  partitions: {period: month, start: 2024-02}\n", "")
    retailer.write("monthly", text)
    (retailer.root / "definitions" / "datasets" / "nesting.yaml").unlink()
    daemon = Daemon(retailer, instance)
    assert sorted(daemon.tick()) == ["orders", "products"]
    retailer.orders(2, {1: "somebody else"})
    assert daemon.tick() == ["orders"]


def test_the_code_location_has_the_sensor_and_it_runs(retailer):
    sensor = retailer.definitions().get_repository_def().get_sensor_def("sources")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 30


def test_a_target_that_cannot_be_read_has_no_sources(retailer, instance):
    (retailer.root / "target.yaml").write_text("target: {")
    assert Daemon(retailer, instance).tick() == []
