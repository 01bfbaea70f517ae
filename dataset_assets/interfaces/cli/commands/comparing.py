"""The command that compares rows: compare.

It imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, Name, OptionalTarget


def compare(
    name: Name,
    before: Annotated[
        str,
        typer.Option(
            "--from", metavar="REF", help="PERIOD, PERIOD@VERSION or @VERSION; see `read --version`."
        ),
    ] = "",
    after: Annotated[
        str, typer.Option("--to", metavar="REF", help="The same; by default what is published now.")
    ] = "",
    other: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="Compare with this dataset instead.")
    ] = None,
    other_target: Annotated[
        str | None,
        typer.Option("--to-target", metavar="TARGET", help="Compare with the rows of this target."),
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=1, max=100, help="Examples of each kind and column.")
    ] = 3,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Compare published rows by identity: added, removed and changed ones, by column, with examples.

    By default the last version of the published table is compared with the one before it. The exit code is 0
    if rows and columns are equal, 3 if they differ.
    """
    from dataset_assets.interfaces.cli.comparison import DIFFERENT, print_comparison
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.compare_rows import SideRequest, compare_rows

    workspace = Workspace.of(target)
    catalog = workspace.catalog
    published = catalog.published(name)
    to_target = Workspace.of(other_target).target if other_target else workspace.target
    to_published = catalog.published(other) if other else published
    found = compare_rows(
        catalog,
        SideRequest(published, workspace.target, before),
        SideRequest(to_published, to_target, after),
        examples,
    )
    print_json(found) if as_json else print_comparison(found)
    if not found.equal:
        raise typer.Exit(DIFFERENT)
