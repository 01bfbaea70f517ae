"""Create the Dagster assets of the outputs of Projects, each downstream of its dataset."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, InvalidDataset, ValidDataset
from dataset_assets.assets.asset_keys import dataset_key, group, output_key, pool, word
from dataset_assets.assets.checks import output_check_specs
from dataset_assets.assets.descriptions import file_reference, schema_of
from dataset_assets.assets.failing_asset import failing_asset
from dataset_assets.assets.partitions import nested_mapping
from dataset_assets.catalog.project_versions import output_sha256
from dataset_assets.contract.project import Joins, Output
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.where_types import reported_condition
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.text.markdown import code_span


def output_assets(graph: Graph) -> Iterator[dg.AssetsDefinition]:
    """Yield one asset for each output; it fails with the faults of its file or its dataset (BR-203)."""
    for output in graph.catalog.outputs.values():
        dataset = graph.datasets[output.dataset]
        if isinstance(dataset, InvalidDataset):
            yield failing_asset(output_key(output), dataset.faults, {})
        else:
            yield _asset(graph, output, dataset)
    for output, faults in graph.catalog.faulty_outputs.values():
        yield failing_asset(output_key(output), faults, {})


def _asset(graph: Graph, output: Output, dataset: ValidDataset) -> dg.AssetsDefinition:
    """Return the asset whose run publishes the output for the Periods of the run."""
    partitioning = dataset.partitioning
    cadence = partitioning.cadence if partitioning else None

    def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from dataset_assets.assets.output_run import OutputRun  # noqa: PLC0415 - only a run needs all of it

        resource = getattr(context.resources, graph.binding.key)
        yield from OutputRun(context, resource, graph.catalog, output.stem, cadence).events()

    return dg.multi_asset(
        name=word(f"projects__{output.stem}"),
        specs=[_spec(graph, output, dataset)],
        check_specs=output_check_specs(output_key(output), graph.catalog.scope(dataset.entry)),
        partitions_def=partitioning.definition if partitioning else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitioning else None,
        required_resource_keys={graph.binding.key},
        pool=pool(output.stem),
    )(compute)


def _spec(graph: Graph, output: Output, dataset: ValidDataset) -> dg.AssetSpec:
    project = graph.catalog.projects[output.project]
    owner = graph.catalog.users.find(project.owner)
    partitioning = dataset.partitioning
    # Operations can move rows from every Period to one that they name.
    mapping = (
        dg.AllPartitionMapping() if output.periods_moved_to else nested_mapping(partitioning, partitioning)
    )
    return dg.AssetSpec(
        key=output_key(output),
        deps=[dg.AssetDep(dataset_key(output.dataset), partition_mapping=mapping if partitioning else None)],
        description=_description(output, project.name, graph.catalog.scope(dataset.entry)),
        metadata=_metadata(graph, output, dataset),
        group_name=group(f"projects/{output.project}"),
        code_version=output_sha256(output)[:12],
        owners=[owner.address] if owner else None,
        kinds=graph.binding.kinds,
        partitions_def=partitioning.definition if partitioning else None,
    )


def _description(output: Output, project: str, scope: Scope) -> str:
    """Return the description as Markdown: what the output is, and the operations in their order."""
    step = output.step
    about = f"The rows of `{output.dataset}` for the project {project}"
    lookups = "; lookups are joined when it is read" if step.joins is Joins.RUNTIME else ""
    deleted = "; deleted rows stay, marked by `_deleted`" if step.include_deleted else ""
    lines = [step.description, f"{about}{lookups}{deleted}.", _operations(output, scope)]
    return "\n\n".join(line for line in lines if line)


def _operations(output: Output, scope: Scope) -> str:
    """Return the operations in their order; a condition on sensitive columns is not shown (BR-206)."""
    if not output.operations:
        return "No operation changes the rows."
    lines = (
        f"{number}. {each.words} where {code_span(reported_condition(each.where, scope))}"
        for number, each in enumerate(output.operations, 1)
    )
    return "Operations, in this order:\n\n" + "\n".join(lines)


def _metadata(graph: Graph, output: Output, dataset: ValidDataset) -> dict[str, Any]:
    warehouse = dataset.target.warehouse
    columns = PublishedColumns(
        graph.catalog.scope(dataset.entry), without_lookups=output.step.joins is Joins.RUNTIME
    )
    key = dataset_key(output.dataset)
    lineage = {
        each.name: [dg.TableColumnDep(asset_key=key, column_name=each.name)] for each in columns.stored
    }
    return {
        "dagster/column_schema": schema_of(columns.stored, dataset.dataset.natural_key_columns),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
        "dagster/table_name": warehouse.table_name(output.stem),
        "dagster/uri": warehouse.location(output.stem),
        **file_reference(graph.catalog.root / "projects" / f"{output.project}.yaml"),
    }
