"""The command that forgets rows: erase.

The command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.completion import dataset_names
from dataset_assets.interfaces.cli.options import AsJson, DryRun, OptionalTarget


def erase(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Datasets; by default all that have the columns of the condition.",
            autocompletion=dataset_names,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="CONDITION", help="The rows to forget: docs/where.md."),
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List erasures; nothing is erased.")] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Forget rows for good: in all publications, statistics and events. They do not come back."""
    from dataset_assets.interfaces.cli import erasure as output
    from dataset_assets.interfaces.erasure import erase_in, erasures_in
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    if list_them:
        if where is not None:
            raise typer.BadParameter("--list erases nothing: leave out --where")
        output.print_erasures(erasures_in(workspace, names or ()), as_json=as_json)
        return
    if where is None:
        raise typer.BadParameter("name the rows with --where, or give --list")
    if dry_run or not yes:
        planned = erase_in(workspace, names or (), where, dry_run=True)
        if dry_run:
            output.print_certificate(planned, as_json=as_json)
            return
        output.confirm(planned)
    output.print_certificate(erase_in(workspace, names or (), where, dry_run=False), as_json=as_json)
