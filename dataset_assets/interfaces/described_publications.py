"""Find one publication and collect the facts about it, for its card and other descriptions."""

import hashlib
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError
from dataset_assets.interchange.publication_facts import ColumnFacts, PublicationFacts, publication_facts
from dataset_assets.interfaces.reading import PublishedRows, open_rows
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.text.wording import listed


@contextmanager
def described_rows(
    workspace: Workspace, name: str, partition: str | None, version: int | None
) -> Generator[tuple[PublishedRows, PublicationFacts]]:
    """Open the rows of one publication, of the last Period by default, and yield them with their facts.

    Raises ResolveError if it does not exist, or for a Period of a bitemporal table, which is one publication.
    """
    catalog = workspace.catalog_if_any
    with open_rows(workspace, RowSelection(name, partition, version)) as every:
        if every.bitemporal and partition is not None:
            message = f"{name} is bitemporal: its Periods are one publication"
            raise ResolveError(Fault(message, hint="leave out --partition"))
        rows = replace(every, publications=every.publications[-1:])
        published = catalog.published_if_any(name)
        entry = published.entry if published else None
        facts = publication_facts(catalog, workspace.target, rows.publications[0], entry, rows.session)
        yield rows, facts


def exported_columns(
    facts: PublicationFacts, rows: PublishedRows, *, with_sensitive: bool
) -> tuple[ColumnFacts, ...]:
    """Return the columns that an export has: those that are not sensitive, unless they are asked for.

    Those of a bitemporal table end with the valid time of its rows, which are those that are known now.
    Raises DatasetAssetsError if there are none.
    """
    columns = tuple(each for each in facts.columns if with_sensitive or not each.sensitive)
    check_columns_left([each.name for each in columns], facts.sensitive)
    shown = rows.bitemporal.shown if rows.bitemporal else ()
    times = [
        ColumnFacts(each.name, ColumnType.TIMESTAMP, True, each.description, False, "", "", None)
        for each in BITEMPORAL_COLUMNS
        if each.name in shown
    ]
    return (*columns, *times)


def check_columns_left(columns: Collection[str], sensitive: Collection[str]) -> None:
    """Raise DatasetAssetsError if no column is left because all of them are sensitive."""
    if not columns:
        message = f"all columns to be written are sensitive: {listed(sorted(sensitive), 12)}"
        raise DatasetAssetsError(Fault(message, hint="name others, or write them with --with-sensitive"))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
