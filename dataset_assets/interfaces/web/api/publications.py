"""The API of versions and publications: what changed, what was published, its checks and statistics."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dataset_assets.discovery.analysis import CheckOutcome
from dataset_assets.discovery.preview import DEFAULT_ROWS, MOST_ROWS, Preview
from dataset_assets.errors import Fault, NotStoredError
from dataset_assets.interchange.dataset_card import dataset_card
from dataset_assets.interfaces.answers.publications import PublicationAnswer
from dataset_assets.interfaces.described_publications import described_rows
from dataset_assets.interfaces.web.api.documentation import long_work, problems
from dataset_assets.interfaces.web.api.long_work import Prefer, result_or_operation
from dataset_assets.interfaces.web.api.pagination import RequestedPage
from dataset_assets.interfaces.web.api.parameters import DatasetId, Partition, SplitName, ValidAt, WhereText
from dataset_assets.interfaces.web.api.resource import published_statistics
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.operations import Say
from dataset_assets.interfaces.web.published_preview import published_preview
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.compare import (
    PublicationComparison,
    compare_publications,
    publication_reference,
)
from dataset_assets.lifecycle.compare_rows import RowComparison, SideRequest, compare_rows
from dataset_assets.lifecycle.diff import VersionDiff, diff_versions
from dataset_assets.lifecycle.history import VersionLine, dataset_history, past_records, unknown_period
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.warehouse import Record
from dataset_assets.stats.statistics import Statistics
from dataset_assets.system_errors import system_errors_as_faults

router = APIRouter(prefix="/datasets/{dataset_id}", tags=["publications"])
_ROWS_OF = "`PERIOD`, `PERIOD@VERSION` or `@VERSION`, with a version of the published table."
MOST_PAST = 1_000
"""How many publications of a Period are listed."""


class VersionPage(Model):
    """The versions of a dataset, the newest first. `next` is the cursor of the next page."""

    dataset: str
    id: str | None
    versions: tuple[VersionLine, ...]
    next: str | None = None


class PastPublicationAnswer(PublicationAnswer):
    """A publication. `reference` names it in `publications/compare/`."""

    reference: str


class PublicationPage(Model):
    """Publications, the newest first. `next` is the cursor of the next page."""

    dataset: str
    publications: tuple[PastPublicationAnswer, ...]
    next: str | None = None


class ChecksAnswer(Model):
    """The results of the checks of one publication."""

    dataset: str
    period: str | None
    published_at: Instant
    run_id: str
    checks: tuple[CheckOutcome, ...]


class StatisticsAnswer(Model):
    """The statistics of one publication, exactly as they are recorded: decimals are text."""

    dataset: str
    period: str | None
    published_at: Instant
    statistics: Statistics


class CardAnswer(Model):
    """The dataset card of one publication. `card` is Markdown without values of sensitive columns."""

    dataset: str
    period: str | None
    published_at: Instant
    table_version: int
    card: str


@router.get("/versions/", responses=problems(404, 409))
def list_versions(
    dataset_id: DatasetId, state: State, _who: Reader, page: RequestedPage
) -> Success[VersionPage]:
    """List the versions of a dataset: number, kind, when, and what changed."""
    found = dataset_history(state.catalog, dataset_id)
    lines = {each.version: each for each in found.versions}  # a number can have several lines
    part = page.of(lines.values(), lambda each: (each.version,), newest_first=True)
    return Success(data=VersionPage(dataset=found.dataset, id=found.id, versions=part.items, next=part.next))


@router.get("/versions/compare/", responses=problems(404, 409))
def compare_versions(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    before: Annotated[
        int | None, Query(alias="from", ge=1, description="A version; by default the last locked one.")
    ] = None,
    after: Annotated[
        int | None, Query(alias="to", ge=1, description="Another one; by default the file as it is.")
    ] = None,
) -> Success[VersionDiff]:
    """Say in words what changed between two versions of a dataset."""
    return Success(data=diff_versions(state.catalog, dataset_id, before, after))


@router.get("/publications/", responses=problems(404, 409))
def list_publications(
    dataset_id: DatasetId, state: State, _who: Reader, page: RequestedPage, partition: Partition = None
) -> Success[PublicationPage]:
    """List the publications of a dataset, also those whose rows are gone."""
    entry = state.catalog.entry(dataset_id)
    with system_errors_as_faults():
        records = past_records(state.target, entry.stem, partition, MOST_PAST)
    part = page.of(records, _record_key, newest_first=True)
    publications = tuple(
        PastPublicationAnswer(
            **vars(PublicationAnswer.of_record(each)), reference=publication_reference(each)
        )
        for each in part.items
    )
    return Success(data=PublicationPage(dataset=entry.stem, publications=publications, next=part.next))


def _record_key(record: Record) -> tuple[str, str, str]:
    return record["published_at"], record["period"] or "", record["run_id"]


@router.get("/publications/compare/", responses=problems(404, 409))
def compare_two_publications(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    before: Annotated[
        str,
        Query(alias="from", description="`reference` of a publication, or a Period.", examples=["2017-11"]),
    ],
    after: Annotated[
        str,
        Query(alias="to", description="`reference` of another one, or a Period.", examples=["2017-12"]),
    ],
) -> Success[PublicationComparison]:
    """Compare two publications: counts, statistics of columns side by side, and their definitions."""
    catalog = state.catalog
    found = compare_publications(catalog, state.target, catalog.entry(dataset_id), before, after)
    return Success(data=found)


@router.get(
    "/publications/compare/rows/", response_model=Success[RowComparison], responses=long_work(404, 409)
)
def compare_published_rows(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    request: Request,
    before: Annotated[str, Query(alias="from", description=_ROWS_OF, examples=["2017-11"])] = "",
    after: Annotated[str, Query(alias="to", description=_ROWS_OF, examples=["2017-12"])] = "",
    other: Annotated[str | None, Query(alias="with", description="Another dataset, for `to`.")] = None,
    _prefer: Prefer = None,
) -> Response:
    """Compare rows by identity: added, removed and changed ones, by column. Sensitive values are masked.

    By default the last version of the table is compared with the one before it.
    """
    catalog, target = state.catalog, state.target
    published = catalog.published(dataset_id)
    old = SideRequest(published, target, before)
    new = SideRequest(catalog.published(other or dataset_id), target, after)

    def work(say: Say) -> RowComparison:
        say("comparing the rows")
        return compare_rows(catalog, old, new)

    return result_or_operation(state, request, "compare", published.stem, work)


@router.get("/publications/rows/", response_model=Success[Preview], responses=long_work(404, 409))
def get_published_rows(
    dataset_id: DatasetId,
    state: State,
    _who: Reader,
    request: Request,
    rows: Annotated[int, Query(ge=1, le=MOST_ROWS, description="At most so many rows.")] = DEFAULT_ROWS,
    partition: Partition = None,
    split: SplitName = None,
    where: WhereText = None,
    valid_at: ValidAt = None,
    _prefer: Prefer = None,
) -> Response:
    """Return the first published rows, of the last Period by default. Sensitive values are masked.

    Of a bitemporal dataset a Period is the one whose knowledge is returned, by default the last.
    A condition on a sensitive column is refused, because which rows there are would reveal its values.
    """
    workspace, entry = state.workspace.over(state.catalog), state.catalog.entry(dataset_id)

    def work(say: Say) -> Preview:
        say("reading the published rows")
        return published_preview(workspace, entry.stem, rows, partition, split, where, valid_at)

    return result_or_operation(state, request, "preview", entry.stem, work)


@router.get("/checks/", responses=problems(404, 409))
def get_checks(
    dataset_id: DatasetId, state: State, _who: Reader, partition: Partition = None
) -> Success[ChecksAnswer]:
    """Return the results of the checks of the last publication, or of that of a Period."""
    record = _current(state, state.catalog.entry(dataset_id).stem, partition)
    shown = {name: record[name] for name in ("dataset", "period", "published_at", "run_id")}
    checks = tuple(CheckOutcome.model_validate({"metadata": {}, **each}) for each in record["checks"])
    return Success(data=ChecksAnswer(**shown, checks=checks))


@router.get("/statistics/", responses=problems(404, 409))
def get_published_statistics(
    dataset_id: DatasetId, state: State, _who: Reader, partition: Partition = None
) -> Success[StatisticsAnswer]:
    """Return the statistics of the last publication, or of that of a Period."""
    catalog = state.catalog
    entry = catalog.entry(dataset_id)
    record = _current(state, entry.stem, partition)
    shown = {name: record[name] for name in ("dataset", "period", "published_at")}
    return Success(data=StatisticsAnswer(**shown, statistics=published_statistics(catalog, entry, record)))


@router.get("/card/", responses=problems(404, 409))
def get_card(
    dataset_id: DatasetId, state: State, _who: Reader, partition: Partition = None
) -> Success[CardAnswer]:
    """Return the dataset card of the last publication, or of that of a Period, as Markdown."""
    workspace, stem = state.workspace.over(state.catalog), state.catalog.entry(dataset_id).stem
    _current(state, stem, partition)
    with system_errors_as_faults(), described_rows(workspace, stem, partition, None) as (_, facts):
        shown = {name: facts.record[name] for name in ("dataset", "period", "published_at")}
        return Success(data=CardAnswer(**shown, table_version=facts.table_version, card=dataset_card(facts)))


def _current(state: ServerState, stem: str, period: str | None) -> Record:
    """Return the record of the current publication of a Period, by default of the last one.

    Raises NotStoredError if there is none.
    """
    target = state.target
    with system_errors_as_faults(), target.engine.connect(JobContext(stem)) as session:
        records = {key: each for key, each in target.warehouse.records(stem, session).items() if each}
    if not records:
        raise NotStoredError(Fault(f"{stem} is not published", hint="materialize it first"))
    if period is not None and period not in records:
        raise unknown_period(period, list(records))
    return records[period] if period is not None else list(records.values())[-1]
