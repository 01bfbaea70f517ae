"""Select what to build: the Periods of a dataset, and the order of datasets that nest others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError, raise_all
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.text.wording import listed


@dataclass(frozen=True)
class Schedule:
    """The Periods of a partitioned dataset: those of `cadence` from `first` to `last`, or without end.

    A Period is complete once it has ended; until then its data is still arriving.
    """

    stem: str
    cadence: Cadence
    first: Period
    last: Period | None = None

    @property
    def name(self) -> str:
        """The schedule in words, such as `month from 2017-07 on` or `month from 2017-07 to 2017-12`."""
        until = f"to {self.last}" if self.last else "on"
        return f"{self.cadence.name} from {self.first} {until}"

    def period(self, text: str) -> Period:
        """Return the Period with this id or partition key. Raises PeriodError if the dataset has none."""
        period = self.cadence.parse(text)
        if period.start < self.first.start:
            message = f"{self.stem} has no Period {period}: it begins with {self.first}"
            raise PeriodError(Fault(message, hint="name a later one, or change `partitions.start`"))
        if self.last and period.start > self.last.start:
            message = f"{self.stem} has no Period {period}: it ends with {self.last}"
            raise PeriodError(Fault(message, hint="name an earlier one, or change `partitions.end`"))
        return period

    def has(self, period_id: str | None) -> bool:
        """Return whether the dataset has a Period with this id."""
        try:
            return period_id is not None and bool(self.period(period_id))
        except PeriodError:
            return False

    def periods(self, texts: Iterable[str]) -> list[Period]:
        """Return the named Periods in order of time, each once. Raises PeriodError with all faults."""
        faults: list[Fault] = []
        by_id: dict[str, Period] = {}
        for text in texts:
            try:
                period = self.period(text)
            except PeriodError as error:
                faults += error.faults
            else:
                by_id[period.id] = period
        raise_all(PeriodError, faults)
        return sorted(by_id.values(), key=lambda period: period.start)

    def span(self, first: str | None, last: str | None, now: datetime) -> list[Period]:
        """Return the Periods from `first` to `last`, both included.

        The default of `first` is the first Period of the dataset, that of `last` the last complete one.
        """
        start = self.first if first is None else self.period(first)
        if last is None:
            end = self.last_complete(now)
            self.complete([start], now)
        else:
            end = self.period(last)
        if end.start < start.start:
            message = f"{end} is before {start}: there are no Periods between them"
            raise PeriodError(Fault(message, hint="exchange the two ends"))
        return self.cadence.between(start, end.end)

    def last_complete(self, now: datetime) -> Period:
        """Return the last Period that is complete at `now`. Raises PeriodError if there is none."""
        complete = self.cadence.previous(self.cadence.containing(now))
        if complete.start < self.first.start:
            message = f"{self.stem} has no complete Period by {now:%Y-%m-%d}: its first is {self.first}"
            raise PeriodError(Fault(message, hint=f"wait until {self.first.end_date}"))
        return self.last if self.last and self.last.start < complete.start else complete

    def complete(self, periods: Sequence[Period], now: datetime) -> list[Period]:
        """Return the same Periods. Raises PeriodError with those that are not complete at `now`."""
        late = [period for period in periods if period.end > now]
        if late:
            many = len(late) > 1
            words = f"{listed(map(str, late))} {'are' if many else 'is'} not complete"
            ends = f"{'the first' if many else 'it'} ends on {late[0].end_date}"
            hint = "wait until then, or leave them out" if many else "wait until then"
            raise PeriodError(Fault(f"{words}: {ends}", hint=hint))
        return list(periods)


def schedule_of(catalog: Catalog, entry: Entry) -> Schedule | None:
    """Return the schedule of a dataset; None if it is unpartitioned. Raises ContractError if it is broken."""
    partitions = catalog.checked(entry).partitions
    if partitions is None:
        return None
    cadence = catalog.calendars.cadence(partitions.period)
    last = cadence.parse(partitions.end) if partitions.end else None
    return Schedule(entry.stem, cadence, cadence.parse(partitions.start), last)


def nested_first(catalog: Catalog, stems: Iterable[str]) -> list[str]:
    """Return the stems, broken ones included, each once and every dataset after those that it nests."""
    place = catalog.build_order
    return sorted(set(stems), key=lambda stem: (place.get(stem, len(place)), stem))


def chosen_periods(
    catalog: Catalog,
    entry: Entry,
    now: datetime,
    named: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
) -> list[Period | None]:
    """Return the Periods to build: the `named` ones and those from `first` to `last`.

    The result for an unpartitioned dataset is `[None]`. Raises PeriodError for a Period that does not exist
    or is not complete at `now`, for a partitioned dataset if no Period is chosen, and for an unpartitioned
    one if a Period is chosen.
    """
    schedule = schedule_of(catalog, entry)
    by_range = first is not None or last is not None
    if schedule is None:
        if named or by_range:
            message = f"{entry.stem} is not published by Period"
            raise PeriodError(Fault(message, hint="leave the Periods out"))
        return [None]
    if not named and not by_range:
        message = f"{entry.stem} is published by {schedule.name}"
        raise PeriodError(Fault(message, hint=f"say which, such as {_example(schedule, now)}"))
    periods = schedule.periods(named)
    if by_range:
        periods += [each for each in schedule.span(first, last, now) if each not in periods]
    return list(schedule.complete(sorted(periods, key=lambda period: period.start), now))


def _example(schedule: Schedule, now: datetime) -> Period:
    try:
        return schedule.last_complete(now)
    except DatasetAssetsError:
        return schedule.first
