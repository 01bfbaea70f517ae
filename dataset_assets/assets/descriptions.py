"""What the UI shows of a dataset before it is materialized: its text, its columns, where they come from."""

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, ValidDataset
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, SystemColumn
from dataset_assets.errors import Fault
from dataset_assets.ports.warehouse import PublishedColumn

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
    """Markdown that begins with plain text: lists of assets show the first line as it is written.

    `refreshed`: whether the dataset refreshes by itself.
    """
    about = f"Version {version_text(version)}, {dataset.status}, from `{entry.path.name}`."
    return "\n\n".join(
        [_title(dataset), about, *_partitions(partitioning), _refresh(dataset, refreshed=refreshed)]
    )


def _title(dataset: Dataset) -> str:
    return f"{dataset.name}: {dataset.description}" if dataset.description else dataset.name


def _refresh(dataset: Dataset, *, refreshed: bool) -> str:
    """What an asset's page shows nowhere else: Dagster names its sensor even where that has nothing to do."""
    refresh = dataset.refresh
    if refresh is None:
        return "Refreshed by hand."
    if refreshed:
        when = f"after each tick of `{refresh.cron}`" if refresh.cron else "when what it reads has changed"
        return f"Refreshes by itself {when}."
    why = "paused" if refresh.paused else f"the dataset is {dataset.status}"
    return f"Does not refresh by itself: {why}."


def _partitions(partitioning: Partitioning | None) -> Iterator[str]:
    """Dagster's keys are not everywhere what Periods are called."""
    if partitioning:
        first = partitioning.first
        dated = "" if first.key == first.id else f". Keys are first days: `{first.key}` is {first}"
        on = "" if partitioning.last else " on"
        yield f"A publication for each {partitioning.name}{on}{dated}."


def version_text(version: Version) -> str:
    """`3`, or for a structure that the lock does not know yet `4 (pending: what changed)`."""
    return f"{version.number} (pending: {version.summary})" if version.pending else str(version.number)


def broken_description(faults: Iterable[Fault]) -> str:
    """Markdown: what is wrong, as `dataset-assets check` says it, in lines that wrap."""
    listed = "\n".join(f"- {code_span(str(fault))}" for fault in faults)
    return f"This file cannot be used. Its asset fails with what is wrong:\n\n{listed}"


def code_span(text: str) -> str:
    """A text as it is, in Markdown: a code span that nothing in the text can close."""
    line = " ".join(text.split("\n"))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}"


def static_metadata(graph: Graph, sound: ValidDataset, version: Version) -> dict[str, Any]:
    """Everything that is known of a sound dataset without reading any data."""
    entry, warehouse = sound.entry, sound.target.warehouse
    scope = graph.catalog.scope(entry)
    return {
        "dagster/column_schema": column_schema(scope),
        "dagster/column_lineage": column_lineage(graph, sound, scope),
        "dagster/table_name": warehouse.table_name(entry.stem),
        "dagster/uri": warehouse.location(entry.stem),
        "version": version_text(version),
        **code_reference(entry),
    }


def code_reference(entry: Entry, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
    """A link into the YAML file; Dagster wants a path that does not depend on the working directory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(
            file_path=str(entry.path.absolute()), line_number=_line(entry, faults), label=entry.path.name
        )
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _line(entry: Entry, faults: tuple[Fault, ...]) -> int:
    """Where the first thing is wrong, else where the dataset begins."""
    lines = [fault.position.line for fault in faults if fault.position]
    if lines or entry.document is None:
        return min(lines, default=1)
    return entry.document.position(("dataset",), key=True).line


def column_schema(scope: Scope) -> dg.TableSchema:
    """The published columns with their types and constraints, then the system columns."""
    key = {name.lower() for name in scope.dataset.natural_key_columns}
    columns = [table_column(output.definition, output.name.lower() in key) for output in scope.outputs]
    return dg.TableSchema(columns=[*columns, *_system_columns()])


def schema_of(columns: Iterable[PublishedColumn], key: Iterable[str]) -> dg.TableSchema:
    """The columns of one publication; `key` names those of the natural key, in any case."""
    names = {name.lower() for name in key}
    shown = [table_column(column, column.name.lower() in names) for column in columns]
    return dg.TableSchema(columns=[*shown, *_system_columns()])


def table_column(column: ColumnDef | PublishedColumn, in_key: bool = False) -> dg.TableColumn:
    """A declared column as Dagster shows it."""
    remarks = [text for text, holds in (("natural key", in_key), ("sensitive", column.sensitive)) if holds]
    constraints = _NULLABLE if column.nullable else _NOT_NULL
    if remarks:
        constraints = dg.TableColumnConstraints(nullable=column.nullable, other=remarks)
    return dg.TableColumn(
        name=column.name, type=str(column.type), description=column.description, constraints=constraints
    )


@cache
def _system_columns() -> tuple[dg.TableColumn, ...]:
    return tuple(
        dg.TableColumn(
            name=column.name, type=_told(column), description=column.description.partition(" (")[0]
        )
        for column in SYSTEM_COLUMNS
    )


def _told(column: SystemColumn) -> str:
    """Its type in the words of a file, as the columns above it have theirs."""
    return column.sql_type.lower().replace("varchar", "string").replace("timestamptz", "timestamp")


def column_lineage(graph: Graph, sound: ValidDataset, scope: Scope) -> dg.TableColumnLineage:
    """Which column of which upstream asset each published column is read from."""
    sources = scope.sources
    keys = {source.name: source_key(graph, sound, source) for source in sources}
    return dg.TableColumnLineage(
        {
            output.name: [
                dg.TableColumnDep(
                    asset_key=keys[output.reference.source.name], column_name=output.reference.column.name
                )
            ]
            for output in scope.outputs
            if output.reference
        }
    )


def source_key(graph: Graph, sound: ValidDataset, source: Source) -> dg.AssetKey:
    """The asset that a main table or a lookup is: a nested Dataset, or a physical table."""
    if source.nested:
        return dataset_key(source.nested.stem)
    return graph.tables[sound.table(source.table)].key
