"""The state of all sources and publications at one instant; each table and dataset is queried once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.build_order import Schedule, schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.resolver import Resolver, Survey, TimeRange
from dataset_assets.ports.target import PublishingTarget, Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.continuity import continuity_faults
from dataset_assets.publishing.nested_versions import nested_version
from dataset_assets.publishing.source_locator import unpublished_fault
from dataset_assets.staleness.dataset_inputs import DatasetInputs
from dataset_assets.staleness.lookback import Lookbacks
from dataset_assets.staleness.published_records import PublishedRecords


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


_UNPUBLISHED = SourceState("not published yet")


@dataclass(frozen=True)
class SourceStates:
    """The state of all sources and publications at the instant `now`; answers are cached.

    What many datasets read is looked up once: a table in a time range, the Periods of a table, the records
    and the schedule of a nested dataset.
    """

    catalog: Catalog
    target: Target
    now: datetime
    session: Session
    _inputs: dict[str, DatasetInputs] = field(default_factory=dict)
    _own: dict[str, PublishedRecords] = field(default_factory=dict)
    _surveys: dict[tuple[str, str], Survey | DatasetAssetsError] = field(default_factory=dict)
    _tables: dict[tuple[str, str, TimeRange | None], SourceState] = field(default_factory=dict)
    _periods: dict[tuple[str, str], Mapping[str, Period]] = field(default_factory=dict)
    _schedules: dict[str, Schedule | None] = field(default_factory=dict)
    _others: dict[str, PublishedRecords] = field(default_factory=dict)
    """What other targets have published of nested datasets that this one has not."""
    _continuity: dict[str, tuple[Fault, ...]] = field(default_factory=dict)

    @cached_property
    def _lookbacks(self) -> Lookbacks:
        return Lookbacks(self.now)

    def inputs(self, entry: Entry) -> DatasetInputs:
        """Return what all Periods of a dataset share. Raises ContractError if the dataset is broken."""
        if entry.stem not in self._inputs:
            scope = self.catalog.scope(entry)
            lookbacks = self._lookbacks.of(scope.dataset)
            self._inputs[entry.stem] = DatasetInputs(entry, scope, self.target, lookbacks)
        return self._inputs[entry.stem]

    def records(self, stem: str) -> dict[str | None, Record]:
        """Return the record of each published Period of a dataset, in order of time.

        A bitemporal dataset has a record of each load.
        """
        return self._published(stem).by_period

    def read_records(self, stems: Iterable[str]) -> None:
        """Read the records of many datasets at once, if the warehouse can by one query."""
        unknown = [stem for stem in stems if stem not in self._own]
        if len(unknown) > 1:
            found = self.target.warehouse.records_of_many(unknown, self.session)
            self._own.update({stem: PublishedRecords.of(records) for stem, records in found.items()})

    def _published(self, stem: str) -> PublishedRecords:
        if stem not in self._own:
            records = self.target.warehouse.records(stem, self.session)
            self._own[stem] = PublishedRecords.of(records)
        return self._own[stem]

    def digests(self, stem: str) -> dict[str | None, str]:
        """Return the digest of each published Period of a dataset, and of a bitemporal table as a whole."""
        return self._published(stem).digests

    def nested_digests(self, stem: str) -> dict[str | None, str]:
        """Return the `digests` of the publications that datasets which nest this one read."""
        return self._read_of(stem).digests

    def read_from(self, stem: str) -> str:
        """Return the other target whose publications of a nested dataset are read; empty for the own one."""
        return self._read_of(stem).target

    def _read_of(self, stem: str) -> PublishedRecords:
        """Return the records of the publications that are read of a nested dataset (BR-139)."""
        own = self._published(stem)
        if own.by_period or not self.target.reads_from:
            return own
        if stem not in self._others:
            found = (self._published_by(each, stem) for each in self.target.reads_from)
            self._others[stem] = next((each for each in found if each.by_period), own)
        return self._others[stem]

    def _published_by(self, publisher: PublishingTarget, stem: str) -> PublishedRecords:
        found = PublishedRecords.of(publisher.warehouse.records(stem, self.session))
        return replace(found, target=publisher.name)

    def continuity_faults(self, entry: Entry) -> tuple[Fault, ...]:
        """Return why no run of a dataset can continue what is published; empty if each can."""
        stem = entry.stem
        if stem not in self._continuity:
            scope, published = self.inputs(entry).scope, self._published(stem)
            records = {None: published.whole} if published.whole else published.by_period
            columns = tuple(output.definition for output in scope.outputs)
            found = continuity_faults(scope.dataset, columns, records)
            self._continuity[stem] = tuple(found)
        return self._continuity[stem]

    def latest_records(self, stem: str, number: int) -> list[Record]:
        """Return the records of the last published Periods of a dataset, in order of time."""
        return [*islice(reversed(self.records(stem).values()), number)][::-1]

    def table(self, resolver: Resolver, table: str, time_range: TimeRange | None) -> SourceState:
        """Return the state of a table's pieces in a time range; faults of its Resolver are its `faults`."""
        key = resolver.name, table, time_range
        if key not in self._tables:
            self._tables[key] = self._table(resolver, table, time_range)
        return self._tables[key]

    def _table(self, resolver: Resolver, table: str, time_range: TimeRange | None) -> SourceState:
        try:
            found = self._survey(resolver, table)(time_range)
        except DatasetAssetsError as error:
            return SourceState(faults=error.faults)
        return SourceState(
            found.version, found.row_count, "" if found.version else found.unknown or "unknown"
        )

    def _survey(self, resolver: Resolver, table: str) -> Survey:
        """Return the survey of a table. Raises the errors of its Resolver at each call."""
        key = resolver.name, table
        if key not in self._surveys:
            try:
                self._surveys[key] = resolver.survey(table)
            except DatasetAssetsError as error:
                self._surveys[key] = error
        survey = self._surveys[key]
        if isinstance(survey, DatasetAssetsError):
            raise type(survey)(*survey.faults)
        return survey

    def nested(self, source: Source, period: Period | None, read: TimeRange | None) -> SourceState:
        """Return the state of the publication that a dataset reads of a nested dataset.

        `read` is the time range that is read of a bitemporal one.
        """
        if source.nested is None:
            raise LookupError(f"{source.name!r} is no nested dataset")
        try:
            record = self.nested_record(source.nested, period)
        except DatasetAssetsError as error:
            return SourceState(faults=error.faults)
        if record:
            return SourceState(nested_version(record, source, read))
        other = self.read_from(source.nested.stem)
        if not other:
            return _UNPUBLISHED
        wanted = self.nested_period(source.nested, period)
        fault = unpublished_fault(source, source.nested.stem, wanted.id if wanted else None, other)
        return SourceState(faults=(fault,))

    def nested_record(self, nested: NamedDataset, period: Period | None) -> Record | None:
        """Return the record of the publication that is read of a nested dataset; None if there is none.

        Raises PeriodError as `nested_period` does.
        """
        records = self._read_of(nested.stem)
        if nested.dataset.main_table.bitemporal:
            return records.whole
        read = self.nested_period(nested, period)
        return records.by_period.get(read.id if read else None)

    def nested_period(self, nested: NamedDataset, period: Period | None) -> Period | None:
        """Return the Period of a nested dataset that the publication of `period` reads (BR-122).

        Raises PeriodError if the Period is unknown.
        """
        schedule = self.schedule(nested.stem)
        if schedule is None:
            return None
        if period:
            return schedule.period(period.id)
        last = next(reversed(self._read_of(nested.stem).by_period), None)
        return schedule.period(last) if last else schedule.last_complete(self.now)

    def loads_before(self, nested: NamedDataset, end: datetime) -> list[Period]:
        """Return the complete Periods of a bitemporal dataset that begin before an instant."""
        schedule = self.schedule(nested.stem)
        if schedule is None or schedule.first.start >= end:
            return []
        last = schedule.last.end if schedule.last else end
        periods = schedule.cadence.between(schedule.first, min(end, last))
        return [period for period in periods if period.end <= self.now]

    def schedule(self, stem: str) -> Schedule | None:
        """Return the Periods of a dataset; None without partitions."""
        if stem not in self._schedules:
            self._schedules[stem] = schedule_of(self.catalog, self.catalog.entry(stem))
        return self._schedules[stem]

    def periods(self, resolver: Resolver, table: str) -> Mapping[str, Period]:
        """Return the Periods that a table has pieces of, by id. Raises ResolveError as its Resolver does."""
        key = resolver.name, table
        if key not in self._periods:
            self._periods[key] = resolver.periods(table)
        return self._periods[key]
