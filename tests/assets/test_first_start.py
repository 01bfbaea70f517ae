"""The first start of Dagster after a backfill by command does not publish again what is up to date."""

import dagster as dg
import pytest

from dataset_assets.assets import source_sensor
from dataset_assets.assets.refresh_sensor import Refresher
from tests.assets.automation_fixtures import Piece
from tests.assets.retailer import BRANDS, MONTHLY, NESTING, NOW, Retailer
from tests.assets.sensor_process import graph
from tests.interfaces.running import run_ok

UPSTREAM = "  refresh: {on: upstream}\n"
MONTHS = ["2024-04", "2024-05"]
RANGE = ("--from", MONTHS[0], "--to", MONTHS[-1])


class Started:
    """Dagster's two sensors over one instance, ticked by hand in an order of choice."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        self.retailer, self.instance = retailer, instance
        self.cursor: str | None = None
        self.looked: str | None = None
        self.start()

    def start(self) -> None:
        """The code location is loaded."""
        found = graph(self.retailer.settings)
        self.sources = source_sensor.sources(found)
        self.refresher = Refresher(found, lambda: NOW)

    def poll(self) -> list[Piece]:
        """What the sensor `sources` reports."""
        found = self.sources.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        for event in found.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursor = found.cursor
        return [(each.asset_key.path[-1], each.partition) for each in found.asset_events]

    def look(self) -> set[Piece]:
        """The first and the last partition of each run that the sensor `refresh` requests."""
        result = self.refresher.tick(dg.build_sensor_context(self.instance, cursor=self.looked))
        self.looked = result.cursor
        ends = ("start", "end")
        return {
            (request.asset_selection[0].path[-1], request.tags.get(f"dagster/asset_partition_range_{end}"))
            for request in result.run_requests or ()
            if request.asset_selection
            for end in ends
        }

    def all_requested(self, order: str) -> set[Piece]:
        """What the first ticks request, in this order of (p)olls and (l)ooks."""
        steps = {"p": self.poll, "l": self.look}
        found = [steps[step]() for step in order]
        return {piece for step, each in zip(order, found, strict=True) if step == "l" for piece in each}


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
    assert found == {("monthly", "2024-04"), ("monthly", "2024-05")}


def test_a_nested_dataset_that_was_published_anew_has_its_readers_made_again(shop):
    backfill()
    shop.brands("a", "b", "c")
    run_ok("materialize", "brands")
    with dg.DagsterInstance.get() as instance:
        found = Started(shop, instance).all_requested("plplpl")
    assert found == {("nesting", "2024-05"), ("monthly", "2024-05")}, "of a lookup the latest"


def test_of_a_dataset_that_begins_to_refresh_later_only_what_changed_is_made(shop):
    shop.write("monthly", MONTHLY)
    backfill("monthly")
    with dg.DagsterInstance.get() as instance:
        started = Started(shop, instance)
        started.all_requested("lplplp")
        shop.orders(5, {1: "somebody else"})
        started.poll()
        shop.write("monthly", MONTHLY + UPSTREAM)
        started.start()
        assert {piece for piece in started.look() if piece[0] == "monthly"} == {("monthly", "2024-05")}


def test_what_is_published_without_dagster_is_known(shop, monkeypatch):
    """Nobody told Dagster of these publications. A restated month refreshes both of its windows."""
    monkeypatch.delenv("DAGSTER_HOME")
    backfill("monthly", "nesting")
    with dg.DagsterInstance.ephemeral() as instance:
        started = Started(shop, instance)
        assert started.all_requested("plplpl") == set()
        shop.orders(4, {1: "somebody else"})
        assert started.all_requested("pl") == {
            *(("monthly", month) for month in MONTHS),
            ("nesting", "2024-04"),
        }
