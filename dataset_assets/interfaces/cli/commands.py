"""The command `dataset-assets`. What a command needs is imported when it runs, so that help is fast."""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.errors import Boundary
from dataset_assets.interfaces.cli.options import (
    AsOfText,
    FirstPeriod,
    Format,
    LastPeriod,
    Locked,
    Name,
    OneSplit,
    OptionalTarget,
)

app = typer.Typer(
    cls=Boundary,
    name="dataset-assets",
    help="Training datasets as code: one YAML file in, one versioned, split, audited table out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The new project's folder.")]) -> None:
    """Write a new project: a small dataset of its own, a target, a code location for Dagster, and a test."""
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.cli.init_project import NEXT, write_project

    files = write_project(folder)
    say(f"{len(files)} files in {folder}", "", f"cd {folder}", *NEXT)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Archived datasets as well.")] = False,
) -> None:
    """List the datasets."""
    from dataset_assets.errors import fault_count
    from dataset_assets.interfaces.cli.console import out, say
    from dataset_assets.interfaces.cli.listing import datasets
    from dataset_assets.interfaces.workspace import Workspace

    catalog = Workspace.of().catalog
    out().print(datasets(catalog, archived=everything))
    faults = fault_count(
        (*catalog.faults, *(each for entry in catalog.entries.values() for each in entry.faults))
    )
    if faults:
        say(f"{faults} fault{'s' * (faults != 1)}: run `dataset-assets check`")


@app.command()
def show(
    name: Name,
    stats: Annotated[bool, typer.Option("--stats", help="Statistics of the rows as well.")] = False,
    partition: Annotated[
        str | None,
        typer.Option(
            "--partition", help="The Period of the statistics, by default the last; of the history."
        ),
    ] = None,
    past: Annotated[
        bool, typer.Option("--history", help="Instead: its publications, the newest first.")
    ] = False,
    last: Annotated[int, typer.Option("--last", min=1, max=1000, help="So many of the history.")] = 20,
    target: OptionalTarget = None,
) -> None:
    """Show a dataset: contract, selection, versions, publications."""
    from dataset_assets.interfaces.cli.console import out
    from dataset_assets.interfaces.cli.listing import contract
    from dataset_assets.interfaces.cli.publications import history, shown
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    entry = workspace.catalog.entry(name)
    if past:
        for part in history(workspace, entry, partition, last):
            out().print(part)
        return
    for part in contract(workspace.catalog, entry, workspace.catalog.checked(entry)):
        out().print(part, "")
    for part in shown(workspace, entry, partition, stats=stats):
        out().print(part)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; by default all.")
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Check files and the target; print faults as `file:line:column: field: what is wrong; what would do`."""
    from dataset_assets.catalog.validation import validate_folder, validate_paths
    from dataset_assets.errors import fault_count
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    root, resolvers = workspace.root, workspace.resolvers
    report = validate_paths(root, paths, resolvers) if paths else validate_folder(root, resolvers)
    for fault in report.faults:
        typer.echo(str(fault))
    files = f"{report.files} file{'s' * (report.files != 1)}"
    if not report.faults:
        say(f"{files} checked, all is well")
        return
    count = fault_count(report.faults)
    say(f"{files} checked: {count:,} fault{'s' * (count != 1)} in {report.broken}")
    raise typer.Exit(1)


@app.command()
def lock(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets; by default all, and projects.")
    ] = None,
    only_check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if needed.")] = False,
) -> None:
    """Record versions in the locks beside the files, and the system fields in the files."""
    from dataset_assets.interfaces.cli.locks import check_locks, write_locks
    from dataset_assets.interfaces.workspace import Workspace

    catalog = Workspace.of().catalog
    if only_check:
        check_locks(catalog, names or ())
    else:
        write_locks(catalog, names or ())


@app.command()
def sql(
    name: Name,
    dialect: Annotated[
        str | None, typer.Option("--dialect", help="duckdb or bigquery; by default the target's own.")
    ] = None,
    as_of: AsOfText = None,
    partition: Annotated[str | None, typer.Option("--partition", help="A Period: 2017-12.")] = None,
    split: OneSplit = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="With the part that makes the system columns, of a nil run.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what a run would read instead, and the budget for it.")
    ] = False,
    target: OptionalTarget = None,
) -> None:
    """Print the query that selects a dataset's rows, or what running it would cost."""
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.cli.cost import print_cost
    from dataset_assets.interfaces.cli.sql import look, selection_sql
    from dataset_assets.interfaces.workspace import Workspace

    if dry_run and (dialect or split or rows):
        raise typer.BadParameter("--dry-run is of a whole run: leave out --dialect, --split and --rows")
    workspace = Workspace.of(target)
    entry = workspace.catalog.entry(name)
    at = look(workspace, entry, as_of, partition)
    if dry_run:
        say(at)
        print_cost(workspace, entry, at)
        return
    text = selection_sql(workspace, entry, at, dialect, split and split.value, with_metadata=rows)
    say(at)
    typer.echo(text)


@app.command()
def materialize(
    name: Name,
    partition: Annotated[
        list[str] | None, typer.Option("--partition", help="A Period: 2017-12. May be repeated.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first of many Periods.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last of many Periods, included.")] = None,
    as_of: AsOfText = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Read the sources even if they seem unchanged, and publish without files that are gone.",
        ),
    ] = False,
    target: OptionalTarget = None,
    locked: Locked = False,
) -> None:
    """Publish a dataset: run, check and publish its rows."""
    from dataset_assets.interfaces.cli.materialize import publish
    from dataset_assets.interfaces.workspace import Workspace

    publish(Workspace.of(target), name, partition or (), first, last, as_of, locked=locked, force=force)


@app.command()
def plan(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A dataset; by default all.")] = None,
    first: FirstPeriod = None,
    last: LastPeriod = None,
    target: OptionalTarget = None,
) -> None:
    """Say which publications would be made, and why: asks metadata alone, reads no rows."""
    from dataset_assets.interfaces.cli.plan import print_plan
    from dataset_assets.interfaces.workspace import Workspace

    print_plan(Workspace.of(target), name, first, last)


@app.command()
def backfill(
    name: Name,
    first: FirstPeriod = None,
    last: LastPeriod = None,
    every: Annotated[bool, typer.Option("--all", help="Read all again, also what seems up to date.")] = False,
    target: OptionalTarget = None,
    locked: Locked = False,
) -> None:
    """Publish all that is due, as `plan` says it. Stopped and run again it goes on where it was."""
    from dataset_assets.interfaces.cli.backfill import backfill
    from dataset_assets.interfaces.workspace import Workspace

    backfill(Workspace.of(target), name, first, last, every=every, locked=locked)


@app.command()
def read(
    name: Name,
    partition: Annotated[str | None, typer.Option("--partition", help="A Period; by default all.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, help="The table's version; by default the last.")
    ] = None,
    split: OneSplit = None,
    columns: Annotated[str | None, typer.Option("--columns", help="Names, separated by commas.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="At most so many rows.")] = None,
    with_system: Annotated[bool, typer.Option("--with-system", help="The `_` columns as well.")] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="By default by FILE's suffix, or a table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE")] = None,
    target: OptionalTarget = None,
) -> None:
    """Read published rows: on the screen, or as Parquet or CSV."""
    from dataset_assets.interfaces.cli.export import SCREEN_ROWS, form_of, to_file, to_screen
    from dataset_assets.interfaces.reading import Wanted, opened
    from dataset_assets.interfaces.workspace import Workspace

    kind = form_of(form, output)
    on_screen = kind == Format.TABLE
    most = SCREEN_ROWS if on_screen and limit is None else limit
    names = tuple(part.strip() for part in columns.split(",") if part.strip()) if columns else ()
    wanted = Wanted(name, partition, version, split and split.value, names, most, with_system)
    with opened(Workspace.of(target), wanted) as rows:
        if on_screen:
            to_screen(rows)
        else:
            to_file(rows, kind, output)


@app.command()
def clean(
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="AGE", help="Leave alone what was written later: 30m, 24h, 7d."),
    ] = "24h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; print what would be.")] = False,
    target: OptionalTarget = None,
) -> None:
    """Remove rows that broken runs have staged and not published. A run that goes on needs its own."""
    from dataset_assets.interfaces.cli.clean import sweep
    from dataset_assets.interfaces.workspace import Workspace

    sweep(Workspace.of(target), older_than, dry_run=dry_run)


@app.command()
def doctor(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[DATASET]...", help="Whose tables; by default all.")
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Say what a target has, lets be done and lacks: credentials, roles, tables; and what would fix it."""
    from dataset_assets.interfaces.cli.doctor import examine
    from dataset_assets.interfaces.workspace import Workspace

    if not examine(Workspace.of(target), names or ()):
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a dataset's file, for editors."""
    import json

    from dataset_assets.catalog.json_schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def demo(
    root: Annotated[
        Path | None, typer.Option("--root", help="Where data/retail is made; by default the project.")
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Publish the demo's datasets of a grocer's year, and say what to look at."""
    from dataset_assets.interfaces.cli.demo import run_demo
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    run_demo(workspace, root.resolve() if root else workspace.settings.project)
