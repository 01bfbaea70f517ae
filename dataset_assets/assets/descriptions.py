"""Describe a dataset for Dagster's pages before it is materialized: text, columns, column lineage, links."""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.contract.system_columns import (
    BITEMPORAL_COLUMNS,
    SYSTEM_COLUMNS,
    VALID_FROM,
    VALID_TO,
    SystemColumn,
)
from dataset_assets.errors import Fault
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.text.markdown import code_span

_NOT_NULL = dg.TableColumnConstraints(nullable=False)
_NULLABLE = dg.TableColumnConstraints(nullable=True)


def description(
    entry: Entry,
    dataset: Dataset,
    version: Version,
    partitioning: Partitioning | None = None,
    *,
    refreshed: bool = False,
) -> str:
    """Return the description of a dataset's asset as Markdown.

    `refreshed` says whether the dataset refreshes by itself. The description begins with plain text, because
    lists of assets show the first line without rendering it.
    """
    about = f"Version {version_text(version)}, {dataset.status}, from `{entry.path.name}`."
    return "\n\n".join(
        [_title(dataset), about, *_partitions(partitioning), _refresh(dataset, refreshed=refreshed)]
    )


def _title(dataset: Dataset) -> str:
    return f"{dataset.name}: {dataset.description}" if dataset.description else dataset.name


def _refresh(dataset: Dataset, *, refreshed: bool) -> str:
    """Return a sentence on when the dataset refreshes, as Dagster names the sensor even if it is not used."""
    refresh = dataset.refresh
    if refresh is None:
        return "Refreshed by hand."
    if refreshed:
        when = f"after each tick of `{refresh.cron}`" if refresh.cron else "when what it reads has changed"
        return f"Refreshes by itself {when}."
    reason = "paused" if refresh.paused else f"the dataset is {dataset.status}"
    return f"Does not refresh by itself: {reason}."


def _partitions(partitioning: Partitioning | None) -> Iterator[str]:
    """Yield a sentence on the partitions, with an example if the keys differ from the ids of Periods."""
    if partitioning:
        first = partitioning.first
        dated = "" if first.key == first.id else f". Keys are first days: `{first.key}` is {first}"
        on = "" if partitioning.last else " on"
        yield f"A publication for each {partitioning.name}{on}{dated}."


def version_text(version: Version) -> str:
    """Return a version as text: `3`, or `4 (pending: what changed)` if the lock does not have it yet."""
    return f"{version.number} (pending: {version.summary})" if version.pending else str(version.number)


def broken_description(faults: Iterable[Fault]) -> str:
    """Return the description of an invalid dataset as Markdown: the faults as `check` prints them."""
    listed = "\n".join(f"- {code_span(str(fault))}" for fault in faults)
    return f"This file cannot be used. Its asset fails with what is wrong:\n\n{listed}"


def static_metadata(graph: Graph, valid: ValidDataset, version: Version) -> dict[str, Any]:
    """Return the metadata of a dataset's asset that is known without reading any data."""
    entry, warehouse = valid.entry, valid.target.warehouse
    scope = graph.catalog.scope(entry)
    return {
        "dagster/column_schema": column_schema(scope),
        "dagster/column_lineage": column_lineage(graph, valid, scope),
        "dagster/table_name": warehouse.table_name(entry.stem),
        "dagster/uri": warehouse.location(entry.stem),
        "version": version_text(version),
        **page_link(graph, entry.stem),
        **code_reference(entry),
    }


def page_link(graph: Graph, stem: str) -> dict[str, Any]:
    """Return the metadata that links to the page of a dataset; empty if the project has no pages."""
    return {"page": dg.MetadataValue.url(f"{graph.pages.rstrip('/')}/datasets/{stem}")} if graph.pages else {}


def code_reference(entry: Entry, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
    """Return the metadata that links to the YAML file, at the line of its first fault if there are any."""
    return file_reference(entry.path, _line(entry, faults))


def file_reference(path: Path, line: int = 1) -> dict[str, Any]:
    """Return the metadata that links to a file, with the absolute path that Dagster requires."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(
            file_path=str(path.absolute()), line_number=line, label=path.name
        )
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _line(entry: Entry, faults: tuple[Fault, ...]) -> int:
    """Return the line of the first fault, else the line where the dataset begins."""
    lines = [fault.position.line for fault in faults if fault.position]
    if lines or entry.document is None:
        return min(lines, default=1)
    return entry.document.position(("dataset",), key=True).line


def column_schema(scope: Scope) -> dg.TableSchema:
    """Return the schema of a dataset's declared columns, followed by the system columns."""
    key = {name.lower() for name in scope.dataset.natural_key_columns}
    columns = [table_column(output.definition, output.name.lower() in key) for output in scope.outputs]
    system = BITEMPORAL_COLUMNS if scope.dataset.main_table.bitemporal else SYSTEM_COLUMNS
    return dg.TableSchema(columns=[*columns, *_system_columns(system)])


def schema_of(
    columns: Iterable[PublishedColumn],
    key: Iterable[str],
    system: tuple[SystemColumn, ...] = SYSTEM_COLUMNS,
) -> dg.TableSchema:
    """Return the schema of a publication's columns; `key` names the natural key columns in any case."""
    names = {name.lower() for name in key}
    shown = [table_column(column, column.name.lower() in names) for column in columns]
    return dg.TableSchema(columns=[*shown, *_system_columns(system)])


def table_column(column: ColumnDef | PublishedColumn, in_key: bool = False) -> dg.TableColumn:
    """Return a declared or published column with its type, description and constraints."""
    remarks = [
        text for text, applies in (("natural key", in_key), ("sensitive", column.sensitive)) if applies
    ]
    constraints = _NULLABLE if column.nullable else _NOT_NULL
    if remarks:
        constraints = dg.TableColumnConstraints(nullable=column.nullable, other=remarks)
    return dg.TableColumn(
        name=column.name, type=str(column.type), description=column.description, constraints=constraints
    )


@cache
def _system_columns(system: tuple[SystemColumn, ...]) -> tuple[dg.TableColumn, ...]:
    return tuple(
        dg.TableColumn(
            name=column.name, type=_type_name(column), description=column.description.partition(" (")[0]
        )
        for column in system
    )


def _type_name(column: SystemColumn) -> str:
    """Return the type of a system column as a dataset file would name it."""
    return column.sql_type.lower().replace("varchar", "string").replace("timestamptz", "timestamp")


def column_lineage(graph: Graph, valid: ValidDataset, scope: Scope) -> dg.TableColumnLineage:
    """Return the column of an upstream asset that each published column is read from."""
    sources = scope.sources
    keys = {source.name: source_key(graph, valid, source) for source in sources}
    times = zip((VALID_FROM, VALID_TO), scope.dataset.main_table.validity_columns, strict=False)
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=keys[scope.main.name], column_name=column)]
            for name, column in times
        }
        | {
            output.name: [
                dg.TableColumnDep(
                    asset_key=keys[output.reference.source.name], column_name=output.reference.column.name
                )
            ]
            for output in scope.outputs
            if output.reference
        }
    )


def source_key(graph: Graph, valid: ValidDataset, source: Source) -> dg.AssetKey:
    """Return the asset key of a main table or lookup, which is a nested dataset or a physical table."""
    if source.nested:
        return dataset_key(source.nested.stem)
    return graph.tables[valid.table(source.table)].key
