"""The commands that examine a target and remove leftovers from it: doctor and clean.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import (
    OptionalTarget,
)


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


def clean(
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="AGE", help="Leave alone what was written later: 30m, 24h, 7d."),
    ] = "24h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; print what would be.")] = False,
    target: OptionalTarget = None,
) -> None:
    """Remove rows that broken runs have staged and not published. A run that goes on needs its own."""
    from dataset_assets.interfaces.cli.clean import remove_leftovers
    from dataset_assets.interfaces.workspace import Workspace

    remove_leftovers(Workspace.of(target), older_than, dry_run=dry_run)
