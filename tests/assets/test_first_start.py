"""The first start of Dagster after a backfill by command does not publish again what is up to date."""

from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from dataset_assets.assets import automation, source_event_writer, source_sensor
from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.assets.source_states import SourceStates
from tests.assets.automation_fixtures import Piece
from tests.assets.retailer import BRANDS, MONTHLY, NESTING, NOW, Retailer
from tests.assets.source_sensor_process import graph
from tests.interfaces.running import run_ok

if TYPE_CHECKING:
    from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor

UPSTREAM = "  refresh: {on: upstream}\n"
MONTHS = ["2024-04", "2024-05"]
RANGE = ("--from", MONTHS[0], "--to", MONTHS[-1])


class Started:
    """Dagster's two sensors over one instance, ticked by hand in an order of choice."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        self.retailer, self.instance = retailer, instance
        self.cursor: str | None = None
        self.looked: AssetDaemonCursor | None = None
        self.start()

    def start(self) -> None:
        """The code location is loaded."""
        self.definitions = self.retailer.definitions()
        self.sources = source_sensor.sources(graph(self.retailer.settings))

    def poll(self) -> list[tuple[str, str | None]]:
        """What the sensor `sources` reports."""
        found = self.sources.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        for event in found.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursor = found.cursor
        return [(each.asset_key.path[-1], each.partition) for each in found.asset_events]

    def look(self) -> set[Piece]:
        """What the sensor `refresh` requests."""
        selection = automation.sensor().asset_selection
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, selection, NOW, self.looked
        )
        self.looked = result.cursor
        return {
            (each.key.path[-1], key)
            for each in result.results
            for key in result.get_requested_partitions(each.key)
        }

    def all_requested(self, order: str) -> set[Piece]:
        """What the first ticks request, in this order of (p)olls and (l)ooks."""
        steps = {"p": self.poll, "l": self.look}
        found = [steps[step]() for step in order]
        return set().union(*(each for step, each in zip(order, found, strict=True) if step == "l"))


ORDERS = pytest.mark.parametrize("order", ["lplpl", "plplpl"])
"""Which of the sensors is the first, nothing tells."""


@pytest.fixture
def shop(retailer, home, monkeypatch) -> Retailer:  # noqa: ARG001 - the home is used by what runs
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.settings.definitions))
    for stem, text in (("monthly", MONTHLY), ("brands", BRANDS), ("nesting", NESTING)):
        retailer.write(stem, text + UPSTREAM)
    return retailer


def backfill(*stems: str) -> None:
    for stem in stems or ("monthly", "nesting"):
        run_ok("backfill", stem, *(RANGE if stem != "brands" else ()))


@ORDERS
def test_what_is_up_to_date_is_not_made_again(shop, order):
    backfill()
    with dg.DagsterInstance.get() as instance:
        assert Started(shop, instance).all_requested(order) == set()


@ORDERS
def test_what_changed_between_the_backfill_and_the_start_is_made_again(shop, order):
    backfill()
    shop.orders(4, {1: "somebody else"})
    with dg.DagsterInstance.get() as instance:
        found = Started(shop, instance).all_requested(order)
    assert found == {("monthly", "2024-04"), ("monthly", "2024-05"), ("nesting", "2024-04")}


def test_what_changes_after_the_start_is_made_again(shop):
    backfill()
    with dg.DagsterInstance.get() as instance:
        started = Started(shop, instance)
        started.all_requested("plplpl")
        shop.orders(5, {1: "somebody else"})
        assert started.all_requested("pl") == {("monthly", "2024-05"), ("nesting", "2024-05")}


def test_of_two_backfills_the_first_one_is_made_again_where_sources_changed_between(shop):
    backfill("monthly")
    shop.orders(4, {1: "somebody else"})
    backfill("nesting")
    with dg.DagsterInstance.get() as instance:
        found = Started(shop, instance).all_requested("plplpl")
    assert {("monthly", "2024-04"), ("monthly", "2024-05")} <= found
    assert found <= {("monthly", "2024-04"), ("monthly", "2024-05"), ("nesting", "2024-04")}


def test_a_nested_dataset_that_was_published_anew_leaves_its_readers_in_doubt(shop):
    backfill()
    shop.brands("a", "b", "c")
    run_ok("materialize", "brands")
    with dg.DagsterInstance.get() as instance:
        found = Started(shop, instance).all_requested("plplpl")
    assert ("nesting", "2024-05") in found


def test_a_dataset_that_begins_to_refresh_later_is_looked_at_whole(shop):
    """Sources may have changed since its publications, and been reported before it asked."""
    shop.write("monthly", MONTHLY)
    backfill("monthly")
    with dg.DagsterInstance.get() as instance:
        started = Started(shop, instance)
        started.all_requested("lplplp")
        shop.orders(4, {1: "somebody else"})
        started.poll()
        shop.write("monthly", MONTHLY + UPSTREAM)
        started.start()
        assert {("monthly", month) for month in MONTHS} <= started.look()


def test_a_command_tells_of_sources_that_dagster_knows_nothing_of(shop):
    backfill("monthly")
    with dg.DagsterInstance.get() as instance:
        storage, kind = instance.event_log_storage, dg.DagsterEventType.ASSET_OBSERVATION
        first = storage.get_latest_tags_by_partition(table_key("shop", "orders"), kind, [DATA_VERSION_TAG])
        shop.orders(4, {1: "somebody else"})
        backfill("monthly")
        again = storage.get_latest_tags_by_partition(table_key("shop", "orders"), kind, [DATA_VERSION_TAG])
        assert set(first) >= set(MONTHS)
        assert again == first, "the sensor is to find the change"
        assert instance.get_materialized_partitions(table_key("shop", "orders")) == set()
        assert instance.get_materialized_partitions(dataset_key("monthly")) == set(MONTHS)


@pytest.mark.usefixtures("shop")
def test_a_source_that_cannot_be_asked_keeps_nobody_from_publishing(monkeypatch):
    def unreadable(*_: object) -> SourceStates:
        return SourceStates(problem="no route to host")

    monkeypatch.setattr(source_event_writer, "read_source_states", unreadable)
    backfill("monthly")
    with dg.DagsterInstance.get() as instance:
        assert instance.get_materialized_partitions(dataset_key("monthly")) == set(MONTHS)
