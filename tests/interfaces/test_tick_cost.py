"""The cost of the sensors on BigQuery: a tick before which nothing changed runs no query that is billed."""

from collections.abc import Generator
from datetime import UTC, datetime

import dagster as dg
import pytest

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets import source_sensor
from dataset_assets.assets.refresh_sensor import Refresher
from tests.assets.sensor_process import graph
from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run_ok

NOW = datetime(2017, 5, 4, tzinfo=UTC)
REFRESH = "  refresh: {on: upstream}\n"


class Ticks:
    """The two sensors of a code location, ticked by hand."""

    def __init__(self, cloud: Cloud, instance: dg.DagsterInstance) -> None:
        self.cloud, self.instance = cloud, instance
        found = graph(Settings.from_env())
        self.sources = source_sensor.sources(found)
        self.refresher = Refresher(found, lambda: NOW)
        self.polled: str | None = None
        self.looked: str | None = None

    def poll(self) -> list[str]:
        """Tick the sensor `sources`, and return the steps of the billed jobs."""
        self.cloud.proxy.requests.clear()
        context = dg.build_sensor_context(self.instance, cursor=self.polled)
        found = self.sources.evaluate_tick(context)
        for event in found.asset_events:
            self.instance.report_runless_asset_event(event)
        self.polled = found.cursor
        return self.cloud.billed()

    def look(self) -> tuple[list[str], int]:
        """Tick the sensor `refresh`; return the steps of the billed jobs, and the number of runs."""
        self.cloud.proxy.requests.clear()
        found = self.refresher.tick(dg.build_sensor_context(self.instance, cursor=self.looked))
        self.looked = found.cursor
        return self.cloud.billed(), len(found.run_requests or ())


@pytest.fixture
def ticks(cloud: Cloud) -> Generator[Ticks]:
    for stem in ("profiles", "sales"):
        path = cloud.root / "definitions" / "datasets" / f"{stem}.yaml"
        path.write_text(path.read_text() + REFRESH)
    run_ok("materialize", "profiles")
    for month in ("2017-02", "2017-03", "2017-04"):
        run_ok("materialize", "sales", "--partition", month)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticks(cloud, instance)


def test_ticks_are_billed_for_the_ledger_only_if_it_changed(ticks: Ticks):
    while ticks.poll():
        pass
    first, requested = ticks.look()
    assert (len(first), requested) == (2, 0), "the marks and the records of all datasets, one query each"
    for _ in range(3):
        assert ticks.look() == ([], 0)
        assert ticks.poll() == []
    ticks.cloud.put("households", "SELECT 1 AS household_id, 'x' AS income, 'Ulm' AS town")
    assert ticks.poll() == []
    assert ticks.look() == (["read"], 1), "the records of what reads the changed table, by one query"
    run_ok("materialize", "profiles")
    again, _ = ticks.look()
    assert len(again) == 3, "the marks, the records of what was published, and of what reads it"
    assert ticks.look()[0] == []
