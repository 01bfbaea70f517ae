"""The Dagster code location: every dataset of the definitions folder is an asset, every project a job."""

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.alerts import alerts
from dataset_assets.assets.automation import sensor
from dataset_assets.assets.factory import assets
from dataset_assets.assets.janitor import janitor
from dataset_assets.assets.plan import Graph
from dataset_assets.assets.polling import sources
from dataset_assets.assets.resource import RESOURCE, Placement, TargetResource
from dataset_assets.contract.catalog import load_catalog
from dataset_assets.periods.calendar import Calendars
from dataset_assets.target import Target
from definitions.jobs import project_jobs
from resources.alerting import sinks
from resources.settings import Settings


class ConfiguredTarget(TargetResource):
    """A target by its name in `resources/targets/`, or by the path of its file."""

    def load(self, calendars: Calendars) -> Target:
        """Reads the file; engines open when they are used."""
        from resources.target import load_target  # noqa: PLC0415 - engines are imported where they are used

        return load_target(self.name, calendars)


@dg.definitions
def defs() -> dg.Definitions:
    """Reads the files anew each time a code location loads; nothing happens at import."""
    return build(Settings.from_env(), datetime.now(UTC))


@contextmanager
def _collector_paused() -> Generator[None]:
    """A thousand datasets are a million objects that stay: looking for garbage among them costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@_collector_paused()
def build(settings: Settings, now: datetime) -> dg.Definitions:
    """The definitions of one folder over one target. `now` decides which Periods are complete."""
    resource = ConfiguredTarget(name=settings.target, locked=settings.locked)
    catalog = load_catalog(settings.definitions)
    graph = Graph(catalog, Placement.of(resource, catalog.calendars), now)
    return dg.Definitions(
        assets=list(assets(graph)),
        jobs=list(project_jobs(graph)),
        sensors=list(_sensors(settings, graph)),
        resources={RESOURCE: resource},
        executor=dg.in_process_executor,
    )


def _sensors(settings: Settings, graph: Graph) -> Iterator[dg.SensorDefinition]:
    yield sources(graph)
    yield sensor()
    yield alerts(graph.catalog, sinks(settings.alert_webhook), settings.webserver)
    yield janitor(graph.placement)
