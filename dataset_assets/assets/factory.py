"""The asset graph in Dagster's words: plain data first, one call to Dagster for each asset (section 10)."""

from collections.abc import Iterator, Mapping
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
from dataset_assets.assets.automation import condition, refreshes
from dataset_assets.assets.checks import check_specs
from dataset_assets.assets.dependencies import inputs
from dataset_assets.assets.descriptions import (
    broken_description,
    code_reference,
    description,
    static_metadata,
    table_column,
)
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault

AS_OF_CONFIG = {"as_of": dg.Field(str, is_required=False, description="The instant to look back from")}


def assets(graph: Graph) -> Iterator[dg.AssetsDefinition | dg.AssetSpec]:
    """Every asset: physical tables, datasets, and those that stand for files which cannot be used."""
    for table in graph.sources.values():
        yield table_spec(table)
    yield from datasets(graph)
    if graph.catalog.faults:
        yield failing_asset(dg.AssetKey("definitions"), graph.catalog.faults, {})


def datasets(graph: Graph) -> Iterator[dg.AssetsDefinition]:
    """One for each dataset, broken ones too."""
    for dataset in graph.datasets.values():
        yield dataset_asset(graph, dataset) if isinstance(dataset, ValidDataset) else broken_asset(dataset)


def table_spec(table: Table) -> dg.AssetSpec:
    """An external asset: somebody else materializes it."""
    columns = [table_column(column) for column in table.columns]
    return dg.AssetSpec(
        key=table.key,
        description=f"The table {table.name}, located by the resolver {table.resolver}",
        group_name=group(f"sources/{table.resolver}"),
        partitions_def=table.partitioning.definition if table.partitioning else None,
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )


def dataset_asset(graph: Graph, sound: ValidDataset) -> dg.AssetsDefinition:
    """An asset that publishes the dataset for the Periods of its run."""
    stem, entry = sound.entry.stem, sound.entry
    key = dataset_key(stem)
    cadence = sound.partitioning.cadence if sound.partitioning else None

    def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from dataset_assets.assets.materialization import Refresh  # noqa: PLC0415 - only a run needs all of it

        resource = getattr(context.resources, graph.binding.key)
        yield from Refresh(context, resource, graph.catalog, entry, cadence).events()

    return dg.multi_asset(
        name=word(f"datasets__{stem}"),
        specs=[dataset_spec(graph, sound)],
        check_specs=check_specs(key, sound.dataset, by_period=_is_main_by_period(sound)),
        partitions_def=sound.partitioning.definition if sound.partitioning else None,
        backfill_policy=dg.BackfillPolicy.single_run() if sound.partitioning else None,
        config_schema=None if sound.partitioning else AS_OF_CONFIG,
        required_resource_keys={graph.binding.key},
        pool=pool(stem),
    )(compute)


def _is_main_by_period(sound: ValidDataset) -> bool:
    table = sound.dataset.main_table.name
    return sound.target.resolver_of(sound.dataset, table).cadence(table) is not None


def dataset_spec(graph: Graph, sound: ValidDataset) -> dg.AssetSpec:
    """What is known of a dataset before it runs."""
    dataset, entry = sound.dataset, sound.entry
    version = entry.lock.version_of(dataset)
    owner = graph.catalog.users.find(dataset.owner)
    return dg.AssetSpec(
        key=dataset_key(entry.stem),
        deps=[dg.AssetDep(each.key, partition_mapping=each.mapping) for each in inputs(graph, sound)],
        description=description(
            entry,
            dataset,
            version,
            sound.partitioning,
            refreshed=refreshes(graph.catalog, entry.stem, dataset),
        ),
        metadata=static_metadata(graph, sound, version),
        group_name=group(dataset.ml_model or "datasets"),
        code_version=version.sha256[:12],
        owners=[owner.address] if owner else None,
        tags={STATUS_TAG: str(dataset.status), OWNER_TAG: tag_value(dataset.owner)},
        kinds=graph.binding.kinds,
        partitions_def=sound.partitioning.definition if sound.partitioning else None,
        automation_condition=condition(graph, sound),
        freshness_policy=_freshness(dataset),
    )


def _freshness(dataset: Dataset) -> dg.FreshnessPolicy | None:
    """Of the asset as a whole: Dagster asks when any of its partitions was materialized last."""
    asked = dataset.freshness
    return dg.FreshnessPolicy.time_window(fail_window=asked.window) if asked else None


def broken_asset(broken: InvalidDataset) -> dg.AssetsDefinition:
    """An asset in the place of a dataset whose file, or target, cannot be used."""
    return failing_asset(
        dataset_key(broken.entry.stem), broken.faults, code_reference(broken.entry, broken.faults)
    )


def failing_asset(
    key: dg.AssetKey, faults: tuple[Fault, ...], metadata: Mapping[str, Any]
) -> dg.AssetsDefinition:
    """An asset that fails with exactly the text that says what is wrong."""
    text = "\n".join(str(fault) for fault in faults)

    def compute() -> None:
        raise dg.Failure(text, allow_retries=False)

    spec = dg.AssetSpec(
        key,
        description=broken_description(faults),
        metadata={"faults": dg.MetadataValue.text(text), **metadata},
        group_name="broken",
        tags={STATUS_TAG: "broken"},
    )
    return dg.multi_asset(name=word("__".join(key.path)), specs=[spec])(compute)
