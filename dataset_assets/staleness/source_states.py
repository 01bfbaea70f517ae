"""The state of all sources and publications at one instant; each table and dataset is queried once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.resolver import Resolver, Survey, TableState, TimeRange
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.source_locator import SourceLocator


@dataclass(frozen=True)
class SourceState:
    """The state of one source as its metadata gives it now.

    Without a `version`, either `unknown_because` says why metadata has none, or `faults` are those for which
    a run would be refused.
    """

    version: str = ""
    rows: int | None = None
    unknown_because: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class SourceStates:
    """The state of all sources and publications at the instant `now`; answers are cached."""

    catalog: Catalog
    target: Target
    now: datetime
    session: Session
    _scopes: dict[str, Scope] = field(default_factory=dict)
    _records: dict[str, Mapping[str | None, Record]] = field(default_factory=dict)
    _surveys: dict[tuple[str, str], Survey] = field(default_factory=dict)
    _periods: dict[tuple[str, str], Mapping[str, Period]] = field(default_factory=dict)

    def scope(self, entry: Entry) -> Scope:
        """Return the scope of a dataset, which all its Periods share."""
        if entry.stem not in self._scopes:
            self._scopes[entry.stem] = self.catalog.scope(entry)
        return self._scopes[entry.stem]

    def records(self, stem: str) -> Mapping[str | None, Record]:
        """Return the record of each published Period of a dataset."""
        if stem not in self._records:
            records = self.target.warehouse.records(stem, self.session)
            self._records[stem] = {period: record for period, record in records.items() if record}
        return self._records[stem]

    def state(self, source: Source, locator: SourceLocator) -> SourceState:
        """Return the state of one source; faults of a table or of its Resolver become its `faults`."""
        try:
            if source.nested:
                record = self.nested_record(source.nested, locator)
                return SourceState(record["digest"]) if record else SourceState("not published yet")
            table = self.table_state(locator.scope.dataset, source.table, locator.time_range(source))
            faults = () if source.lookup else tuple(locator.faults_of_period())
        except DatasetAssetsError as error:
            return SourceState(faults=error.faults)
        unknown_because = "" if table.version else table.unknown or "unknown"
        return SourceState(table.version, table.row_count, unknown_because, faults)

    def nested_record(self, nested: NamedDataset, locator: SourceLocator) -> Record | None:
        """Return the record of the publication of a nested dataset that is read; None if there is none.

        Raises PeriodError as `period_of` does.
        """
        period = self.period_of(nested, locator)
        return self.records(nested.stem).get(period.id if period else None)

    def period_of(self, nested: NamedDataset, locator: SourceLocator) -> Period | None:
        """Return the Period whose publication of a nested dataset is read (BR-122).

        Raises PeriodError if the Period is unknown.
        """
        schedule = schedule_of(self.catalog, self.catalog.entry(nested.stem))
        if schedule is None:
            return None
        published = list(self.records(nested.stem))
        period_id = locator.same_period(nested) or (published[-1] if published else None)
        return schedule.period(period_id) if period_id else schedule.last_complete(self.now)

    def table_state(self, dataset: Dataset, table: str, time_range: TimeRange | None) -> TableState:
        """Return the state of a table's pieces in a time range. Raises ResolveError as its Resolver does."""
        resolver = self.target.resolver_of(dataset, table)
        key = resolver.name, table
        if key not in self._surveys:
            try:
                self._surveys[key] = resolver.survey(table)
            except DatasetAssetsError as error:
                self._surveys[key] = _refused(error)
        return self._surveys[key](time_range)

    def periods(self, resolver: Resolver, table: str) -> Mapping[str, Period]:
        """Return the Periods that a table has pieces of, by id. Raises ResolveError as its Resolver does."""
        key = resolver.name, table
        if key not in self._periods:
            self._periods[key] = resolver.periods(table)
        return self._periods[key]


def _refused(error: DatasetAssetsError) -> Survey:
    """Return a survey that raises the same faults at each call."""

    def refused(time_range: TimeRange | None) -> TableState:  # noqa: ARG001 - a Survey has this parameter
        raise type(error)(*error.faults)

    return refused
