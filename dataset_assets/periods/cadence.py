"""A cadence, which is one grain of one calendar: find, step through and list its Periods.

`rollup` and `parts` convert Periods to another cadence. `Calendars` reads `periods.yaml`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from dataset_assets.errors import Fault, PeriodError
from dataset_assets.model import YEARS, Identifier, Model
from dataset_assets.periods.families import AnyCalendar, Calendar, Rule, StandardCalendar
from dataset_assets.periods.period import Boundaries, Grain, Period, first_instant
from dataset_assets.text.wording import shown

STANDARD = "standard"
"""The name of the calendar whose grains are written without a calendar name: `month` is its month."""


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

    def parse(self, text: str) -> Period:
        """Return the Period with this id or partition key. Raises PeriodError if there is none."""
        return self._first_or_raise(
            self._candidates(text), f"{shown(text)} is not a Period of '{self.name}'", self._example.id
        )

    def from_key(self, key: str) -> Period:
        """Return the Period with this partition key of Dagster. Raises PeriodError if there is none."""
        periods = (period for period in self._candidates(key) if period.key == key)
        return self._first_or_raise(
            periods, f"{shown(key)} is not a partition key of '{self.name}'", self._example.key
        )

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
        limit, periods, period = self._instant(end), [], first
        while period.start < limit:
            periods.append(period)
            period = self.next(period)
        return periods

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
        for year in (day.year, day.year + 1, day.year - 1):
            periods = _periods_of_year(self, year)
            if periods and periods[0].start_date <= day < periods[-1].end_date:
                return periods[bisect_right(periods, day, key=lambda period: period.start_date) - 1]
        raise self._no_period(day)

    def _no_period(self, moment: date) -> PeriodError:
        hint = f"Periods exist for the years {YEARS[0]} to {YEARS[-1]}"
        return PeriodError(Fault(f"'{self.name}' has no Period for {moment}", hint=hint))

    def _candidates(self, text: str) -> Iterator[Period]:
        """Yield the Periods with this id or key, found by the first year in it (of a label or of a date)."""
        digits = re.search("[0-9]{4}", text)
        years = [int(digits[0]) + offset for offset in (0, 1, -1)] if digits else []
        return (period for year in years for period in _periods_by_name(self, year).get(text, ()))

    def _first_or_raise(self, periods: Iterable[Period], message: str, example: str) -> Period:
        for period in periods:
            return period
        raise PeriodError(Fault(message, hint=f"write it like '{example}'"))

    @property
    def _example(self) -> Period:
        return self._period_of(date(2026, 1, 31))


@lru_cache(maxsize=256)
def _periods_of_year(cadence: Cadence, year: int) -> tuple[Period, ...]:
    """Return the Periods of the year with this label; none outside of `YEARS`."""
    if year not in YEARS:
        return ()
    calendar, grain, rule = cadence.calendar, cadence.grain, cadence.calendar.rules[cadence.grain]
    bounds = [*calendar.starts(year, grain), calendar.starts(year + 1, grain)[0]]
    return tuple(
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


@lru_cache(maxsize=256)
def _periods_by_name(cadence: Cadence, year: int) -> Mapping[str, Sequence[Period]]:
    """Map ids and keys to the Periods of a year; cached, because a table can have thousands of days."""
    by_name: dict[str, list[Period]] = {}
    for period in _periods_of_year(cadence, year):
        for name in dict.fromkeys((period.id, period.key)):
            by_name.setdefault(name, []).append(period)
    return by_name


class Calendars(Model):
    """The calendars of `periods.yaml` by name; one named `standard` sets the zone of plain grains."""

    calendars: dict[Identifier, AnyCalendar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _standard_is_of_type_standard(self) -> Self:
        standard = self.calendars.get(STANDARD)
        if standard and standard.type != "standard":
            raise ValueError(f"the calendar named '{STANDARD}' must be of type 'standard'")
        return self

    def cadences(self) -> dict[str, Cadence]:
        """Return all cadences by name, those of the standard calendar first."""
        calendars: dict[str, Calendar] = {STANDARD: StandardCalendar(), **self.calendars}
        cadences = [
            Cadence(name, calendar, grain) for name, calendar in calendars.items() for grain in calendar.rules
        ]
        return {cadence.name: cadence for cadence in cadences}

    def cadence(self, name: str) -> Cadence:
        """Return the cadence named `month`, or `corporate.quarter` of a named calendar.

        Raises PeriodError with the nearest name if there is none.
        """
        known = self.cadences()
        if name in known:
            return known[name]
        near = [f"did you mean '{match}'?" for match in get_close_matches(name[:60], known, 1)]
        hint = " ".join([*near, f"known: {', '.join(known)}"])
        raise PeriodError(Fault(f"{shown(name)} is not a grain of a calendar", hint=hint))


def rollup(period: Period, cadence: Cadence) -> Period:
    """Return the Period of a coarser or equal cadence that contains `period`.

    Raises PeriodError unless every boundary of `cadence` is a boundary of `period`'s cadence, in the same
    zone. So a week never rolls up to a month, even if it lies inside of one.
    """
    problem = f"{period} does not roll up to '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=period.boundaries.refine(cadence.boundaries))
    return cadence.containing(period.start_date)


def parts(period: Period, cadence: Cadence) -> list[Period]:
    """Return the Periods of a finer or equal cadence that roll up to `period`.

    Raises PeriodError if they do not nest, as `rollup` does.
    """
    problem = f"{period} is not made of '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=cadence.boundaries.refine(period.boundaries))
    periods = [cadence.containing(period.start_date)]
    while periods[-1].end_date < period.end_date:
        periods.append(cadence.next(periods[-1]))
    return periods


def _check_nesting(period: Period, cadence: Cadence, problem: str, *, nest: bool) -> None:
    if period.zone.key != cadence.zone.key:
        zones = f"{period.zone.key} and {cadence.zone.key}"
        raise PeriodError(Fault(f"{problem}: their zones differ ({zones})", hint="use calendars of one zone"))
    if not nest:
        hint = "days roll into all, months into quarters and years, weeks only into retail months"
        raise PeriodError(Fault(f"{problem}: their boundaries do not nest", hint=hint))
