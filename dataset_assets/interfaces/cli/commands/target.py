"""The commands that examine a target and remove leftovers from it: doctor and clean.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, DryRun, OptionalTarget


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Datasets whose tables are checked; by default all."),
    ] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Check credentials, permissions and tables of a target, and say how to fix what is missing."""
    from dataset_assets.interfaces.cli.doctor import examine
    from dataset_assets.interfaces.workspace import Workspace

    if not examine(Workspace.of(target), names or (), as_json=as_json):
        raise typer.Exit(1)


def clean(
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="AGE", help="Remove only rows that are older: 30m, 24h, 7d."),
    ] = "24h",
    samples: Annotated[
        bool, typer.Option("--samples", help="Remove all samples, not only those whose days are over.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Remove rows that crashed runs staged but never published, and samples whose days are over.

    Rows younger than AGE are kept, because their run may still be running. A sample is kept for the
    `sample_days` of the target's warehouse.
    """
    from dataset_assets.interfaces.cli.clean import remove_leftovers
    from dataset_assets.interfaces.workspace import Workspace

    remove_leftovers(Workspace.of(target), older_than, dry_run=dry_run, every_sample=samples, as_json=as_json)
