"""The commands about uses of publications, pins and retention: use, uses, pin, unpin and vacuum.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.completion import dataset_names
from dataset_assets.interfaces.cli.options import (
    AsJson,
    DryRun,
    Name,
    OptionalTarget,
    Partition,
    TableVersion,
)


def use(
    name: Name,
    training_run: Annotated[
        str, typer.Option("--training-run", metavar="ID", help="The id of the training run.")
    ],
    partition: Partition = None,
    version: TableVersion = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Record that a training run used publications, and pin them."""
    from dataset_assets.interfaces.cli.uses import record
    from dataset_assets.interfaces.workspace import Workspace

    record(Workspace.of(target), name, partition, version, training_run, as_json=as_json)


def uses(name: Name, as_json: AsJson = False, target: OptionalTarget = None) -> None:
    """List the training runs that used a dataset, and its pinned publications."""
    from dataset_assets.interfaces.cli.uses import print_uses
    from dataset_assets.interfaces.workspace import Workspace

    print_uses(Workspace.of(target), name, as_json=as_json)


def pin(
    name: Name,
    partition: Partition = None,
    version: TableVersion = None,
    reason: Annotated[str, typer.Option("--reason", help="Why the rows have to stay.")] = "by hand",
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Keep publications readable, whatever the target's retention is."""
    from dataset_assets.interfaces.cli.uses import pin_publications, print_pins
    from dataset_assets.interfaces.workspace import Workspace

    pins = pin_publications(Workspace.of(target), name, partition, version, reason)
    print_pins(pins, "pinned", as_json=as_json)


def unpin(
    name: Name,
    partition: Partition = None,
    version: TableVersion = None,
    every: Annotated[bool, typer.Option("--all", help="The pins of every version.")] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Remove pins; the target's retention then applies again."""
    from dataset_assets.interfaces.cli.uses import print_pins, unpin_publications
    from dataset_assets.interfaces.workspace import Workspace

    if every and version is not None:
        raise typer.BadParameter("--all is of every version: leave out --version")
    pins = unpin_publications(Workspace.of(target), name, partition, version, every=every)
    print_pins(pins, "unpinned", as_json=as_json)


def vacuum(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...", help="Datasets; by default all.", autocompletion=dataset_names
        ),
    ] = None,
    grace: Annotated[
        str,
        typer.Option(
            "--grace", metavar="AGE", help="How long readers may go on with what expired: 30m, 24h, 7d."
        ),
    ] = "24h",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Remove publications that the target's retention no longer keeps.

    Current and pinned publications stay, and so do all records.
    """
    from dataset_assets.interfaces.cli.uses import run_vacuum
    from dataset_assets.interfaces.workspace import Workspace

    run_vacuum(Workspace.of(target), names or (), grace, dry_run=dry_run, as_json=as_json)
