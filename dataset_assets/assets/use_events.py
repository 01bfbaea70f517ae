"""Report uses of published datasets to Dagster: one observation of the dataset's asset for each use."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from dataset_assets.assets.asset_keys import published_key
from dataset_assets.assets.event_log import open_instance
from dataset_assets.assets.metadata_values import metadata_value
from dataset_assets.assets.partitions import partition_key
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.ports.uses import Use
from dataset_assets.ports.warehouse import Record


def write_uses(catalog: Catalog, target: Target, uses: Sequence[Use], folder: Path | None = None) -> None:
    """Write an observation for each use of one dataset, to the instance that `open_instance` opens.

    Raises ContractError if the instance cannot be opened.
    """
    instance = open_instance(folder)
    for use, record in zip(uses, _records(target, uses), strict=True):
        partition = partition_key(catalog, use.dataset, use.period)
        key = published_key(catalog, use.dataset)
        instance.report_runless_asset_event(use_observation(key, use, record, partition))


def use_observation(key: dg.AssetKey, use: Use, record: Record, partition: str | None) -> dg.AssetObservation:
    """Return the observation of a use: what was used, in which version and configuration, and when."""
    metadata = {
        "training_run": use.training_run,
        "used_at": dg.MetadataValue.timestamp(use.used_at),
        "used_by": use.used_by or "",
        "version_number": use.version_number,
        "table_version": use.table_version,
        "digest": use.digest,
        "rows": use.actual_row_count,
        "configuration": metadata_value(dict(record.get("definition", {}))),
    }
    counts = {"users": use.actual_unique_users, "products": use.actual_unique_products}
    return dg.AssetObservation(
        asset_key=key,
        partition=partition,
        description=f"used by training run {use.training_run}",
        metadata=metadata | {name: count for name, count in counts.items() if count is not None},
    )


def _records(target: Target, uses: Sequence[Use]) -> list[Record]:
    with target.engine.connect(JobContext(uses[0].dataset)) as session:
        found = [
            target.warehouse.recorded(use.dataset, [use.period], use.table_version, session) for use in uses
        ]
    return [each[0].record if each else {} for each in found]
