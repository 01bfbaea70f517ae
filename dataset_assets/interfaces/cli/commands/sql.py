"""The command that prints queries: the selection of a dataset, or how another program reads published rows.

It imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, AsOfText, Name, OneSplit, OptionalTarget


class Reader(StrEnum):
    """A program that reads published rows from BigQuery."""

    TFX = "tfx"
    BIGQUERY_ML = "bqml"


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
    reader: Annotated[
        Reader | None,
        typer.Option("--for", help="Read the published rows in BigQuery instead, in types that it takes."),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="With --for bqml: the column to learn.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="With --for: names, separated by commas.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, help="With --for: the table's version.")
    ] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Print the query that selects a dataset's rows, what running it would cost, or how others read them."""
    from dataset_assets.discovery.selection_sql import selection_sql
    from dataset_assets.interfaces.answers.datasets import SqlAnswer
    from dataset_assets.interfaces.cli.console import print_json, say
    from dataset_assets.interfaces.cli.cost_estimate import print_cost
    from dataset_assets.interfaces.cli.training_queries import print_training_queries
    from dataset_assets.interfaces.row_selection import RowSelection, column_list
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.publishing.as_of_choice import choose_as_of

    if dry_run and (dialect or split or rows):
        raise typer.BadParameter("--dry-run is of a whole run: leave out --dialect, --split and --rows")
    if reader and (dialect or as_of or dry_run):
        raise typer.BadParameter("--for reads published rows: leave out --dialect, --as-of and --dry-run")
    if not reader and (columns is not None or version is not None):
        raise typer.BadParameter("--columns and --version are of published rows: give --for as well")
    if label is not None and reader is not Reader.BIGQUERY_ML:
        raise typer.BadParameter("--label is of BigQuery ML: give --for bqml as well")
    workspace = Workspace.of(target)
    if reader:
        selection = RowSelection(
            name,
            partition,
            version,
            split=split and split.value,
            columns=column_list(columns),
            with_system=rows,
        )
        print_training_queries(workspace, selection, reader.value, label, as_json=as_json)
        return
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
