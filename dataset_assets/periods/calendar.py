"""Cadences: the sequences of Periods that the calendars of `periods.yaml` make, and rollup between them."""

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
"""The calendar whose grains need no name before them: `month` is its month."""


@dataclass(frozen=True)
class Cadence:
    """A grain of a calendar: Periods that follow one another without gap or overlap.

    `fmt`, `cron_schedule` and `zone` are what a time-window partition is declared with. `cron_schedule` is
    None where no cron fires at the start of each Period (retail months, quarters and years).
    """

    calendar_name: str
    calendar: Calendar
    grain: Grain

    @property
    def name(self) -> str:
        """What `partitions.period` names: `month`, `corporate.quarter`."""
        return self.grain if self.calendar_name == STANDARD else f"{self.calendar_name}.{self.grain}"

    @property
    def fmt(self) -> str:
        """The strftime format of partition keys."""
        return self._rule.fmt

    @property
    def cron_schedule(self) -> str | None:
        """Five fields, in `zone`."""
        return self._rule.cron

    @property
    def zone(self) -> ZoneInfo:
        """Where its dates begin at midnight."""
        return self.calendar.zone

    @property
    def boundaries(self) -> Boundaries:
        """What `rollup` compares."""
        return self._rule.boundaries

    @cached_property
    def _rule(self) -> Rule:
        return self.calendar.rules[self.grain]

    def parse(self, text: str) -> Period:
        """The Period with this id, or this partition key. Raises PeriodError when there is none."""
        return self._only(
            self._named(text), f"{shown(text)} is not a Period of '{self.name}'", self._example.id
        )

    def from_key(self, key: str) -> Period:
        """The Period of a Dagster partition. Raises PeriodError when there is none."""
        found = (period for period in self._named(key) if period.key == key)
        return self._only(found, f"{shown(key)} is not a partition key of '{self.name}'", self._example.key)

    def containing(self, moment: datetime | date) -> Period:
        """The Period of an instant, or of a date in `zone`. A naive instant is UTC (BR-128)."""
        if not isinstance(moment, datetime):
            return self._of_date(moment)
        instant = self._instant(moment)
        period = self._of_date(instant.astimezone(self.zone).date())
        # Clocks that are set back over midnight show a date again after the next one has begun.
        while instant >= period.end:
            period = self.next(period)
        return period

    def next(self, period: Period) -> Period:
        """The Period that begins where `period` ends."""
        return self._of_date(period.end_date)

    def previous(self, period: Period) -> Period:
        """The Period that ends where `period` begins."""
        return self._of_date(period.start_date - timedelta(days=1))

    def between(self, first: Period, end: datetime | date) -> list[Period]:
        """`first` and the Periods after it that begin before `end`."""
        limit, found, period = self._instant(end), [], first
        while period.start < limit:
            found.append(period)
            period = self.next(period)
        return found

    def covering(self, start: datetime | date, end: datetime | date) -> list[Period]:
        """The Periods that the half-open window [start, end) touches, in order; none when it is empty."""
        if self._instant(start) >= self._instant(end):
            return []
        first = self.containing(self._instant(start))
        return [period for period in self.between(first, end) if period.start < period.end]

    def _instant(self, moment: datetime | date) -> datetime:
        if moment.year not in YEARS:
            raise self._none_for(moment)
        if not isinstance(moment, datetime):
            return first_instant(moment, self.zone)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def _of_date(self, day: date) -> Period:
        for year in (day.year, day.year + 1, day.year - 1):
            periods = _year(self, year)
            if periods and periods[0].start_date <= day < periods[-1].end_date:
                return periods[bisect_right(periods, day, key=lambda period: period.start_date) - 1]
        raise self._none_for(day)

    def _none_for(self, moment: date) -> PeriodError:
        hint = f"Periods exist for the years {YEARS[0]} to {YEARS[-1]}"
        return PeriodError(Fault(f"'{self.name}' has no Period for {moment}", hint=hint))

    def _named(self, text: str) -> Iterator[Period]:
        """Periods with this id or key, by the first year in it: a label, or the year of a start date."""
        digits = re.search("[0-9]{4}", text)
        years = [int(digits[0]) + offset for offset in (0, 1, -1)] if digits else []
        return (period for year in years for period in _names(self, year).get(text, ()))

    def _only(self, found: Iterable[Period], message: str, example: str) -> Period:
        for period in found:
            return period
        raise PeriodError(Fault(message, hint=f"write it like '{example}'"))

    @property
    def _example(self) -> Period:
        return self._of_date(date(2026, 1, 31))


@lru_cache(maxsize=256)
def _year(cadence: Cadence, year: int) -> tuple[Period, ...]:
    """The Periods of the year with this label; none outside `YEARS`."""
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
def _names(cadence: Cadence, year: int) -> Mapping[str, Sequence[Period]]:
    """The Periods of a year by id and by key: tables may be stored by thousands of days."""
    found: dict[str, list[Period]] = {}
    for period in _year(cadence, year):
        for name in dict.fromkeys((period.id, period.key)):
            found.setdefault(name, []).append(period)
    return found


class Calendars(Model):
    """`periods.yaml`: calendars by name. One named `standard` sets the zone of the grains without a name."""

    calendars: dict[Identifier, AnyCalendar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _standard_stays_standard(self) -> Self:
        standard = self.calendars.get(STANDARD)
        if standard and standard.type != "standard":
            raise ValueError(f"the calendar named '{STANDARD}' must be of type 'standard'")
        return self

    def cadences(self) -> dict[str, Cadence]:
        """All there are, by name; those of the standard calendar first."""
        calendars: dict[str, Calendar] = {STANDARD: StandardCalendar(), **self.calendars}
        found = [
            Cadence(name, calendar, grain) for name, calendar in calendars.items() for grain in calendar.rules
        ]
        return {cadence.name: cadence for cadence in found}

    def cadence(self, name: str) -> Cadence:
        """`month`, or `corporate.quarter` of a named calendar. Raises PeriodError with the nearest name."""
        known = self.cadences()
        if name in known:
            return known[name]
        near = [f"did you mean '{match}'?" for match in get_close_matches(name[:60], known, 1)]
        hint = " ".join([*near, f"known: {', '.join(known)}"])
        raise PeriodError(Fault(f"{shown(name)} is not a grain of a calendar", hint=hint))


def rollup(period: Period, cadence: Cadence) -> Period:
    """The Period of a coarser (or equal) cadence that `period` lies in.

    Raises PeriodError unless every boundary of `cadence` is one of `period`'s own cadence, in the same zone:
    weeks never roll into months.
    """
    problem = f"{period} does not roll up to '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=period.boundaries.refine(cadence.boundaries))
    return cadence.containing(period.start_date)


def parts(period: Period, cadence: Cadence) -> list[Period]:
    """The Periods of a finer (or equal) cadence that roll up to `period`; PeriodError as for `rollup`."""
    problem = f"{period} is not made of '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=cadence.boundaries.refine(period.boundaries))
    found = [cadence.containing(period.start_date)]
    while found[-1].end_date < period.end_date:
        found.append(cadence.next(found[-1]))
    return found


def _check_nesting(period: Period, cadence: Cadence, problem: str, *, nest: bool) -> None:
    if period.zone.key != cadence.zone.key:
        zones = f"{period.zone.key} and {cadence.zone.key}"
        raise PeriodError(Fault(f"{problem}: their zones differ ({zones})", hint="use calendars of one zone"))
    if not nest:
        hint = "days roll into all, months into quarters and years, weeks only into retail months"
        raise PeriodError(Fault(f"{problem}: their boundaries do not nest", hint=hint))
