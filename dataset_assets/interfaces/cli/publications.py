"""Describe a dataset's publications for `show`: the current ones, their statistics, and the history."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType

from dataset_assets.catalog.catalog import Entry, PublishedName
from dataset_assets.contract.model import Dataset
from dataset_assets.interfaces.answers.datasets import DatasetAnswer, dataset_answer
from dataset_assets.interfaces.answers.publications import PublicationAnswer, PublicationsAnswer
from dataset_assets.interfaces.cli import listing
from dataset_assets.interfaces.cli.console import cell, facts, say
from dataset_assets.interfaces.cli.split_tables import split_tables
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.history import past_records, unknown_period
from dataset_assets.lifecycle.uses import UseList, last_uses, list_uses
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.erasure import ERASED_ROWS
from dataset_assets.ports.warehouse import Publication, PublicationQuery
from dataset_assets.publishing.dataset_ids import id_conflict, rename_notices
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.stats.statistics import Statistics
from dataset_assets.text.wording import listed


def describe_publications(
    workspace: Workspace, published: PublishedName, partition: str | None, *, stats: bool
) -> Iterator[RenderableType]:
    """Yield a table of the current publications and, with `stats`, the statistics of one of them.

    Raises ResolveError if `partition` is not published.
    """
    publications = current_publications(workspace, published.stem)
    is_output = published.stem != published.entry.stem
    if not publications:
        yield cell("Nothing is published yet")
        say(*([] if is_output else rename_notices(workspace.target, [published.entry])))
        return
    yield listing.publications_table(publications)
    yield from (listing.loads_table(each.record) for each in publications if loads_of(each.record))
    yield _kept(list_uses(workspace.target, published.stem))
    erased = sum(int(each.record.get(ERASED_ROWS, 0)) for each in publications)
    if erased:
        listed_by = f"`dataset-assets erase --list {published.stem}`"
        yield cell(f"{erased:,} rows that were erased are left out: {listed_by}")
    if not is_output:
        say(*_id_conflicts(workspace.catalog.checked(published.entry), publications))
    if stats:
        publication = _select(publications, partition)
        title = f"Statistics of {publication.period}" if publication.period else "Statistics"
        statistics = Statistics.model_validate(publication.record["statistics"])
        yield listing.statistics_table(statistics, title)
        yield from split_tables(statistics)


def _id_conflicts(dataset: Dataset, publications: Sequence[Publication]) -> Iterable[str]:
    faults = (fault for each in publications for fault in id_conflict(dataset, each.record))
    return dict.fromkeys(map(str, faults))


def _kept(found: UseList) -> RenderableType:
    """Return the last use and the pinned publications; nothing is printed if there are none."""
    last = f"{found.uses[0].used_at:%Y-%m-%d %H:%M}Z by {found.uses[0].training_run}" if found.uses else ""
    pins = (f"version {each.table_version}" + f" of {each.period}" * bool(each.period) for each in found.pins)
    return facts([("last used", last), ("pinned", listed(pins, 12))])


def history(workspace: Workspace, stem: str, partition: str | None, last: int) -> Iterator[RenderableType]:
    """Yield a table of the newest `last` publications, of one Period if it is named; the newest first.

    Raises ResolveError if that Period is not published.
    """
    records = past_records(workspace.target, stem, partition, last)
    yield listing.history_table(records) if records else cell("Nothing is published yet")


def history_answer(workspace: Workspace, stem: str, partition: str | None, last: int) -> PublicationsAnswer:
    """Return the newest `last` publications as `history` shows them. Raises as `history` does."""
    records = past_records(workspace.target, stem, partition, last)
    return PublicationsAnswer(publications=tuple(map(PublicationAnswer.of_record, records)))


def dataset_with_publications(
    workspace: Workspace, entry: Entry, partition: str | None, *, stats: bool
) -> DatasetAnswer:
    """Return a dataset with its current publications and, with `stats`, the statistics of one of them.

    Raises ResolveError if `partition` is not published, and ContractError if the file has faults.
    """
    workspace.catalog.checked(entry)
    publications = current_publications(workspace, entry.stem)
    shown = _select(publications, partition).record["statistics"] if stats and publications else {}
    answers = tuple(PublicationAnswer.of_record(each.record, each.version) for each in publications)
    answer = dataset_answer(workspace.catalog, entry, answers, shown)
    last = last_uses(workspace.target, [entry.stem]).get(entry.stem)
    return answer.model_copy(update={"last_used_at": last})


def current_publications(workspace: Workspace, stem: str) -> list[Publication]:
    """Return the current publications of a table, in the order of time."""
    target = workspace.target
    with target.engine.connect(JobContext(stem)) as session:
        periods = target.warehouse.periods(stem, session)
        return target.warehouse.publications(PublicationQuery(stem, periods), session)


def _select(publications: list[Publication], partition: str | None) -> Publication:
    for publication in publications:
        if publication.period == partition:
            return publication
    if partition is None:
        return publications[-1]
    raise unknown_period(partition, [each.period for each in publications])
