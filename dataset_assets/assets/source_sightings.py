"""What a command tells Dagster of the sources of its publications, before it reads them.

It tells only of what Dagster knows nothing of, and so that it differs from what the sensor `sources` reports:
an observation alone of a Period's piece, a materialization by a run with a tag of its own of a table in one
piece, since Dagster compares those with materializations alone. So at its first look Dagster takes for up to
date what was made of tables that are as the first command found them. Whatever differs from that is a change.
"""

from datetime import UTC, datetime
from functools import cached_property

import dagster as dg
from dagster._core.events import StepMaterializationData

from dataset_assets.assets import source_sensor as polling
from dataset_assets.assets.asset_graph import Graph, Table, ValidDataset
from dataset_assets.assets.asset_keys import OBSERVER_TAG
from dataset_assets.assets.source_events import KINDS, Report, report, reported
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.ports.resolver import TableState
from dataset_assets.ports.target import Target

JOB = "__sources_of_a_command"
"""What the run is called that tells of tables in one piece."""


class Sighting:
    """Observes each table once, when the first dataset that reads it is about to be published."""

    def __init__(self, instance: dg.DagsterInstance, catalog: Catalog, target: Target) -> None:
        self._instance = instance
        self._now = datetime.now(UTC)
        self._graph = Graph(catalog, TargetBinding(target), self._now)
        self._asked: set[tuple[str, str]] = set()

    def observe(self, stem: str) -> None:
        """Tells of a dataset's tables. What cannot be asked stays unknown: its first report is a change."""
        sound = self._graph.datasets.get(stem)
        for key in dict.fromkeys(sound.tables()) if isinstance(sound, ValidDataset) else ():
            if key not in self._asked:
                self._asked.add(key)
                self._observe(self._graph.tables[key])

    def _observe(self, table: Table) -> None:
        known = set[str | None]().union(*(reported(self._instance, kind, table) for kind in KINDS))
        answer = polling.ask(self._graph.binding.target, table)
        for partition, (period, state) in polling.pieces_of(table, answer, self._now).items():
            if not state.version or partition in known:
                continue
            if table.partitioning:
                self._instance.report_runless_asset_event(report(dg.AssetObservation, table, period, state))
            else:
                self._by_run(report(dg.AssetMaterialization, table, period, state))

    def _by_run(self, told: Report) -> None:
        data = StepMaterializationData(told) if isinstance(told, dg.AssetMaterialization) else None
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION.value
        event = dg.DagsterEvent(kind, self._run.job_name, event_specific_data=data)
        self._instance.report_dagster_event(event, self._run.run_id)

    @cached_property
    def _run(self) -> dg.DagsterRun:
        """A run that is over: what a condition can ask of an event is the tags of its run."""
        status, tags = dg.DagsterRunStatus.SUCCESS, {OBSERVER_TAG: "command"}
        return self._instance.run_storage.add_run(dg.DagsterRun(JOB, status=status, tags=tags))

    def doubt(self, stem: str) -> None:
        """Has all readers of a dataset whose rows changed looked at: their tables count as reported."""
        for sound in self._graph.datasets.values():
            if isinstance(sound, ValidDataset) and stem in self._nested(sound):
                for key in dict.fromkeys(sound.tables()):
                    self._report(self._graph.tables[key])

    def _nested(self, sound: ValidDataset) -> set[str]:
        found = (self._graph.catalog.find(id_) for id_ in sound.dataset.nested_ids())
        return {entry.stem for entry in found if entry}

    def _report(self, table: Table) -> None:
        """As the sensor does, with the version that is known."""
        materialized, observed = (reported(self._instance, kind, table) for kind in KINDS)
        for partition, version in {**observed, **materialized}.items():
            cadence = table.partitioning.cadence if table.partitioning else None
            period = cadence.from_key(partition) if cadence and partition else None
            event = report(dg.AssetMaterialization, table, period, TableState(version, None, None))
            self._instance.report_runless_asset_event(event)
