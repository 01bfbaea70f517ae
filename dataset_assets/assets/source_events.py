"""Create Dagster events about source tables, and read which versions earlier events have reported."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_IS_USER_PROVIDED_TAG, DATA_VERSION_TAG

from dataset_assets.assets.asset_graph import Table
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TableState

SourceEvent = dg.AssetMaterialization | dg.AssetObservation

EVENT_TYPES: Mapping[type[SourceEvent], dg.DagsterEventType] = {
    dg.AssetMaterialization: dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.AssetObservation: dg.DagsterEventType.ASSET_OBSERVATION,
}
"""Event class → event type, in the order in which a change is reported.

The sensor `refresh` looks at what reads a table once the table is materialized. An observation is what runs
record as the version that they read. The order matters to a project's own automation conditions: Dagster
compares a partition's new materialization with the last event of either kind before it, so that in the
opposite order an evaluation between the two would miss the change.
"""


def source_event(
    event_class: type[SourceEvent], table: Table, period: Period | None, state: TableState
) -> SourceEvent:
    """Return the event that reports the state of a table's Period, or of the whole table if that is None."""
    return event_class(
        asset_key=table.key,
        partition=period.key if period else None,
        tags={DATA_VERSION_TAG: state.version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"},
        metadata=_metadata(table, period, state),
    )


def reported_versions(
    instance: dg.DagsterInstance, event_class: type[SourceEvent], table: Table
) -> Mapping[str | None, str]:
    """Return the version of the latest event of this class by partition key (None without partitions).

    The versions are read from the same place as Dagster's automation reads them, so an event that
    was stored only in part counts as not reported.
    """
    if table.partitioning:
        storage = instance.event_log_storage
        tags = storage.get_latest_tags_by_partition(table.key, EVENT_TYPES[event_class], [DATA_VERSION_TAG])
        return {partition: values[DATA_VERSION_TAG] for partition, values in tags.items()}
    entry = _latest_event(instance, event_class, table.key)
    version = (entry.tags or {}).get(DATA_VERSION_TAG) if entry else None
    return {None: version} if version else {}


def _latest_event(
    instance: dg.DagsterInstance, event_class: type[SourceEvent], key: dg.AssetKey
) -> dg.EventLogEntry | None:
    if event_class is dg.AssetMaterialization:
        return instance.get_latest_materialization_event(key)
    records = instance.fetch_observations(key, limit=1).records
    return records[0].event_log_entry if records else None


def _metadata(table: Table, period: Period | None, state: TableState) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resolver": table.resolver}
    if period:
        metadata["period"] = period.id
    if state.row_count is not None:
        metadata["dagster/partition_row_count" if period else "dagster/row_count"] = state.row_count
    if state.modified_at:
        metadata["modified_at"] = dg.MetadataValue.timestamp(state.modified_at)
    return metadata
