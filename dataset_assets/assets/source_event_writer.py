"""Write Dagster events about the sources of datasets that a command publishes outside of a Dagster run.

An event is written only for a partition without a version in Dagster. It differs from the events
of the sensor `sources`: a Period is reported by an observation alone. A table that is not stored by Period
is reported by a materialization in a run with the tag OBSERVER_TAG, because Dagster compares such tables
with materializations alone. So when Dagster's automation first evaluates a publication, the publication
counts as up to date if its sources are still as the first command read them. Every other version counts as
a change.
"""

from datetime import UTC, datetime
from functools import cached_property

import dagster as dg
from dagster._core.events import StepMaterializationData

from dataset_assets.assets.asset_graph import Graph, Table, ValidDataset
from dataset_assets.assets.asset_keys import OBSERVER_TAG
from dataset_assets.assets.source_events import EVENT_TYPES, SourceEvent, reported_versions, source_event
from dataset_assets.assets.source_states import read_source_states, states_by_partition
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.ports.resolver import TableState
from dataset_assets.ports.target import Target

JOB = "__sources_of_a_command"
"""Job name of the run that reports tables which are not stored by Period."""


class SourceEventWriter:
    """Writes the states of each table once, before the first dataset that reads the table is published."""

    def __init__(self, instance: dg.DagsterInstance, catalog: Catalog, target: Target) -> None:
        self._instance = instance
        self._now = datetime.now(UTC)
        self._graph = Graph(catalog, TargetBinding(target), self._now)
        self._observed: set[tuple[str, str]] = set()

    def observe_sources(self, stem: str) -> None:
        """Write the states of a dataset's tables.

        A table whose state cannot be read is skipped; its first report by the sensor counts as a change.
        """
        valid = self._graph.datasets.get(stem)
        for key in dict.fromkeys(valid.tables()) if isinstance(valid, ValidDataset) else ():
            if key not in self._observed:
                self._observed.add(key)
                self._observe(self._graph.tables[key])

    def _observe(self, table: Table) -> None:
        reported = set[str | None]().union(
            *(reported_versions(self._instance, event_class, table) for event_class in EVENT_TYPES)
        )
        states = read_source_states(self._graph.binding.target, table)
        for partition, (period, state) in states_by_partition(table, states, self._now).items():
            if not state.version or partition in reported:
                continue
            if table.partitioning:
                event = source_event(dg.AssetObservation, table, period, state)
                self._instance.report_runless_asset_event(event)
            else:
                self._write_in_run(source_event(dg.AssetMaterialization, table, period, state))

    def _write_in_run(self, event: SourceEvent) -> None:
        data = StepMaterializationData(event) if isinstance(event, dg.AssetMaterialization) else None
        event_type = dg.DagsterEventType.ASSET_MATERIALIZATION.value
        dagster_event = dg.DagsterEvent(event_type, self._run.job_name, event_specific_data=data)
        self._instance.report_dagster_event(dagster_event, self._run.run_id)

    @cached_property
    def _run(self) -> dg.DagsterRun:
        """A finished run that exists for its tags: automation conditions filter events by run tags."""
        status, tags = dg.DagsterRunStatus.SUCCESS, {OBSERVER_TAG: "command"}
        return self._instance.run_storage.add_run(dg.DagsterRun(JOB, status=status, tags=tags))

    def mark_readers_outdated(self, stem: str) -> None:
        """Have Dagster evaluate all datasets that read this one, whose rows have changed.

        Their tables are reported as the sensor `sources` does it, with the version that is already known.
        """
        for valid in self._graph.datasets.values():
            if isinstance(valid, ValidDataset) and stem in self._nested_stems(valid):
                for key in dict.fromkeys(valid.tables()):
                    self._report_known_versions(self._graph.tables[key])

    def _nested_stems(self, valid: ValidDataset) -> set[str]:
        entries = (self._graph.catalog.find(id_) for id_ in valid.dataset.nested_ids())
        return {entry.stem for entry in entries if entry}

    def _report_known_versions(self, table: Table) -> None:
        materialized, observed = (
            reported_versions(self._instance, event_class, table) for event_class in EVENT_TYPES
        )
        for partition, version in {**observed, **materialized}.items():
            cadence = table.partitioning.cadence if table.partitioning else None
            period = cadence.from_key(partition) if cadence and partition else None
            event = source_event(dg.AssetMaterialization, table, period, TableState(version, None, None))
            self._instance.report_runless_asset_event(event)
