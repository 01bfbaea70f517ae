"""Whether a publication is up to date, by its record and by what metadata tells of its sources now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from statistics import median_low
from typing import Any

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.compiler.selection_input import window_of
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.resolver import Resolver, Survey, TableState, TimeRange
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.dataset_ids import another_id
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.reuse import reuse_blockers
from dataset_assets.publishing.snapshot import made_from, window_ends
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.publishing.stored_periods import StoredPeriods

LATEST = 12
"""Publications that an estimate looks at, for one that there never was."""


class StalenessReason(StrEnum):
    """What makes a publication due."""

    NEW = "never published"
    VERSION = "new version"
    OBJECTION = "may not stay"
    WINDOW = "its window has moved"
    SOURCE = "source changed"
    NESTED = "nested dataset changed"
    UNTOLD = "source does not tell whether it changed"
    ASKED = "asked for"


@dataclass(frozen=True)
class Reason:
    """`of`: which source, from which version to which, or what is objected to."""

    why: StalenessReason
    of: str = ""

    def __str__(self) -> str:
        return f"{self.why}: {self.of}" if self.of else str(self.why)


@dataclass(frozen=True)
class StalePublication:
    """A publication that would be made. `rows` and `size_bytes` are estimates, None where nothing tells.

    `obstacles`: what is known to keep it from being made. `nested`: which publications it reads of other
    datasets.
    """

    period: Period | None
    reasons: tuple[Reason, ...]
    rows: int | None = None
    size_bytes: int | None = None
    obstacles: tuple[Fault, ...] = ()
    nested: tuple[tuple[NamedDataset, Period | None], ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What metadata tells of one source. Without a version it is `untold` why, or `faults` say so.

    `faults`: what a run would be refused for.
    """

    version: str = ""
    rows: int | None = None
    untold: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class SourceStates:
    """What there is at the instant `now`. Tables and publications are asked for once."""

    catalog: Catalog
    target: Target
    now: datetime
    session: Session
    _scopes: dict[str, Scope] = field(default_factory=dict)
    _records: dict[str, Mapping[str | None, Record]] = field(default_factory=dict)
    _surveys: dict[tuple[str, str], Survey] = field(default_factory=dict)
    _periods: dict[tuple[str, str], Mapping[str, Period]] = field(default_factory=dict)

    def scope(self, entry: Entry) -> Scope:
        """One for all Periods."""
        if entry.stem not in self._scopes:
            self._scopes[entry.stem] = self.catalog.scope(entry)
        return self._scopes[entry.stem]

    def records(self, stem: str) -> Mapping[str | None, Record]:
        """Of a dataset's publications."""
        if stem not in self._records:
            found = self.target.warehouse.records(stem, self.session)
            self._records[stem] = {period: record for period, record in found.items() if record}
        return self._records[stem]

    def period_of(self, nested: NamedDataset, places: SourceLocator) -> Period | None:
        """Which Period of a nested dataset is read (BR-122). Raises PeriodError where there is none."""
        schedule = schedule_of(self.catalog, self.catalog.entry(nested.stem))
        if schedule is None:
            return None
        latest = list(self.records(nested.stem))
        same = places.same_period(nested) or (latest[-1] if latest else None)
        return schedule.period(same) if same else schedule.last_complete(self.now)

    def state(self, dataset: Dataset, table: str, time_range: TimeRange | None) -> TableState:
        """Of the pieces of a table that lie in a time range. Raises as its Resolver does."""
        resolver = self.target.resolver_of(dataset, table)
        key = resolver.name, table
        if key not in self._surveys:
            try:
                self._surveys[key] = resolver.survey(table)
            except DatasetAssetsError as error:
                self._surveys[key] = _refused(error)
        return self._surveys[key](time_range)

    def periods(self, resolver: Resolver, table: str) -> Mapping[str, Period]:
        """Return the Periods that a table has pieces of. Raises as its Resolver does."""
        key = resolver.name, table
        if key not in self._periods:
            self._periods[key] = resolver.periods(table)
        return self._periods[key]


@dataclass(frozen=True)
class PublicationStatus:
    """At one Period of a dataset."""

    known: SourceStates
    entry: Entry
    period: Period | None

    @cached_property
    def places(self) -> SourceLocator:
        """Where a run would look for its sources."""
        known = self.known
        as_of = Request(self.entry, "", known.now, self.period).looks_back_from
        return SourceLocator(known.scope(self.entry), known.target, as_of, self.period)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The main table, then the lookups."""
        return self.places.scope.sources

    @cached_property
    def record(self) -> Record | None:
        """Of the publication there is."""
        return self.known.records(self.entry.stem).get(self.period.id if self.period else None)

    def due(self, *, every: bool) -> StalePublication | None:
        """None for a publication that is up to date, unless `every` one is asked for."""
        reasons = tuple(dict.fromkeys(self._reasons())) or ((Reason(StalenessReason.ASKED),) if every else ())
        if not reasons:
            return None
        size = self._estimate("size_bytes")
        return StalePublication(
            self.period, reasons, self._rows, size, self._obstacles, tuple(self._nested())
        )

    def unsure(self) -> StalePublication | None:
        """A publication that stands because a source of it cannot be asked: its obstacles say why not."""
        return StalePublication(self.period, (), obstacles=self._obstacles) if self._obstacles else None

    @property
    def _obstacles(self) -> tuple[Fault, ...]:
        taken = tuple(another_id(self.places.scope.dataset, self.record))
        if taken:
            return taken
        found = tuple(fault for source in self.sources for fault in self.seen[source.name].faults)
        return found or self._gone

    @cached_property
    def _gone(self) -> tuple[Fault, ...]:
        """What stands in the way where Periods are gone that the publication was made of."""
        if self.record is None:
            return ()
        stored = StoredPeriods(self.places, self.known.catalog.calendars, self.known.periods)
        try:
            return tuple(stored.faults(self.record))
        except DatasetAssetsError as error:
            return error.faults

    def _nested(self) -> Iterator[tuple[NamedDataset, Period | None]]:
        for source in self.sources:
            if source.nested and not self.seen[source.name].faults:
                yield source.nested, self.known.period_of(source.nested, self.places)

    def _reasons(self) -> Iterator[Reason]:
        """Another definition, or window, is one of its own: it reads other pieces of its sources."""
        record, dataset = self.record, self.places.scope.dataset
        if record is None:
            yield Reason(StalenessReason.NEW)
            return
        version = self.entry.lock.version_of(dataset)
        if record["sha256"] != version.sha256:
            yield Reason(StalenessReason.VERSION, f"{record['version']} → {version.number}")
            return
        columns = (output.definition for output in self.places.scope.outputs)
        yield from (
            Reason(StalenessReason.OBJECTION, each) for each in reuse_blockers(record, dataset, columns)
        )
        if self._has_moved(record, dataset):
            yield Reason(StalenessReason.WINDOW)
            return
        if self._gone:
            return  # a publication that has more than its sources stays
        # By key, the last one of two: as the record has it of a table that is read twice.
        keyed = {source_key(each, dataset, self.places.target): each for each in self.sources}
        for key, source in keyed.items():
            yield from self._changed(record, key, source)

    def _changed(self, record: Record, key: str, source: Source) -> Iterator[Reason]:
        """What there is no more, or not yet, leaves what was made of it as it is."""
        seen = self.seen[source.name]
        if seen.untold:
            yield Reason(StalenessReason.UNTOLD, key)
        elif not seen.faults and made_from(record)["sources"].get(key) != seen.version:
            yield Reason(StalenessReason.NESTED if source.nested else StalenessReason.SOURCE, key)

    def _has_moved(self, record: Record, dataset: Dataset) -> bool:
        """Without Periods the window moves with time, as does the day from which a split counts back."""
        as_of, split = self.places.as_of, dataset.split_config
        if made_from(record)["window"] != window_ends(window_of(dataset, as_of, self.period)):
            return True
        by_day = split is not None and "timestamp" in split.needs and dataset.filters.date_range is None
        then = datetime.fromisoformat(made_from(record)["as_of"])
        return by_day and replace(as_of, instant=then).day != as_of.day

    @cached_property
    def seen(self) -> Mapping[str, _Seen]:
        """What a run would find of each source, by its name."""
        return {source.name: self._see(source) for source in self.sources}

    def _see(self, source: Source) -> _Seen:
        try:
            if source.nested:
                period = self.known.period_of(source.nested, self.places)
                found = self.known.records(source.nested.stem).get(period.id if period else None)
                return _Seen(found["digest"]) if found else _Seen("not published yet")
            dataset, time_range = self.places.scope.dataset, self.places.time_range(source)
            state = self.known.state(dataset, source.table, time_range)
            faults = () if source.lookup else tuple(self.places.without_rows_for_a_period())
        except DatasetAssetsError as error:
            return _Seen(faults=error.faults)
        untold = "" if state.version else state.unknown or "unknown"
        return _Seen(state.version, state.row_count, untold, faults)

    @property
    def _rows(self) -> int | None:
        """By publications; else what the window touches of the main table, where no filter leaves any out."""
        found, dataset = self._estimate("counts", "rows"), self.places.scope.dataset
        filters, main = dataset.filters, self.sources[0]
        if found is not None or filters.product_filter.needs or filters.customer_filter.needs:
            return found
        if self.seen[main.name].faults:
            return None
        in_window = self.places.target.resolver_of(dataset, main.table).cadence(main.table) or not (
            filters.date_range or self.period
        )
        return self.seen[main.name].rows if in_window else None

    def _estimate(self, *path: str) -> int | None:
        """By the publication there is, else the usual one of the latest."""
        records = [self.record] if self.record else list(self.known.records(self.entry.stem).values())
        values = [_at(record, path) for record in records[-LATEST:]]
        told = [value for value in values if value is not None]
        return median_low(told) if told else None


def _refused(error: DatasetAssetsError) -> Survey:
    def refused(time_range: TimeRange | None) -> TableState:  # noqa: ARG001 - as a survey is called
        raise type(error)(*error.faults)

    return refused


def _at(record: Record, path: Sequence[str]) -> int | None:
    found: Any = record
    for name in path:
        found = found.get(name) if found else None
    return found
