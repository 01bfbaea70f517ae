"""Report changes of rows by hand to Dagster: a materialization of the dataset's asset for each Period."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.event_log import open_instance, version_tags
from dataset_assets.assets.metadata_values import metadata_value
from dataset_assets.assets.partitions import partition_key
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.row_change_report import ChangedPeriod
from dataset_assets.ports.warehouse import Record


def write_changes(
    catalog: Catalog, changes: Sequence[tuple[ChangedPeriod, Record]], folder: Path | None = None
) -> None:
    """Write a materialization for each Period, to the instance that `open_instance` opens.

    Raises ContractError if the instance cannot be opened.
    """
    instance = open_instance(folder)
    for changed, record in changes:
        instance.report_runless_asset_event(change_materialization(catalog, changed, record))


def change_materialization(
    catalog: Catalog, changed: ChangedPeriod, record: Record
) -> dg.AssetMaterialization:
    """Return the materialization of a Period whose rows were changed by hand."""
    operation, counts = record["operation"], record["counts"]
    row_count = "dagster/partition_row_count" if changed.period else "dagster/row_count"
    return dg.AssetMaterialization(
        asset_key=dataset_key(record["dataset"]),
        partition=partition_key(catalog, record["dataset"], changed.period),
        description=f"{operation['kind']}: {changed.touched:,} rows touched",
        metadata={
            row_count: counts["rows"],
            **{f"rows_{name}": counts[name] for name in ("added", "changed", "unchanged", "removed")},
            "operation": metadata_value(dict(operation)),
            "table_version": changed.table_version,
            "digest": record["digest"],
        },
        tags=version_tags(record["digest"], record["sha256"]),
    )
