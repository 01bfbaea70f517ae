"""The commands that change published rows: rows label, rows delete and rollback.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, DryRun, Name, OptionalTarget, Partition

Condition = Annotated[
    str, typer.Option("--where", metavar="CONDITION", help="The rows that are meant: docs/where.md.")
]


def label(
    name: Name,
    where: Condition,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A label. May be repeated.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="KEY", help="A label to remove. May be repeated.")
    ] = None,
    partition: Partition = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Set and remove labels of published rows."""
    from dataset_assets.interfaces.cli.row_changes import labels, print_report
    from dataset_assets.interfaces.row_changes import label_rows

    report = label_rows(
        name,
        where=where,
        set=labels(set_ or ()),
        remove=remove or (),
        partition=partition,
        dry_run=dry_run,
        target=target,
    )
    print_report(report, as_json=as_json)


def delete(
    name: Name,
    where: Condition,
    partition: Partition = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Delete published rows: they stay in the table, and readers skip them."""
    from dataset_assets.interfaces.cli.row_changes import print_report
    from dataset_assets.interfaces.row_changes import delete_rows

    report = delete_rows(name, where=where, partition=partition, dry_run=dry_run, target=target)
    print_report(report, as_json=as_json)


def rollback(
    name: Name,
    to: Annotated[
        int, typer.Option("--to", min=0, metavar="VERSION", help="The table's version: `show --history`.")
    ],
    partition: Partition = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Publish the rows again that a dataset had in an earlier version of its table."""
    from dataset_assets.interfaces.cli.row_changes import print_report
    from dataset_assets.interfaces.row_changes import roll_back

    report = roll_back(name, to=to, partition=partition, dry_run=dry_run, target=target)
    print_report(report, as_json=as_json)
