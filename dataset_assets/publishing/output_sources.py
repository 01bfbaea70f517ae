"""Find what one Period of a Project's output is made of: publications of its dataset, and earlier rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.project_versions import output_sha256
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.project import Joins, Output
from dataset_assets.contract.row_operations import ReperiodRows
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Record, Warehouse
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.recorded_columns import NESTED, recorded_columns
from dataset_assets.rows.output_rows import CheckedOperation, EarlierOutput
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.sql.internal_names import Names
from dataset_assets.sql.where.where import parse_where
from dataset_assets.text.wording import listed

OUTPUT = "output"
"""The key for the Project, the dataset and the operations of an output; no dataset's record has it."""
STATE = "output_state"
"""The key of an output's record for what its rows are made of: `state_of`."""


@dataclass(frozen=True)
class OutputRequest:
    """Which Period of which output to publish. The other fields are those of a dataset's `Request`."""

    output: Output
    run_id: str
    now: datetime
    period: Period | None = None
    locked: bool = False
    attempt: int = 0
    reread: bool = False

    @property
    def period_id(self) -> str | None:
        """The id of the Period; None for an output of an unpartitioned dataset."""
        return self.period.id if self.period else None


def output_id(project_id: UUID, name: str) -> UUID:
    """Return the id of an output, by which its table is recognized."""
    return uuid5(project_id, name)


def present_periods(catalog: Catalog, dataset: str, published: Iterable[str | None]) -> list[str | None]:
    """Return those of the published Periods that the dataset has today, in their order."""
    schedule = schedule_of(catalog, catalog.entry(dataset))
    return [each for each in published if schedule is None or each is None or schedule.has(each)]


def periods_read(
    period: str | None, moved_to: frozenset[str], published: Sequence[str | None]
) -> list[str | None]:
    """Return the published Periods of the dataset that one Period of an output is made of.

    Rows of every Period can move to a Period that an operation names.
    """
    return [each for each in published if each == period or period in moved_to]


def in_order_of_moves(output: Output, periods: Sequence[Period | None]) -> list[Period | None]:
    """Return the Periods with those first that rows move to: a moved row is then known by where it was."""
    return sorted(periods, key=lambda each: each is None or each.id not in output.periods_moved_to)


def state_of(output: Output, records: Mapping[str | None, Record]) -> dict[str, object]:
    """Return what an output of these publications is made of: it is due when its record has another state."""
    return {
        "output": output_sha256(output),
        "publications": {period or "": record["published_at"] for period, record in records.items()},
    }


@dataclass(frozen=True)
class OutputSources:
    """The publications that one Period of an output is made of, all of one version of the table."""

    catalog: Catalog
    warehouse: Warehouse
    request: OutputRequest
    publications: tuple[Publication, ...]
    session: Session

    @property
    def record(self) -> Record:
        """The record of the dataset's publication of the same Period, else that of the last Period read."""
        own = (each for each in self.publications if each.period == self.request.period_id)
        return next(own, self.publications[-1]).record

    @cached_property
    def columns(self) -> PublishedColumns:
        """The columns that the dataset's publications have."""
        return recorded_columns(self.catalog, self.warehouse, self.record, self.session)

    @cached_property
    def published(self) -> PublishedColumns:
        """The columns that the output publishes."""
        is_runtime = self.request.output.step.joins is Joins.RUNTIME
        several = len(self.publications) > 1
        return replace(self.columns, without_lookups=is_runtime, of_several_periods=several)

    @cached_property
    def operations(self) -> list[CheckedOperation]:
        """The operations with conditions that fit the columns. Raises WhereError if they do not."""
        types = recorded_where_types(self.record)
        return [
            CheckedOperation(each, parse_where(each.where, types)) for each in self.request.output.operations
        ]

    @property
    def names(self) -> Names:
        """Generator of internal names that differ from the published columns."""
        return Names.beside(each.name for each in self.columns.stored)

    @property
    def dataset(self) -> Dataset:
        """The definition of the rows, as the output may be empty or not."""
        dataset = self.columns.scope.dataset
        allow_empty = dataset.allow_empty or self.request.output.step.allow_empty
        return dataset.model_copy(update={"allow_empty": allow_empty})

    @property
    def state(self) -> dict[str, object]:
        """What the output is made of, for its record."""
        return state_of(self.request.output, {each.period: each.record for each in self.publications})

    @property
    def versions(self) -> dict[str, str]:
        """The digests of the rows that are read, by the source and, if several are read, the Period."""
        name = f"{NESTED}{self.request.output.dataset}"
        several = len(self.publications) > 1
        return {
            f"{name}/{each.period}" if several else name: each.record["digest"] for each in self.publications
        }

    def is_current(self) -> bool:
        """Return whether the dataset's publications are still those that were found."""
        return {each.period: each.record["published_at"] for each in self.publications} == {
            each.period: each.record["published_at"] for each in self._found_now()
        }

    def _found_now(self) -> Sequence[Publication]:
        periods = [each.period for each in self.publications]
        query = PublicationQuery(self.request.output.dataset, periods)
        return self.warehouse.publications(query, self.session)


def output_sources(
    catalog: Catalog, warehouse: Warehouse, request: OutputRequest, session: Session
) -> OutputSources:
    """Find the publications that are read.

    Raises ResolveError if there is none, or if their columns differ from Period to Period.
    """
    dataset, period = request.output.dataset, request.period_id
    published = present_periods(catalog, dataset, warehouse.periods(dataset, session))
    chosen = periods_read(period, request.output.periods_moved_to, published)
    found = tuple(warehouse.publications(PublicationQuery(dataset, chosen), session)) if chosen else ()
    if not found:
        what = f"{dataset} of {period}" if period else dataset
        raise ResolveError(Fault(f"{what} is not published yet", hint=f"materialize {dataset} first"))
    sources = OutputSources(catalog, warehouse, request, found, session)
    columns = sources.record["columns"]
    others = [str(each.period) for each in found if each.record["columns"] != columns]
    if others:
        message = f"{dataset} has other columns in {listed(others, 12)} than in {sources.record['period']}"
        raise ResolveError(Fault(message, hint="publish these Periods again"))
    return sources


def previous_output(request: OutputRequest, warehouse: Warehouse, session: Session) -> Publication | None:
    """Return the output's publication that is replaced; None if there is none."""
    if warehouse.version(request.output.stem, session) is None:
        return None
    return warehouse.current(request.output.stem, request.period_id, session)


def earlier_output(
    sources: OutputSources, previous: Publication | None, warehouse: Warehouse, session: Session
) -> EarlierOutput:
    """Return all earlier rows of an output that may be recognized.

    If an operation moves rows, or moved them for the previous publication, a row may have been in any Period
    before. Periods with other columns than today's are left out, but for the one that is replaced.
    """
    request, found = sources.request, [previous] if previous else []
    if request.output.periods_moved_to or (previous and _moved_rows(previous.record)):
        stem = request.output.stem
        periods = warehouse.periods(stem, session) if warehouse.version(stem, session) is not None else []
        found = warehouse.publications(PublicationQuery(stem, periods), session) if periods else []
    wanted = [(each.name, each.type.value) for each in sources.published.stored]
    same = [each for each in found if [(c["name"], c["type"]) for c in each.record["columns"]] == wanted]
    own = [each for each in found if each.period == request.period_id]
    has_columns = not own or own[0] in same
    chosen = same if has_columns else own
    return EarlierOutput(tuple(each.relation.source for each in chosen), has_columns)


def _moved_rows(record: Record) -> bool:
    return any(each["type"] == ReperiodRows.kind for each in record[OUTPUT]["operations"])
