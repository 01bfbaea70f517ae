"""The commands that show datasets and their published rows: list, show and read.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import (
    AsJson,
    ColumnNames,
    Format,
    Name,
    OneSplit,
    OptionalTarget,
    Partition,
    Status,
    TableVersion,
    TrainingRun,
    WhereText,
    WithSensitive,
)


def list_datasets(
    everything: Annotated[bool, typer.Option("--all", help="Archived datasets as well.")] = False,
    status: Annotated[Status | None, typer.Option("--status", help="Only datasets with this status.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only datasets of this `ml_model`.")] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """List the datasets, with the rows and dates of their last publications."""
    from dataset_assets.contract.model import Status as DatasetStatus
    from dataset_assets.errors import fault_count
    from dataset_assets.interfaces.cli.console import out, print_json, say
    from dataset_assets.interfaces.cli.listing import datasets_table
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.listing import list_datasets

    workspace = Workspace.of(target)
    catalog = workspace.catalog
    found = list_datasets(
        catalog,
        lambda: workspace.target,
        archived=everything,
        status=DatasetStatus(status) if status else None,
        ml_model=model,
    )
    print_json(found) if as_json else out().print(datasets_table(found))
    faults = fault_count(
        (*catalog.faults, *(each for entry in catalog.entries.values() for each in entry.faults))
    )
    say(*found.remarks)
    if faults:
        say(f"{faults} fault{'s' * (faults != 1)}: run `dataset-assets check`")


def show(
    name: Name,
    stats: Annotated[bool, typer.Option("--stats", help="Statistics of the rows as well.")] = False,
    partition: Annotated[
        str | None,
        typer.Option(
            "--partition", help="Show the statistics of this Period (by default the last), or its history."
        ),
    ] = None,
    past: Annotated[
        bool, typer.Option("--history", help="List the publications instead, the newest first.")
    ] = False,
    last: Annotated[
        int,
        typer.Option("--last", min=1, max=1000, help="List at most this many publications."),
    ] = 20,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Show a dataset: contract, selection, versions, publications; or an output with its operations."""
    from dataset_assets.interfaces.cli.console import out, print_json
    from dataset_assets.interfaces.cli.listing import describe_dataset
    from dataset_assets.interfaces.cli.projects import describe_output, output_answer
    from dataset_assets.interfaces.cli.publications import (
        dataset_with_publications,
        describe_publications,
        history,
        history_answer,
    )
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    published = workspace.catalog.published(name)
    entry, output = published.entry, workspace.catalog.outputs.get(name)
    if past:
        if as_json:
            print_json(history_answer(workspace, published.stem, partition, last))
        for part in () if as_json else history(workspace, published.stem, partition, last):
            out().print(part)
        return
    if as_json:
        answer = (
            output_answer(workspace, output)
            if output
            else dataset_with_publications(workspace, entry, partition, stats=stats)
        )
        print_json(answer)
        return
    about = (
        describe_output(output)
        if output
        else describe_dataset(workspace.catalog, entry, workspace.catalog.checked(entry))
    )
    for part in about:
        out().print(part, "")
    for part in describe_publications(workspace, published, partition, stats=stats):
        out().print(part)


def read(
    name: Name,
    partition: Annotated[str | None, typer.Option("--partition", help="A Period; by default all.")] = None,
    version: TableVersion = None,
    split: OneSplit = None,
    where: WhereText = None,
    columns: ColumnNames = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="At most so many rows.")] = None,
    with_system: Annotated[bool, typer.Option("--with-system", help="The `_` columns as well.")] = False,
    include_deleted: Annotated[
        bool, typer.Option("--include-deleted", help="Rows that were deleted by hand as well.")
    ] = False,
    valid_at: Annotated[
        str | None, typer.Option("--valid-at", help="Bitemporal: the instant at which rows are true.")
    ] = None,
    known_in: Annotated[
        str | None, typer.Option("--known-in", help="Bitemporal: the Period whose knowledge is read.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Bitemporal: what all loads said, in their order.")
    ] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="By default by FILE's suffix, or a table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE")] = None,
    training_run: TrainingRun = None,
    sample: Annotated[
        str | None,
        typer.Option("--sample", metavar="PERCENT", help="The sample of `materialize --sample` instead."),
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Read published rows: on the screen, or as Parquet or CSV."""
    from dataset_assets.interfaces.cli.export import SCREEN_ROWS, choose_format, print_rows, write_rows
    from dataset_assets.interfaces.reading import open_selection
    from dataset_assets.interfaces.row_selection import RowSelection, column_list
    from dataset_assets.interfaces.workspace import Workspace

    kind = choose_format(form, output)
    on_screen = kind == Format.TABLE
    row_limit = SCREEN_ROWS if on_screen and limit is None else limit
    selection = RowSelection(
        name,
        partition,
        version,
        sample=sample,
        split=split and split.value,
        columns=column_list(columns),
        limit=row_limit,
        with_system=with_system,
        where=where,
        include_deleted=include_deleted,
        valid_at=valid_at,
        known_in=known_in,
        history=history,
    )
    with open_selection(Workspace.of(target), selection, training_run) as rows:
        if on_screen:
            print_rows(rows)
        else:
            write_rows(rows, kind, output)


def export(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or an empty folder.")],
    partition: Partition = None,
    version: TableVersion = None,
    split: OneSplit = None,
    where: WhereText = None,
    columns: ColumnNames = None,
    training_run: TrainingRun = None,
    with_sensitive: WithSensitive = False,
    target: OptionalTarget = None,
) -> None:
    """Write published rows as a folder of Parquet files by split, which `datasets.load_dataset` reads."""
    from dataset_assets.interfaces.batches import pinned_reading
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.dataset_folder import write_folder
    from dataset_assets.interfaces.row_selection import column_list

    reading = pinned_reading(
        name,
        training_run,
        target,
        None,
        partition=partition,
        version=version,
        split=split and split.value,
        where=where,
        columns=column_list(columns),
    )
    written = write_folder(reading, folder, with_sensitive=with_sensitive, training_run=training_run)
    if written.left_out:
        say(f"left out, as sensitive: {', '.join(written.left_out)}; --with-sensitive writes them")
    parts = ", ".join(f"{name} {rows:,}" for name, rows in written.rows.items())
    say(f"{sum(written.rows.values()):,} rows written to {folder}: {parts}")
