"""Describe a dataset's publications for `show`: the current ones, their statistics, and the history."""

from collections.abc import Iterator

from rich.console import RenderableType

from dataset_assets.catalog.catalog import Entry
from dataset_assets.interfaces.cli import listing
from dataset_assets.interfaces.cli.console import cell, say
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.history import past_records, unknown_period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.warehouse import Publication, PublicationQuery
from dataset_assets.publishing.dataset_ids import id_conflict, rename_notice_in
from dataset_assets.stats.statistics import Statistics


def describe_publications(
    workspace: Workspace, entry: Entry, partition: str | None, *, stats: bool
) -> Iterator[RenderableType]:
    """Yield a table of the current publications and, with `stats`, the statistics of one of them.

    Raises ResolveError if `partition` is not published.
    """
    publications = _publications(workspace, entry)
    if not publications:
        yield cell("Nothing is published yet")
        say(*filter(None, [rename_notice_in(workspace.target, entry)]))
        return
    yield listing.publications_table(publications)
    faults = (
        fault for each in publications for fault in id_conflict(workspace.catalog.checked(entry), each.record)
    )
    say(*dict.fromkeys(map(str, faults)))
    if stats:
        publication = _select(publications, partition)
        title = f"Statistics of {publication.period}" if publication.period else "Statistics"
        yield listing.statistics_table(Statistics.model_validate(publication.record["statistics"]), title)


def history(workspace: Workspace, entry: Entry, partition: str | None, last: int) -> Iterator[RenderableType]:
    """Yield a table of the newest `last` publications, of one Period if it is named; the newest first.

    Raises ResolveError if that Period is not published.
    """
    records = past_records(workspace.target, entry.stem, partition, last)
    yield listing.history_table(records) if records else cell("Nothing is published yet")


def _publications(workspace: Workspace, entry: Entry) -> list[Publication]:
    target = workspace.target
    with target.engine.connect(JobContext(entry.stem)) as session:
        periods = target.warehouse.periods(entry.stem, session)
        return target.warehouse.publications(PublicationQuery(entry.stem, periods), session)


def _select(publications: list[Publication], partition: str | None) -> Publication:
    for publication in publications:
        if publication.period == partition:
            return publication
    if partition is None:
        return publications[-1]
    raise unknown_period(partition, [each.period for each in publications])
