"""Build the Dagster definitions of a code location, or of a part of one, from dataset files and a target."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import dagster as dg

from dataset_assets.adapters.alerts.webhook import alert_sinks
from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets import (
    cleanup_sensor,
    failure_alerts,
    refresh_sensor,
    retention_sensor,
    source_sensor,
)
from dataset_assets.assets.asset_definitions import assets
from dataset_assets.assets.asset_graph import Graph, InvalidDataset
from dataset_assets.assets.definition_tests_job import definition_tests_job
from dataset_assets.assets.executor import executor
from dataset_assets.assets.project_jobs import project_jobs
from dataset_assets.assets.row_jobs import row_jobs
from dataset_assets.assets.target_resource import RESOURCE, TargetBinding, TargetResource
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import Fault
from dataset_assets.lifecycle.retention import published_stems
from dataset_assets.ports.alerts import AlertSink

_VALIDATING = "DAGSTER_IS_DEFS_VALIDATION_CLI"
"""Environment variable that `dg check defs` and `dagster definitions validate` set."""


@dataclass(frozen=True)
class CodeLocationSettings:
    """Settings of a code location: where datasets are read and published, and where failures are reported.

    `part` is the name of a part of a code location that has several; it becomes a suffix of the names of
    sensors and resource. `upstream_assets` maps tables that other assets of the code location write to the
    keys of those assets. `webserver` is the address of Dagster's pages, `pages` that of the datasets' pages.
    """

    resource: TargetResource
    sinks: Sequence[AlertSink] = ()
    webserver: str = ""
    part: str = ""
    upstream_assets: Mapping[str, dg.AssetKey] = field(default_factory=dict)
    pages: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the settings that the environment gives."""
        resource = TargetResource(name=settings.target, locked=settings.locked, project=str(settings.project))
        return cls(resource, alert_sinks(settings.alert_webhook), settings.webserver, pages=settings.pages)

    def unique_name(self, name: str) -> str:
        """Return the name of a sensor or resource, with the part as suffix: unique in the code location."""
        return f"{name}__{self.part}" if self.part else name

    def graph(self, catalog: Catalog, now: datetime) -> Graph:
        """Return the asset graph of a catalog. `now` decides which Periods are complete."""
        key = self.unique_name(RESOURCE)
        binding = TargetBinding.of(self.resource, catalog.calendars, key, self.upstream_assets)
        return Graph(catalog, binding, now, self.pages)


def code_location(settings: Settings, now: datetime) -> dg.Definitions:
    """Return the definitions of a project. `now` decides which Periods are complete."""
    definitions = folder_definitions(settings.definitions, CodeLocationSettings.from_settings(settings), now)
    return dg.Definitions.merge(definitions, dg.Definitions(executor=executor))


@garbage_collection_paused(freeze=True)
def folder_definitions(folder: Path, location: CodeLocationSettings, now: datetime) -> dg.Definitions:
    """Return the definitions of all files in a definitions folder, without an executor."""
    graph = location.graph(load_catalog(folder), now)
    exit_if_validating(graph)
    return graph_definitions(graph, location)


def graph_definitions(graph: Graph, location: CodeLocationSettings) -> dg.Definitions:
    """Return the assets of a graph, the jobs, and the sensors."""
    return dg.Definitions(
        assets=list(assets(graph)),
        jobs=[
            *project_jobs(graph),
            *row_jobs(graph, location.unique_name),
            definition_tests_job(graph, location.unique_name),
        ],
        sensors=list(_sensors(graph, location)),
        resources={graph.binding.key: location.resource},
    )


def exit_if_validating(graph: Graph, others: Callable[[], Iterable[Graph]] = tuple) -> None:
    """Exit with all faults if a command of Dagster validates definitions; otherwise assets fail with them.

    SystemExit is raised because these commands print any other exception with its traceback. `others` returns
    the graphs of the same code location, whose faults are printed too.
    """
    if os.environ.get(_VALIDATING) and any(_faults(graph)):
        faults = (fault for each in (graph, *others()) for fault in _faults(each))
        raise SystemExit("\n".join(dict.fromkeys(map(str, faults))))


def _faults(graph: Graph) -> Iterator[Fault]:
    for each in graph.datasets.values():
        if isinstance(each, InvalidDataset):
            yield from each.faults
    yield from graph.catalog.faults


def _sensors(graph: Graph, location: CodeLocationSettings) -> Iterator[dg.SensorDefinition]:
    yield source_sensor.sources(graph, name=location.unique_name(source_sensor.SENSOR))
    yield refresh_sensor.refresh_sensor(graph, name=location.unique_name(refresh_sensor.SENSOR))
    yield cleanup_sensor.cleanup_sensor(graph.binding, name=location.unique_name(cleanup_sensor.SENSOR))
    if graph.binding.target and graph.binding.target.warehouse.retention:
        name = location.unique_name(retention_sensor.SENSOR)
        yield retention_sensor.retention_sensor(graph.binding, published_stems(graph.catalog), name=name)
    yield failure_alerts.failure_sensor(
        graph.catalog,
        location.sinks,
        location.webserver,
        name=location.unique_name(failure_alerts.SENSOR),
        only_datasets=bool(location.part),
    )
