"""The commands that show the tables of a target: tables and describe.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, OptionalTarget


def tables(
    resolver: Annotated[
        str | None, typer.Option("--resolver", help="Only the tables of this resolver of the target.")
    ] = None,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """List the tables that a dataset can read: rows, last modified, columns."""
    from dataset_assets.discovery.tables import list_tables
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.tables import print_tables
    from dataset_assets.interfaces.workspace import Workspace

    found = list_tables(Workspace.of(target).target, resolver)
    if as_json:
        print_json(found)
    else:
        print_tables(found)


def describe(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table: `table` or `resolver/table`.")],
    stats: Annotated[bool, typer.Option("--stats", help="Statistics of the rows as well.")] = False,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Describe a table: its columns, the types to declare, and statistics of its rows."""
    from dataset_assets.discovery.describe import describe_table
    from dataset_assets.discovery.sensitive import sensitive_columns
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.tables import print_description, say_cost
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    hidden = sensitive_columns(workspace.catalog_if_any, workspace.target, table)
    found = describe_table(workspace.target, table, statistics=stats, sensitive=hidden, report_cost=say_cost)
    if as_json:
        print_json(found)
    else:
        print_description(found)
