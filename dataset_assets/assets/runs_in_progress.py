"""Read from Dagster which publications runs are making now."""

from collections.abc import Iterable

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.asset_keys import published_key
from dataset_assets.errors import PeriodError
from dataset_assets.staleness.refresh_requests import InProgress

_UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (*FINISHED_STATUSES, dg.DagsterRunStatus.NOT_STARTED)
]
"""A run that was created and not submitted yet is left out: Dagster's daemon submits it when it is requested
again, which happens if the daemon was killed in between."""
_BACKFILLS = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]

_Pieces = frozenset[tuple[dg.AssetKey, str | None]]


class RunsInProgress:
    """The runs of the datasets and outputs of a graph that have not ended. What a run makes is read once."""

    def __init__(self, graph: Graph) -> None:
        valid = {stem: each for stem, each in graph.datasets.items() if isinstance(each, ValidDataset)}
        outputs = {each.stem: each.dataset for each in graph.catalog.outputs.values()}
        read = {**{stem: stem for stem in valid}, **outputs}
        self._published = {
            published_key(graph.catalog, stem): (stem, valid[dataset])
            for stem, dataset in read.items()
            if dataset in valid
        }
        self._planned: dict[str, _Pieces] = {}

    def read(self, instance: dg.DagsterInstance) -> InProgress:
        """Return the publications that are in progress, and the datasets of unfinished backfills."""
        runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        self._planned = {
            run.run_id: self._planned.get(run.run_id) or _planned(instance, run.run_id) for run in runs
        }
        backfills = instance.get_backfills(BulkActionsFilter(statuses=_BACKFILLS))
        keys = {key for backfill in backfills for key in backfill.asset_selection or ()}
        return self._in_progress({piece for planned in self._planned.values() for piece in planned}, keys)

    def _in_progress(
        self, pieces: Iterable[tuple[dg.AssetKey, str | None]], backfilled: Iterable[dg.AssetKey]
    ) -> InProgress:
        periods: dict[str, set[str | None]] = {}
        whole = {self._published[key][0] for key in backfilled if key in self._published}
        for key, partition in pieces:
            if key not in self._published:
                continue
            stem, dataset = self._published[key]
            try:
                period = _period_id(dataset, partition)
            except PeriodError:
                whole.add(stem)
            else:
                periods.setdefault(stem, set()).add(period)
        return InProgress(periods, frozenset(whole))


def _period_id(valid: ValidDataset, partition: str | None) -> str | None:
    """Return the id of a partition's Period; None for all of a dataset. Raises PeriodError."""
    if valid.partitioning is None or partition is None:
        return None
    return valid.partitioning.cadence.from_key(partition).id


def _planned(instance: dg.DagsterInstance, run_id: str) -> _Pieces:
    """Return the partitions of assets that a run is going to materialize, as it said when it was created."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    found: set[tuple[dg.AssetKey, str | None]] = set()
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        event = record.event_log_entry.dagster_event
        data = event.asset_materialization_planned_data if event else None
        if data:
            subset = data.partitions_subset
            keys = subset.get_partition_keys() if subset is not None else [data.partition]
            found |= {(data.asset_key, key) for key in keys}
    return frozenset(found)
