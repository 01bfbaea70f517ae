"""List the Periods that a run reads of each source stored by Period.

Also those whose files have disappeared since the last publication.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault, PeriodError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import Resolver, TimeRange
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.snapshot import latest_inputs
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.text.wording import listed

MOST_LISTED = 12
"""Periods that one fault lists."""

PeriodLister = Callable[[Resolver, str], Mapping[str, Period]]
"""Receives a Resolver and a table; returns the Periods that the table has pieces of, by id."""


def list_periods(resolver: Resolver, table: str) -> Mapping[str, Period]:
    """Return the Periods that the table has pieces of. Raises ResolveError."""
    return resolver.periods(table)


@dataclass(frozen=True)
class StoredPeriods:
    """The sources of one publication that are stored by Period; each source's Periods are listed once."""

    locator: SourceLocator
    calendars: Calendars
    list_periods: PeriodLister = list_periods
    _available: dict[str, Mapping[str, Period]] = field(default_factory=dict)

    def read(self) -> Mapping[str, Sequence[str]]:
        """Return the ids of the Periods that are read, in order of time, by the source's key."""
        return {key: self.selected(source) for key, source in self._sources.items()}

    def missing(self, record: Record) -> Mapping[str, Sequence[str]]:
        """Return the ids of Periods that a publication was made of and that its sources have lost since.

        They are by the source's key, for sources that lost some; Periods that are not selected today are left
        out. A record of an earlier release lists no Periods. Raises ResolveError.
        """
        made_of = latest_inputs(record).get("periods") or {}
        found = {key: self._lost(self._sources[key], made_of[key]) for key in made_of if key in self._sources}
        return {key: ids for key, ids in found.items() if ids}

    def missing_faults(self, record: Record) -> Iterator[Fault]:
        """Yield a fault for each source that has lost Periods. Raises ResolveError."""
        hint = "load them again, or publish without them: `dataset-assets materialize --force`"
        for key, ids in self.missing(record).items():
            message = f"the publication was made of Periods of {self._sources[key].table} that are gone"
            yield Fault(f"{message}: {listed(ids, MOST_LISTED)}", hint=hint)

    def available(self, source: Source) -> Mapping[str, Period]:
        """Return the Periods that a source has pieces of, by id. Raises ResolveError."""
        if source.name not in self._available:
            resolver = self.locator.resolvers[source.name]
            self._available[source.name] = self.list_periods(resolver, source.table)
        return self._available[source.name]

    def selected(self, source: Source) -> Sequence[str]:
        """Return the ids of the Periods that are read of a source, in order of time."""
        time_range = self.locator.time_range(source)
        selected = (period for period in self.available(source).values() if overlaps(period, time_range))
        return [period.id for period in sorted(selected, key=lambda period: period.start)]

    @property
    def _sources(self) -> Mapping[str, Source]:
        """Map the key of each source to the source; the main table wins if a lookup reads the same table."""
        locator, scope = self.locator, self.locator.scope
        return {
            source_key(each, scope.dataset, locator.target): each
            for each in (*scope.lookups, scope.main)
            if not each.nested and locator.resolvers[each.name].cadence(each.table)
        }

    def _lost(self, source: Source, made_of: Sequence[str]) -> Sequence[str]:
        name = self.locator.resolvers[source.name].cadence(source.table)
        absent = [id_ for id_ in made_of if id_ not in self.available(source)]
        if not name or not absent:
            return []
        cadence, time_range = self.calendars.cadence(name), self.locator.time_range(source)
        try:
            return [id_ for id_ in absent if overlaps(cadence.parse(id_), time_range)]
        except PeriodError:  # the table is stored by Periods of another length now
            return []


def overlaps(period: Period, time_range: TimeRange | None) -> bool:
    """Return whether a Period and a time range have an instant in common; None is all time."""
    return time_range is None or (period.start < time_range.end and time_range.start < period.end)
