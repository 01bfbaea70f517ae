"""The commands that show what a dataset would publish: analyze, preview and failures.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, AsOfText, OneSplit, OptionalTarget

if TYPE_CHECKING:
    from dataset_assets.catalog.catalog import Catalog, Entry
    from dataset_assets.interfaces.workspace import Workspace

NameOrFile = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A dataset, or any .yaml file that is one.")
]
OnePeriod = Annotated[str | None, typer.Option("--partition", help="A Period: 2017-12.")]


def analyze(
    name: NameOrFile,
    partition: OnePeriod = None,
    as_of: AsOfText = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Show what a run would publish: rows after each step, sizes, statistics, leaks. Publishes nothing."""
    from dataset_assets.discovery.analyze import analyze as analyze_dataset
    from dataset_assets.interfaces.cli.analysis import print_analysis
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.dry_runs import dry_run
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    catalog, entry = _entry(workspace, name)
    with dry_run(catalog, entry, as_of, partition) as (at, reports):
        found = analyze_dataset(catalog, workspace.target, entry, at, reports)
    if as_json:
        print_json(found)
    else:
        print_analysis(found)


def preview(
    name: NameOrFile,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, max=10_000, help="At most so many rows.")] = 100,
    partition: OnePeriod = None,
    as_of: AsOfText = None,
    split: OneSplit = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Show the first rows that a run would publish, without system columns. Publishes nothing."""
    from dataset_assets.discovery.preview import preview as preview_dataset
    from dataset_assets.interfaces.cli.analysis import print_preview
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.dry_runs import dry_run
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    catalog, entry = _entry(workspace, name)
    with dry_run(catalog, entry, as_of, partition) as (at, reports):
        found = preview_dataset(catalog, workspace.target, entry, at, rows, split and split.value, reports)
    if as_json:
        print_json(found)
    else:
        print_preview(found)


def failures(
    name: NameOrFile,
    check: Annotated[str, typer.Argument(help="A quality rule, `natural_key_unique`, or `not_null`.")],
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, max=10_000, help="At most so many rows.")] = 20,
    partition: OnePeriod = None,
    as_of: AsOfText = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Show the rows that a run would publish and that fail a check. Publishes nothing."""
    from dataset_assets.discovery.failing_rows import failing_rows
    from dataset_assets.interfaces.cli.analysis import print_failing_rows
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.dry_runs import dry_run
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    catalog, entry = _entry(workspace, name)
    with dry_run(catalog, entry, as_of, partition) as (at, reports):
        found = failing_rows(catalog, workspace.target, entry, at, check, rows, reports)
    if as_json:
        print_json(found)
    else:
        print_failing_rows(found)


def _entry(workspace: "Workspace", name: str) -> "tuple[Catalog, Entry]":
    """Return the dataset of that name, or the one in the file of that path, with the catalog that has it."""
    from dataset_assets.catalog.drafts import with_draft

    if name.endswith((".yaml", ".yml")) or "/" in name:
        return with_draft(workspace.catalog, Path(name).absolute())
    return workspace.catalog, workspace.catalog.entry(name)
