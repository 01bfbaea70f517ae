"""The commands that plan and publish publications: materialize, plan, backfill and demo.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.completion import target_names
from dataset_assets.interfaces.cli.options import (
    Anyway,
    AsJson,
    AsOfText,
    FirstPeriod,
    LastPeriod,
    Locked,
    Name,
    OptionalTarget,
)


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
            help="Read the sources even if they seem unchanged, and publish even if files have disappeared.",
        ),
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option("--sample", metavar="PERCENT", help="Write a sample such as 1% apart; publish nothing."),
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Check SQL, columns and types without rows; publish nothing.")
    ] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
    locked: Locked = False,
    anyway: Anyway = False,
) -> None:
    """Publish a dataset: run, check and publish its rows. With --sample or --empty nothing is published."""
    from dataset_assets.interfaces.cli.materialize import publish
    from dataset_assets.interfaces.cli.samples import chosen_sample, write_samples
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    if (share := chosen_sample(sample, empty=empty)) is not None:
        write_samples(workspace, name, share, partition or (), first, last, as_of, as_json=as_json)
        return
    publish(
        workspace,
        name,
        partition or (),
        first,
        last,
        as_of,
        locked=locked,
        force=force,
        anyway=anyway,
        as_json=as_json,
    )


def plan(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A dataset; by default all.")] = None,
    first: FirstPeriod = None,
    last: LastPeriod = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="TARGET",
            help="List instead what these definitions change in another target.",
            autocompletion=target_names,
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --against: as Markdown, for a pull request.")
    ] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """List the publications that are due, with reasons. Reads only metadata, no rows.

    With --against TARGET, list what the definitions of this folder change there: datasets, columns, filters,
    Periods to publish, and costs. Rows are compared of datasets that are published in both targets.
    """
    from dataset_assets.interfaces.cli.plan import print_plan
    from dataset_assets.interfaces.cli.plan_against import print_plan_against, refuse_options
    from dataset_assets.interfaces.workspace import Workspace

    refuse_options(against, first, last, markdown=markdown, as_json=as_json)
    if against is not None:
        print_plan_against(Workspace.of(target), against, name, markdown=markdown, as_json=as_json)
        return
    print_plan(Workspace.of(target), name, first, last, as_json=as_json)


def backfill(
    name: Name,
    first: FirstPeriod = None,
    last: LastPeriod = None,
    every: Annotated[
        bool, typer.Option("--all", help="Read all sources again, even if a publication is up to date.")
    ] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
    locked: Locked = False,
    anyway: Anyway = False,
) -> None:
    """Publish everything that `plan` lists as due. If it is interrupted, run it again to continue."""
    from dataset_assets.interfaces.cli.backfill import backfill
    from dataset_assets.interfaces.workspace import Workspace

    backfill(
        Workspace.of(target),
        name,
        first,
        last,
        every=every,
        locked=locked,
        anyway=anyway,
        as_json=as_json,
    )


def rebuild(
    name: Name,
    version: Annotated[
        int, typer.Option("--version", min=1, help="The dataset's version, as `show` and `uses` list it.")
    ],
    partition: Annotated[str | None, typer.Option("--partition", help="A Period: 2017-12.")] = None,
    digest: Annotated[
        str,
        typer.Option(
            "--digest",
            help="First characters of a digest, to choose an earlier publication.",
        ),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the rows: .parquet, .csv.")
    ] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Select the rows of an earlier publication again and compare digests. Publishes nothing.

    The definition, the as-of instant and the versions of the sources are those that it recorded. If a source
    is gone, it is named with the instant since when, and the exit code is 1.
    """
    from dataset_assets.interfaces.cli.rebuild import rebuild_publication
    from dataset_assets.interfaces.workspace import Workspace
    from dataset_assets.lifecycle.past_run import RebuildRequest

    request = RebuildRequest(version=version, period=partition, digest=digest)
    rebuild_publication(Workspace.of(target), name, request, output, as_json=as_json)


def demo(
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Folder in which data/retail is created; by default the project."),
    ] = None,
    target: OptionalTarget = None,
) -> None:
    """Publish the demo's datasets of a year of a grocer's transactions, and print what to try next."""
    from dataset_assets.interfaces.cli.demo import run_demo
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    run_demo(workspace, root.resolve() if root else workspace.settings.project)
