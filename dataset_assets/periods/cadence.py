"""A cadence, which is one grain of one calendar: find, step through and list its Periods.

`periods/rollup.py` converts Periods to another cadence. `Calendars` reads `periods.yaml`.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from typing_extensions import override

from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault, PeriodError
from dataset_assets.model import YEARS, Identifier, Model
from dataset_assets.periods.families import AnyCalendar, Calendar, Rule, StandardCalendar
from dataset_assets.periods.period import Boundaries, Grain, Period, first_instant
from dataset_assets.text.wording import shown

STANDARD = "standard"
"""The name of the calendar whose grains are written without a calendar name: `month` is its month."""
_MOST_PARSED = 10_000
"""Ids of Periods that a cadence remembers, because plans parse the same ones for thousands of datasets."""


@dataclass(frozen=True)
class Cadence:
    """A grain of a calendar, which divides time into Periods without gap or overlap.

    `fmt`, `cron_schedule` and `zone` declare the partitions of Dagster. `cron_schedule` is None if no cron
    expression fires at the start of each Period (retail months, quarters and years).
    """

    calendar_name: str
    calendar: Calendar
    grain: Grain

    @property
    def name(self) -> str:
        """The name in `partitions.period`, such as `month` or `corporate.quarter`."""
        return self.grain if self.calendar_name == STANDARD else f"{self.calendar_name}.{self.grain}"

    @property
    def fmt(self) -> str:
        """The strftime format of partition keys."""
        return self._rule.fmt

    @property
    def id_format(self) -> str:
        """The format of the ids, with `year` and `n`, the number in the year, or with `start`, a date."""
        return self._rule.name

    @property
    def cron_schedule(self) -> str | None:
        """The cron expression, in `zone`, that fires at the start of each Period; None if none does."""
        return self._rule.cron

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which dates begin at midnight."""
        return self.calendar.zone

    @property
    def boundaries(self) -> Boundaries:
        """The days, weeks or months at which Periods of this cadence begin; `rollup` compares them."""
        return self._rule.boundaries

    @cached_property
    def _rule(self) -> Rule:
        return self.calendar.rules[self.grain]

    @cached_property
    def _hash(self) -> int:
        return hash((self.calendar_name, self.calendar, self.grain))

    @override
    def __hash__(self) -> int:
        """Return a hash that is computed once, because each lookup of a Period needs it."""
        return self._hash

    @cached_property
    def _parsed(self) -> dict[str, Period]:
        """The Periods that were parsed, by their ids and partition keys."""
        return {}

    def parse(self, text: str) -> Period:
        """Return the Period with this id or partition key. Raises PeriodError if there is none."""
        period = self._parsed.get(text) or next(self._candidates(text), None)
        if period:
            if len(self._parsed) < _MOST_PARSED:
                self._parsed[text] = period
            return period
        message = f"{shown(text)} is not a Period of '{self.name}'"
        raise PeriodError(Fault(message, hint=f"write it like '{self._example.id}'"))

    def from_key(self, key: str) -> Period:
        """Return the Period with this partition key of Dagster. Raises PeriodError if there is none."""
        for period in self._candidates(key):
            if period.key == key:
                return period
        message = f"{shown(key)} is not a partition key of '{self.name}'"
        raise PeriodError(Fault(message, hint=f"write it like '{self._example.key}'"))

    def containing(self, moment: datetime | date) -> Period:
        """Return the Period of an instant, or of a date in `zone`. A naive instant is in UTC (BR-128)."""
        if not isinstance(moment, datetime):
            return self._period_of(moment)
        instant = self._instant(moment)
        period = self._period_of(instant.astimezone(self.zone).date())
        # Clocks that are set back over midnight show a date again after the next one has begun.
        while instant >= period.end:
            period = self.next(period)
        return period

    def next(self, period: Period) -> Period:
        """Return the Period that begins where `period` ends."""
        return self._period_of(period.end_date)

    def previous(self, period: Period) -> Period:
        """Return the Period that ends where `period` begins."""
        return self._period_of(period.start_date - timedelta(days=1))

    def between(self, first: Period, end: datetime | date) -> list[Period]:
        """Return `first` and the Periods after it that begin before `end`."""
        limit, periods, day = self._instant(end), list[Period](), first.start_date
        while not periods or periods[-1].end < limit:
            year, index = self._place_of(day)
            periods += year.periods[index:]
            day = periods[-1].end_date
        return periods[: bisect_left(periods, limit, key=lambda period: period.start)]

    def covering(self, start: datetime | date, end: datetime | date) -> list[Period]:
        """Return the Periods that overlap the half-open range [start, end), in order."""
        if self._instant(start) >= self._instant(end):
            return []
        first = self.containing(self._instant(start))
        return [period for period in self.between(first, end) if period.start < period.end]

    def _instant(self, moment: datetime | date) -> datetime:
        if moment.year not in YEARS:
            raise self._no_period(moment)
        if not isinstance(moment, datetime):
            return first_instant(moment, self.zone)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def _period_of(self, day: date) -> Period:
        year, index = self._place_of(day)
        return year.periods[index]

    def _place_of(self, day: date) -> tuple["_Year", int]:
        """Return the year that a date belongs to, and the index of the date's Period in it."""
        for number in (day.year, day.year + 1, day.year - 1):
            year = _year(self, number)
            if year.starts and year.starts[0] <= day < year.periods[-1].end_date:
                return year, bisect_right(year.starts, day) - 1
        raise self._no_period(day)

    def _no_period(self, moment: date) -> PeriodError:
        hint = f"Periods exist for the years {YEARS[0]} to {YEARS[-1]}"
        return PeriodError(Fault(f"'{self.name}' has no Period for {moment}", hint=hint))

    def _candidates(self, text: str) -> Iterator[Period]:
        """Yield the Periods with this id or key, found by the first year in it (of a label or of a date)."""
        digits = re.search("[0-9]{4}", text)
        years = [int(digits[0]) + offset for offset in (0, 1, -1)] if digits else []
        return (period for year in years for period in _year(self, year).by_name.get(text, ()))

    @property
    def _example(self) -> Period:
        return self._period_of(date(2026, 1, 31))


@dataclass(frozen=True)
class _Year:
    """The Periods of one year of a cadence, in order; none outside of `YEARS`."""

    periods: tuple[Period, ...] = ()

    @cached_property
    def starts(self) -> tuple[date, ...]:
        """The first dates of the Periods."""
        return tuple(period.start_date for period in self.periods)

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Period]]:
        """The Periods by id and by key; a table can have thousands of days, each of which is parsed."""
        by_name: dict[str, list[Period]] = {}
        for period in self.periods:
            for name in dict.fromkeys((period.id, period.key)):
                by_name.setdefault(name, []).append(period)
        return by_name


@lru_cache(maxsize=256)
def _year(cadence: Cadence, year: int) -> _Year:
    """Return the year with this label; cached, because every dataset with this cadence reads it."""
    if year not in YEARS:
        return _Year()
    calendar, grain, rule = cadence.calendar, cadence.grain, cadence.calendar.rules[cadence.grain]
    bounds = [*calendar.starts(year, grain), calendar.starts(year + 1, grain)[0]]
    return _Year(
        tuple(
            Period(
                grain=grain,
                calendar=cadence.calendar_name,
                id=rule.name.format(year=year, n=n, start=start),
                key=start.strftime(rule.fmt),
                start_date=start,
                end_date=end,
                zone=cadence.zone,
                boundaries=rule.boundaries,
            )
            for n, (start, end) in enumerate(pairwise(bounds), 1)
        )
    )


class Calendars(Model):
    """The calendars of `periods.yaml` by name; one named `standard` sets the zone of plain grains."""

    calendars: dict[Identifier, AnyCalendar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _standard_is_of_type_standard(self) -> Self:
        standard = self.calendars.get(STANDARD)
        if standard and standard.type != "standard":
            raise ValueError(f"the calendar named '{STANDARD}' must be of type 'standard'")
        return self

    @cached_property
    def cadences(self) -> Mapping[str, Cadence]:
        """All cadences by name, those of the standard calendar first."""
        calendars: dict[str, Calendar] = {STANDARD: StandardCalendar(), **self.calendars}
        cadences = [
            Cadence(name, calendar, grain) for name, calendar in calendars.items() for grain in calendar.rules
        ]
        return {cadence.name: cadence for cadence in cadences}

    def cadence(self, name: str) -> Cadence:
        """Return the cadence named `month`, or `corporate.quarter` of a named calendar.

        Raises PeriodError with the nearest name if there is none.
        """
        if name in self.cadences:
            return self.cadences[name]
        near = [f"did you mean '{match}'?" for match in get_close_matches(name[:60], self.cadences, 1)]
        hint = " ".join([*near, f"known: {', '.join(self.cadences)}"])
        raise PeriodError(Fault(f"{shown(name)} is not a grain of a calendar", hint=hint))
