"""The commands that show datasets and their published rows: list, show, sql and read.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import (
    AsJson,
    AsOfText,
    Format,
    Name,
    OneSplit,
    OptionalTarget,
    Status,
    WhereText,
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


def sql(
    name: Name,
    dialect: Annotated[
        str | None, typer.Option("--dialect", help="duckdb or bigquery; by default the target's own.")
    ] = None,
    as_of: AsOfText = None,
    partition: Annotated[str | None, typer.Option("--partition", help="A Period: 2017-12.")] = None,
    split: OneSplit = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Include the system columns, for a run whose id is all zeros.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the bytes that a run would read, and its budget."),
    ] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Print the query that selects a dataset's rows, or what running it would cost."""
    from dataset_assets.discovery.selection_sql import selection_sql
    from dataset_assets.interfaces.answers.datasets import SqlAnswer
    from dataset_assets.interfaces.cli.console import print_json, say
    from dataset_assets.interfaces.cli.cost_estimate import print_cost
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.publishing.as_of_choice import choose_as_of

    if dry_run and (dialect or split or rows):
        raise typer.BadParameter("--dry-run is of a whole run: leave out --dialect, --split and --rows")
    workspace = Workspace.of(target)
    entry = workspace.catalog.entry(name)
    at = choose_as_of(workspace.catalog, entry, as_of, partition, datetime.now(UTC))
    if dry_run:
        say(at)
        print_cost(workspace, entry, at, as_json=as_json)
        return
    text = selection_sql(
        workspace.catalog, workspace.target, entry, at, dialect, split and split.value, with_metadata=rows
    )
    say(at)
    if as_json:
        name_of_dialect = dialect or workspace.target.engine.dialect.name
        period = at.period.id if at.period else None
        print_json(
            SqlAnswer(dataset=entry.stem, dialect=name_of_dialect, as_of=at.as_of, period=period, sql=text)
        )
        return
    typer.echo(text)


def read(
    name: Name,
    partition: Annotated[str | None, typer.Option("--partition", help="A Period; by default all.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, help="The table's version; by default the last.")
    ] = None,
    split: OneSplit = None,
    where: WhereText = None,
    columns: Annotated[str | None, typer.Option("--columns", help="Names, separated by commas.")] = None,
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
    training_run: Annotated[
        str | None,
        typer.Option("--training-run", metavar="ID", help="Record that this training run used the rows."),
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Read published rows: on the screen, or as Parquet or CSV."""
    from dataset_assets.interfaces.cli.export import SCREEN_ROWS, choose_format, print_rows, write_rows
    from dataset_assets.interfaces.reading import open_rows, record_reading
    from dataset_assets.interfaces.row_selection import RowSelection
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.uses import check_training_run

    kind = choose_format(form, output)
    on_screen = kind == Format.TABLE
    row_limit = SCREEN_ROWS if on_screen and limit is None else limit
    names = tuple(part.strip() for part in columns.split(",") if part.strip()) if columns else ()
    selection = RowSelection(
        name,
        partition,
        version,
        split=split and split.value,
        columns=names,
        limit=row_limit,
        with_system=with_system,
        where=where,
        include_deleted=include_deleted,
        valid_at=valid_at,
        known_in=known_in,
        history=history,
    )
    workspace = Workspace.of(target)
    if training_run is not None:
        check_training_run(training_run)
    with open_rows(workspace, selection) as rows:
        if on_screen:
            print_rows(rows)
        else:
            write_rows(rows, kind, output)
    if training_run is not None:
        record_reading(workspace, rows, training_run)


def export(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or an empty folder.")],
    partition: Annotated[str | None, typer.Option("--partition", help="A Period; by default all.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, help="The table's version; by default the last.")
    ] = None,
    split: OneSplit = None,
    where: WhereText = None,
    columns: Annotated[str | None, typer.Option("--columns", help="Names, separated by commas.")] = None,
    training_run: Annotated[
        str | None,
        typer.Option("--training-run", metavar="ID", help="Record that this training run used the rows."),
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Write published rows as a folder of Parquet files by split, which `datasets.load_dataset` reads."""
    from dataset_assets.interfaces.batches import pinned_reading
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.dataset_folder import write_folder

    reading = pinned_reading(
        name,
        training_run,
        target,
        None,
        partition=partition,
        version=version,
        split=split and split.value,
        where=where,
        columns=[part.strip() for part in (columns or "").split(",") if part.strip()],
    )
    written = write_folder(reading, folder)
    parts = ", ".join(f"{name} {rows:,}" for name, rows in written.rows.items())
    say(f"{sum(written.rows.values()):,} rows written to {folder}: {parts}")
