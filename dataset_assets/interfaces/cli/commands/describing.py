"""The commands that describe publications to others: card, croissant, odcs and openlineage.

Each command imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.options import Name, OptionalTarget, TableVersion, WithSensitive

LastPeriod = Annotated[
    str | None, typer.Option("--partition", help="A Period: 2017-12; by default the last.")
]
OutputFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="By default it is printed.")
]


def card(
    name: Name,
    partition: LastPeriod = None,
    version: TableVersion = None,
    output: OutputFile = None,
    target: OptionalTarget = None,
) -> None:
    """Print the dataset card of a publication as Markdown: columns, splits, statistics, sources, checks."""
    from dataset_assets.interfaces.cli.descriptions import print_card
    from dataset_assets.interfaces.workspace import Workspace

    print_card(Workspace.of(target), name, partition, version, output)


def croissant(
    name: Name,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Made if need be.")],
    partition: LastPeriod = None,
    version: TableVersion = None,
    license_url: Annotated[
        str | None, typer.Option("--license", metavar="URL", help="The license of the dataset.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The page of the dataset.")] = None,
    with_sensitive: WithSensitive = False,
    target: OptionalTarget = None,
) -> None:
    """Write a publication as Parquet with Croissant 1.1 metadata, which other tools load and check."""
    from dataset_assets.interchange.croissant import Terms
    from dataset_assets.interfaces.cli.descriptions import export_croissant
    from dataset_assets.interfaces.workspace import Workspace

    terms = Terms(license_url, url)
    export_croissant(
        Workspace.of(target), name, partition, version, folder, terms, with_sensitive=with_sensitive
    )


def odcs(name: Name, output: OutputFile = None, target: OptionalTarget = None) -> None:
    """Print a dataset as a data contract (ODCS): columns, quality rules, owner, service level."""
    from dataset_assets.interfaces.cli.contracts import print_contract
    from dataset_assets.interfaces.workspace import Workspace

    print_contract(Workspace.of(target), name, output)


def openlineage(
    name: Name,
    partition: LastPeriod = None,
    version: TableVersion = None,
    output: OutputFile = None,
    target: OptionalTarget = None,
) -> None:
    """Print the OpenLineage event of a publication: what it read, and the sources of each column."""
    from dataset_assets.interfaces.cli.descriptions import print_event
    from dataset_assets.interfaces.workspace import Workspace

    print_event(Workspace.of(target), name, partition, version, output)
