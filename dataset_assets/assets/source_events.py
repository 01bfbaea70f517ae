"""What Dagster is told of a source, and what it was told last."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_IS_USER_PROVIDED_TAG, DATA_VERSION_TAG

from dataset_assets.assets.asset_graph import Table
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TableState

Report = dg.AssetMaterialization | dg.AssetObservation

KINDS: Mapping[type[Report], dg.DagsterEventType] = {
    dg.AssetMaterialization: dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.AssetObservation: dg.DagsterEventType.ASSET_OBSERVATION,
}
"""In the order in which a change is reported: a materialization makes Dagster refresh what reads the table,
an observation is what runs note as the version that they read.

The other order loses changes. Of a partition, Dagster compares a new materialization with the last event of
either kind before it: where its automation looks between the two, the observation has the version already.
"""


def report(kind: type[Report], table: Table, period: Period | None, state: TableState) -> Report:
    """The event of one piece of a table; `period` is None for a table in one piece."""
    return kind(
        asset_key=table.key,
        partition=period.key if period else None,
        tags={DATA_VERSION_TAG: state.version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"},
        metadata=_metadata(table, period, state),
    )


def reported(instance: dg.DagsterInstance, kind: type[Report], table: Table) -> Mapping[str | None, str]:
    """The version that the latest event of this kind tells, by partition; the key is None without partitions.

    It reads what Dagster's automation reads: an event that only half arrived was not told.
    """
    key = table.key
    if table.partitioning:
        storage = instance.event_log_storage
        tags = storage.get_latest_tags_by_partition(key, KINDS[kind], [DATA_VERSION_TAG])
        return {partition: found[DATA_VERSION_TAG] for partition, found in tags.items()}
    entry = _latest(instance, kind, key)
    version = (entry.tags or {}).get(DATA_VERSION_TAG) if entry else None
    return {None: version} if version else {}


def _latest(instance: dg.DagsterInstance, kind: type[Report], key: dg.AssetKey) -> dg.EventLogEntry | None:
    if kind is dg.AssetMaterialization:
        return instance.get_latest_materialization_event(key)
    records = instance.fetch_observations(key, limit=1).records
    return records[0].event_log_entry if records else None


def _metadata(table: Table, period: Period | None, state: TableState) -> dict[str, Any]:
    found: dict[str, Any] = {"resolver": table.resolver}
    if period:
        found["period"] = period.id
    if state.row_count is not None:
        found["dagster/partition_row_count" if period else "dagster/row_count"] = state.row_count
    if state.modified_at:
        found["modified_at"] = dg.MetadataValue.timestamp(state.modified_at)
    return found
