"""Which Periods a run reads of sources that are stored by Period, and which of them are gone since."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault, PeriodError
from dataset_assets.periods.calendar import Calendars
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import Resolver, TimeRange
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.snapshot import made_from
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.text.wording import listed

MOST_TOLD = 12

Listing = Callable[[Resolver, str], Mapping[str, Period]]
"""What answers which Periods a table has pieces of, by id."""


def list_periods(resolver: Resolver, table: str) -> Mapping[str, Period]:
    """Return the Periods that the table has pieces of. Raises ResolveError."""
    return resolver.periods(table)


@dataclass(frozen=True)
class StoredPeriods:
    """The sources of one publication that are stored by Period."""

    places: SourceLocator
    calendars: Calendars
    listing: Listing = list_periods
    _present: dict[str, Mapping[str, Period]] = field(default_factory=dict)

    def read(self) -> Mapping[str, Sequence[str]]:
        """Return the ids of the Periods that are read of each source, in order of time, by its key."""
        return {key: self.touched(source) for key, source in self._sources.items()}

    def gone(self, record: Record) -> Mapping[str, Sequence[str]]:
        """Return the ids of Periods that a publication was made of, that are needed today, and are gone.

        By the source's key; only sources of which some are gone. A publication of an earlier release does
        not say which Periods it was made of. Raises ResolveError.
        """
        made_of = made_from(record).get("periods") or {}
        found = {key: self._gone(self._sources[key], made_of[key]) for key in made_of if key in self._sources}
        return {key: ids for key, ids in found.items() if ids}

    def faults(self, record: Record) -> Iterator[Fault]:
        """Yield a fault for each source of which Periods are gone. Raises ResolveError."""
        hint = "load them again, or publish without them: `dataset-assets materialize --force`"
        for key, ids in self.gone(record).items():
            message = f"the publication was made of Periods of {self._sources[key].table} that are gone"
            yield Fault(f"{message}: {listed(ids, MOST_TOLD)}", hint=hint)

    def present(self, source: Source) -> Mapping[str, Period]:
        """Return the Periods that a source has pieces of, by id. Raises ResolveError."""
        if source.name not in self._present:
            resolver = self.places.resolvers[source.name]
            self._present[source.name] = self.listing(resolver, source.table)
        return self._present[source.name]

    def touched(self, source: Source) -> Sequence[str]:
        """Return the ids of the Periods that are read of a source, in order of time."""
        time_range = self.places.time_range(source)
        touched = (period for period in self.present(source).values() if touches(period, time_range))
        return [period.id for period in sorted(touched, key=lambda period: period.start)]

    @property
    def _sources(self) -> Mapping[str, Source]:
        """Map the key of each source to it; of a table that is read twice, as the main table."""
        places, scope = self.places, self.places.scope
        return {
            source_key(each, scope.dataset, places.target): each
            for each in (*scope.lookups, scope.main)
            if not each.nested and places.resolvers[each.name].cadence(each.table)
        }

    def _gone(self, source: Source, made_of: Sequence[str]) -> Sequence[str]:
        name = self.places.resolvers[source.name].cadence(source.table)
        absent = [id_ for id_ in made_of if id_ not in self.present(source)]
        if not name or not absent:
            return []
        cadence, time_range = self.calendars.cadence(name), self.places.time_range(source)
        try:
            return [id_ for id_ in absent if touches(cadence.parse(id_), time_range)]
        except PeriodError:  # the table is stored by Periods of another length since
            return []


def touches(period: Period, time_range: TimeRange | None) -> bool:
    """Return whether a Period and a time range have an instant in common; None is all time."""
    return time_range is None or (period.start < time_range.end and time_range.start < period.end)
