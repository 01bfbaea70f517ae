"""Files and a target put together: the definitions of a code location, or of a part of one."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import dagster as dg

from dataset_assets.adapters.alerts.webhook import sinks
from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets import (
    automation,
)
from dataset_assets.assets import (
    cleanup_sensor as janitor,
)
from dataset_assets.assets import (
    failure_alerts as alerts,
)
from dataset_assets.assets import (
    source_sensor as polling,
)
from dataset_assets.assets.asset_graph import Graph, InvalidDataset
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.executor import executor
from dataset_assets.assets.factory import assets
from dataset_assets.assets.project_jobs import project_jobs
from dataset_assets.assets.target_resource import RESOURCE, TargetBinding, TargetResource
from dataset_assets.catalog.catalog import Catalog, load_catalog
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.errors import Fault
from dataset_assets.ports.alerts import AlertSink

_VALIDATING = "DAGSTER_IS_DEFS_VALIDATION_CLI"
"""Set by `dg check defs` and `dagster definitions validate`."""


@dataclass(frozen=True)
class CodeLocationSettings:
    """Where datasets are read and published, and who hears of failures.

    `part`: the name of a part of a code location that has others; its sensors and its resource are called
    after it. `made_here`: tables that other assets of the code location make, by name.
    """

    resource: TargetResource
    sinks: Sequence[AlertSink] = ()
    webserver: str = ""
    part: str = ""
    made_here: Mapping[str, dg.AssetKey] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return those of a target, and of who hears of failures."""
        resource = TargetResource(name=settings.target, locked=settings.locked, project=str(settings.project))
        return cls(resource, sinks(settings.alert_webhook), settings.webserver)

    def called(self, name: str) -> str:
        """A name that is the only one of its kind in the code location."""
        return f"{name}__{self.part}" if self.part else name

    def graph(self, catalog: Catalog, now: datetime) -> Graph:
        """What there is; `now` decides which Periods are complete."""
        key = self.called(RESOURCE)
        return Graph(catalog, TargetBinding.of(self.resource, catalog.calendars, key, self.made_here), now)


def code_location(settings: Settings, now: datetime) -> dg.Definitions:
    """Return the definitions of a project. `now` decides which Periods are complete."""
    found = location(settings.definitions, CodeLocationSettings.from_settings(settings), now)
    return dg.Definitions.merge(found, dg.Definitions(executor=executor))


@garbage_collection_paused(freeze=True)
def location(folder: Path, around: CodeLocationSettings, now: datetime) -> dg.Definitions:
    """All of a definitions folder over one target."""
    graph = around.graph(load_catalog(folder), now)
    tell_when_validated(graph)
    return definitions(graph, around)


def definitions(graph: Graph, around: CodeLocationSettings) -> dg.Definitions:
    """Assets, a job for each Project, and the sensors that watch over them."""
    return dg.Definitions(
        assets=list(assets(graph)),
        jobs=list(project_jobs(graph)),
        sensors=list(_sensors(graph, around)),
        resources={graph.binding.key: around.resource},
    )


def tell_when_validated(graph: Graph, others: Callable[[], Iterable[Graph]] = tuple) -> None:
    """Ends Dagster's commands that check definitions with all faults; anywhere else an asset fails with them.

    These commands print what an exception tells only with the calls that led to it. `others`: graphs of the
    same code location, whose faults are told with those of this one.
    """
    if os.environ.get(_VALIDATING) and any(_faults(graph)):
        found = (fault for each in (graph, *others()) for fault in _faults(each))
        raise SystemExit("\n".join(dict.fromkeys(map(str, found))))


def _faults(graph: Graph) -> Iterator[Fault]:
    for each in graph.datasets.values():
        if isinstance(each, InvalidDataset):
            yield from each.faults
    yield from graph.catalog.faults


def _sensors(graph: Graph, around: CodeLocationSettings) -> Iterator[dg.SensorDefinition]:
    own = dg.AssetSelection.assets(*(dataset_key(stem) for stem in graph.datasets)) if around.part else None
    yield polling.sources(graph, name=around.called(polling.SENSOR))
    yield automation.sensor(len(graph.datasets), name=around.called(automation.SENSOR), target=own)
    yield janitor.janitor(graph.binding, name=around.called(janitor.SENSOR))
    yield alerts.alerts(
        graph.catalog,
        around.sinks,
        around.webserver,
        name=around.called(alerts.SENSOR),
        only_datasets=bool(around.part),
    )
