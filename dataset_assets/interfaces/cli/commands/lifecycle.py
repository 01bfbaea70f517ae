"""The commands of a dataset's life: edit, activate, disable, archive, restore, clone, rename and delete.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from datetime import UTC, datetime
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, DryRun, Name, OptionalTarget

NewStem = Annotated[str, typer.Argument(metavar="NEW_NAME", help="The new file's name, without .yaml.")]


def edit(
    name: Name,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Fields: filters.product_filter.value=80."),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Remove a field. May be repeated.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Change fields of a dataset's file; comments and layout stay, and a faulty result is not written."""
    from dataset_assets.interfaces.cli import life_output
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.edit import edit_dataset

    workspace = Workspace.of()
    locked = workspace.settings.locked
    done = edit_dataset(
        workspace.catalog, name, assignments or (), unset or (), dry_run=dry_run, locked=locked
    )
    print_json(done) if as_json else life_output.print_edit(done)


def activate(name: Name, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Make a draft or disabled dataset active: for new Projects, and refreshed as its file says."""
    _change_status(name, "activate", dry_run=dry_run, as_json=as_json)


def disable(name: Name, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Keep a dataset from new Projects; those that use it go on."""
    _change_status(name, "disable", dry_run=dry_run, as_json=as_json)


def archive(name: Name, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Hide a dataset from lists, and refresh it no longer; what is published stays."""
    _change_status(name, "archive", dry_run=dry_run, as_json=as_json)


def restore(name: Name, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Make an archived dataset active again."""
    _change_status(name, "restore", dry_run=dry_run, as_json=as_json)


def _change_status(name: str, action: str, *, dry_run: bool, as_json: bool) -> None:
    from dataset_assets.interfaces.cli import life_output
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.status import Action, change_status

    workspace = Workspace.of()
    locked = workspace.settings.locked
    done = change_status(workspace.catalog, name, Action(action), dry_run=dry_run, locked=locked)
    print_json(done) if as_json else life_output.print_status(done)


def clone(
    name: Name,
    stem: NewStem,
    title: Annotated[
        str | None, typer.Option("--name", help="The copy's name for people; by default `… (copy)`.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy a dataset's file as a draft with an id of its own, version 1."""
    from dataset_assets.interfaces.cli import life_output
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.clone import clone_dataset

    workspace = Workspace.of()
    locked, now = workspace.settings.locked, datetime.now(UTC)
    done = clone_dataset(workspace.catalog, name, stem, title, now=now, dry_run=dry_run, locked=locked)
    print_json(done) if as_json else life_output.print_clone(done)


def rename(
    name: Name, stem: NewStem, dry_run: DryRun = False, as_json: AsJson = False, target: OptionalTarget = None
) -> None:
    """Rename a dataset's file and lock, and edit the Projects that name it. Its id stays."""
    from dataset_assets.interfaces.cli import life_output
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.rename import rename_dataset

    workspace = Workspace.of(target)
    locked = workspace.settings.locked
    opened = life_output.target_or_remark(workspace)
    done = rename_dataset(workspace.catalog, name, stem, target=opened, dry_run=dry_run, locked=locked)
    print_json(done) if as_json else life_output.print_rename(done)


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Delete a dataset's file and lock, unless something uses the dataset. Published rows stay."""
    from dataset_assets.interfaces.cli import life_output
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    planned = life_output.delete(workspace, name, dry_run=True)
    if not dry_run and not yes:
        life_output.confirm_deletion(planned)
    done = planned if dry_run else life_output.delete(workspace, name, dry_run=False)
    print_json(done) if as_json else life_output.print_delete(done)
