"""Create the Dagster assets of datasets, source tables and broken files.

A dataset has one asset, a source table an external one, and a broken file one that fails with its faults.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, InvalidDataset, Table, ValidDataset
from dataset_assets.assets.asset_keys import (
    OWNER_TAG,
    STATUS_TAG,
    dataset_key,
    group,
    pool,
    tag_value,
    word,
)
from dataset_assets.assets.checks import check_specs
from dataset_assets.assets.dependencies import inputs
from dataset_assets.assets.descriptions import (
    code_reference,
    description,
    page_link,
    static_metadata,
    table_column,
)
from dataset_assets.assets.failing_asset import failing_asset
from dataset_assets.assets.output_assets import output_assets
from dataset_assets.contract.model import Dataset
from dataset_assets.staleness.refreshed_dataset import refreshes

AS_OF_CONFIG = {"as_of": dg.Field(str, is_required=False, description="The instant to look back from")}


def assets(graph: Graph) -> Iterator[dg.AssetsDefinition | dg.AssetSpec]:
    """Yield all assets: physical tables, datasets, and failing assets for files that cannot be used."""
    for table in graph.sources.values():
        yield table_spec(table)
    yield from dataset_assets(graph)
    if graph.catalog.faults:
        yield failing_asset(dg.AssetKey("definitions"), graph.catalog.faults, {})


def dataset_assets(graph: Graph) -> Iterator[dg.AssetsDefinition]:
    """Yield one asset for each dataset and for each output of a Project.

    The asset of an invalid dataset fails with its faults (BR-203).
    """
    for each in graph.datasets.values():
        yield dataset_asset(graph, each) if isinstance(each, ValidDataset) else invalid_asset(graph, each)
    yield from output_assets(graph)


def table_spec(table: Table) -> dg.AssetSpec:
    """Return the external asset of a physical table, which other programs write."""
    columns = [table_column(column) for column in table.columns]
    return dg.AssetSpec(
        key=table.key,
        description=f"The table {table.name}, located by the resolver {table.resolver}",
        group_name=group(f"sources/{table.resolver}"),
        partitions_def=table.partitioning.definition if table.partitioning else None,
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )


def dataset_asset(graph: Graph, valid: ValidDataset) -> dg.AssetsDefinition:
    """Return the asset whose run publishes the dataset for the Periods of the run."""
    stem = valid.entry.stem
    key = dataset_key(stem)
    cadence = valid.partitioning.cadence if valid.partitioning else None

    def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from dataset_assets.assets.materialization import DatasetRun  # noqa: PLC0415 - only a run needs all of it

        resource = getattr(context.resources, graph.binding.key)
        yield from DatasetRun(context, resource, graph.catalog, stem, cadence).events()

    return dg.multi_asset(
        name=word(f"datasets__{stem}"),
        specs=[dataset_spec(graph, valid)],
        check_specs=check_specs(key, graph.catalog.scope(valid.entry), by_period=_is_main_by_period(valid)),
        partitions_def=valid.partitioning.definition if valid.partitioning else None,
        backfill_policy=dg.BackfillPolicy.single_run() if valid.partitioning else None,
        config_schema=None if valid.partitioning else AS_OF_CONFIG,
        required_resource_keys={graph.binding.key},
        pool=pool(stem),
    )(compute)


def _is_main_by_period(valid: ValidDataset) -> bool:
    table = valid.dataset.main_table.name
    return valid.target.resolver_of(valid.dataset, table).cadence(table) is not None


def dataset_spec(graph: Graph, valid: ValidDataset) -> dg.AssetSpec:
    """Return the asset spec of a dataset: everything that is known before a run."""
    dataset, entry = valid.dataset, valid.entry
    version = entry.lock.version_of(dataset)
    owner = graph.catalog.users.find(dataset.owner)
    return dg.AssetSpec(
        key=dataset_key(entry.stem),
        deps=[dg.AssetDep(each.key, partition_mapping=each.mapping) for each in inputs(graph, valid)],
        description=description(
            entry,
            dataset,
            version,
            valid.partitioning,
            refreshed=refreshes(graph.catalog, entry.stem, dataset),
        ),
        metadata=static_metadata(graph, valid, version),
        group_name=group(dataset.ml_model or "datasets"),
        code_version=version.sha256[:12],
        owners=[owner.address] if owner else None,
        tags={STATUS_TAG: str(dataset.status), OWNER_TAG: tag_value(dataset.owner)},
        kinds=graph.binding.kinds,
        partitions_def=valid.partitioning.definition if valid.partitioning else None,
        freshness_policy=_freshness(dataset),
    )


def _freshness(dataset: Dataset) -> dg.FreshnessPolicy | None:
    """Return the policy of the asset as a whole: the time since any partition was materialized."""
    freshness = dataset.freshness
    return dg.FreshnessPolicy.time_window(fail_window=freshness.window) if freshness else None


def invalid_asset(graph: Graph, invalid: InvalidDataset) -> dg.AssetsDefinition:
    """Return the failing asset of a dataset whose file or target cannot be used."""
    entry, faults = invalid.entry, invalid.faults
    links = page_link(graph, entry.stem) | code_reference(entry, faults)
    return failing_asset(dataset_key(entry.stem), faults, links)
