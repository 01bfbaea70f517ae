"""What `show` says of a dataset's publications."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType

from dataset_assets.catalog.catalog import Entry
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.interfaces.cli import listing
from dataset_assets.interfaces.cli.console import cell, say
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.warehouse import Publication, PublicationQuery
from dataset_assets.publishing.dataset_ids import id_conflict, rename_notice_in
from dataset_assets.stats.statistics import Statistics
from dataset_assets.text.wording import listed


def shown(
    workspace: Workspace, entry: Entry, partition: str | None, *, stats: bool
) -> Iterator[RenderableType]:
    """A line for each Period that has rows, and the statistics of one of them."""
    found = _publications(workspace, entry)
    if not found:
        yield cell("Nothing is published yet")
        say(*filter(None, [rename_notice_in(workspace.target, entry)]))
        return
    yield listing.publications(found)
    faults = (fault for each in found for fault in id_conflict(workspace.catalog.checked(entry), each.record))
    say(*dict.fromkeys(map(str, faults)))
    if stats:
        publication = _one(found, partition)
        title = f"Statistics of {publication.period}" if publication.period else "Statistics"
        yield listing.statistics(Statistics.model_validate(publication.record["statistics"]), title)


def history(workspace: Workspace, entry: Entry, partition: str | None, last: int) -> Iterator[RenderableType]:
    """The newest `last` publications, those of one Period where it is named; the newest first.

    Raises ResolveError where there is no publication of that Period.
    """
    target = workspace.target
    with target.engine.connect(JobContext(entry.stem)) as session:
        periods = target.warehouse.periods(entry.stem, session)
        if partition and partition not in periods:
            raise _unknown(partition, periods)
        chosen = [partition] if partition else periods
        found = target.warehouse.recent(entry.stem, chosen, session, last) if chosen else []
    if not found:
        yield cell("Nothing is published yet")
        return
    newest = sorted(found, key=lambda record: record["published_at"], reverse=True)
    yield listing.history(newest[:last])


def _publications(workspace: Workspace, entry: Entry) -> list[Publication]:
    target = workspace.target
    with target.engine.connect(JobContext(entry.stem)) as session:
        periods = target.warehouse.periods(entry.stem, session)
        return target.warehouse.publications(PublicationQuery(entry.stem, periods), session)


def _one(found: list[Publication], partition: str | None) -> Publication:
    for publication in found:
        if publication.period == partition:
            return publication
    if partition is None:
        return found[-1]
    raise _unknown(partition, [each.period for each in found])


def _unknown(partition: str, periods: Iterable[str | None]) -> ResolveError:
    known = listed((period for period in periods if period), 12)
    hint = f"published are: {known}" if known else "it is not published by Period"
    return ResolveError(Fault(f"there is no publication of {partition}", hint=hint))
