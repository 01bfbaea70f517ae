"""The commands that write and check the files of a project: init, check, lock and schema.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, OptionalTarget


def init(folder: Annotated[Path, typer.Argument(help="The new project's folder.")]) -> None:
    """Write a new project: a small dataset of its own, a target, a code location for Dagster, and a test."""
    from dataset_assets.interfaces.cli.console import say
    from dataset_assets.interfaces.cli.init_project import NEXT_STEPS, write_project

    files = write_project(folder)
    say(f"{len(files)} files in {folder}", "", f"cd {folder}", *NEXT_STEPS)


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; by default all.")
    ] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Check files and the target; print each fault as `file:line:column: field: problem; how to fix it`."""
    from dataset_assets.catalog.validation import validate_folder, validate_paths
    from dataset_assets.errors import fault_count
    from dataset_assets.interfaces.answers.faults import CheckAnswer
    from dataset_assets.interfaces.cli.console import print_json, say
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    root, resolvers = workspace.root, workspace.resolvers
    report = validate_paths(root, paths, resolvers) if paths else validate_folder(root, resolvers)
    if as_json:
        print_json(CheckAnswer.of(report.files, report.faults))
        raise typer.Exit(bool(report.faults))
    for fault in report.faults:
        typer.echo(str(fault))
    files = f"{report.files} file{'s' * (report.files != 1)}"
    if not report.faults:
        say(f"{files} checked, all is well")
        return
    count = fault_count(report.faults)
    say(f"{files} checked: {count:,} fault{'s' * (count != 1)} in {report.broken}")
    raise typer.Exit(1)


def lock(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets; by default all, and projects.")
    ] = None,
    only_check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if needed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record versions in the locks beside the files, and the system fields in the files."""
    from dataset_assets.interfaces.cli.locks import check_locks, write_locks
    from dataset_assets.interfaces.workspace import Workspace

    catalog = Workspace.of().catalog
    if only_check:
        check_locks(catalog, names or ())
    else:
        write_locks(catalog, names or (), as_json=as_json)


def schema() -> None:
    """Print the JSON Schema of a dataset's file, for editors."""
    import json

    from dataset_assets.catalog.json_schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
