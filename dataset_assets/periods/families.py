"""The families of calendars (standard, fiscal, retail): one class with settings and date arithmetic for each.

A calendar declares how each of its grains is named, scheduled and bounded, and when its years begin;
`periods/cadence.py` computes the Periods from that. To add a family, write a subclass of `Calendar` and add
it to the union `AnyCalendar`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from dataset_assets.model import Integer, Model
from dataset_assets.periods.period import Boundaries, Grain
from dataset_assets.periods.zones import Zone, find_zone


@dataclass(frozen=True)
class Rule:
    """The names, boundaries and schedule of one grain of a calendar.

    `name` is the format of a Period's id, with `n` (the number in its year), `year` and `start` (its first
    date). `fmt` is the strftime format of partition keys. `cron` fires at the start of every Period; it is
    None if no cron expression does.
    """

    name: str
    boundaries: Boundaries
    cron: str | None
    fmt: str = "%Y-%m-%d"


class Calendar(Model, ABC):
    """A family of calendars: its settings and its rules. Dates begin at midnight in `zone`."""

    zone: Zone = Field(default_factory=lambda: find_zone("UTC"))

    @property
    @abstractmethod
    def rules(self) -> Mapping[Grain, Rule]:
        """The rules of the grains that this calendar has, from the finest to the coarsest."""

    @abstractmethod
    def year_start(self, year: int) -> date:
        """Return the first date of the year with this label."""

    def starts(self, year: int, grain: Grain) -> list[date]:
        """Return the first dates of the Periods of one year, in order."""
        boundaries = self.rules[grain].boundaries
        first, end = self.year_start(year), self.year_start(year + 1)
        points = _LATTICES[boundaries.lattice](first, end)
        return [day for mark, day in points if mark in boundaries.marks]


def _days(first: date, end: date) -> Iterator[tuple[int, date]]:
    return ((n, first + timedelta(days=n)) for n in range((end - first).days))


def _weeks(first: date, end: date) -> Iterator[tuple[int, date]]:
    return ((n, first + timedelta(weeks=n)) for n in range((end - first).days // 7))


def _iso_weeks(first: date, end: date) -> Iterator[tuple[int, date]]:
    """Yield the weeks of an ISO year, which begins on the Monday of the week of 4 January."""
    return _weeks(*(day + timedelta(days=4 - (day + timedelta(days=3)).isoweekday()) for day in (first, end)))


def _months(first: date, end: date) -> Iterator[tuple[int, date]]:
    day = first
    while day < end:
        yield day.month, day
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)


_LATTICES = {"day": _days, "iso week": _iso_weeks, "retail week": _weeks, "month": _months}


def _monthly(name: str, start_month: int, length: int, fmt: str = "%Y-%m-%d") -> Rule:
    """Return the rule of Periods of `length` months in a year that begins in `start_month`."""
    marks = sorted((start_month - 1 + offset) % 12 + 1 for offset in range(0, 12, length))
    months = "*" if length == 1 else ",".join(map(str, marks))
    return Rule(name, Boundaries("month", frozenset(marks)), f"0 0 1 {months} *", fmt)


def _retail(name: str, *weeks: int, cron: str | None = None) -> Rule:
    return Rule(name, Boundaries("retail week", frozenset(weeks)), cron)


# The longest year of all calendars is a retail year of 53 weeks: 371 days.
_DAY = Rule("{start}", Boundaries("day", frozenset(range(53 * 7))), "0 0 * * *")


class StandardCalendar(Calendar):
    """Days, ISO 8601 weeks, and the months, quarters and years of everyday life."""

    type: Literal["standard"] = "standard"
    rules: ClassVar[Mapping[Grain, Rule]] = {
        Grain.DAY: _DAY,
        Grain.WEEK: Rule("{year}-W{n:02}", Boundaries("iso week", frozenset(range(53))), "0 0 * * 1"),
        Grain.MONTH: _monthly("{year}-{n:02}", 1, 1, "%Y-%m"),
        Grain.QUARTER: _monthly("{year}-Q{n}", 1, 3),
        Grain.YEAR: _monthly("{year}", 1, 12, "%Y"),
    }

    @override
    def year_start(self, year: int) -> date:
        return date(year, 1, 1)


class FiscalCalendar(Calendar):
    """Years of twelve calendar months that begin in `start_month`: `FY2026`, `FY2026-Q1`, `FY2026-M01`.

    `year_label` sets which calendar year names a fiscal year: that of its first day or that of its last day.
    """

    type: Literal["fiscal"]
    start_month: Annotated[Integer, Field(ge=1, le=12)]
    year_label: Literal["starting", "ending"]

    @property
    @override
    def rules(self) -> Mapping[Grain, Rule]:
        return {
            Grain.DAY: _DAY,
            Grain.MONTH: _monthly("FY{year}-M{n:02}", self.start_month, 1),
            Grain.QUARTER: _monthly("FY{year}-Q{n}", self.start_month, 3),
            Grain.YEAR: _monthly("FY{year}", self.start_month, 12),
        }

    @override
    def year_start(self, year: int) -> date:
        ends_later = self.year_label == "ending" and self.start_month > 1
        return date(year - ends_later, self.start_month, 1)


class RetailCalendar(Calendar):
    """The 4-5-4 calendar of the National Retail Federation: `RY2026`, `RY2026-Q1`, `-M01`, `-W01`.

    Weeks begin on Sunday. A year ends on the Saturday nearest 31 January and is named by the calendar year
    it begins in; the 53rd week of a long year belongs to its last month. Only days and weeks have a cron
    expression: months, quarters and years begin on no fixed date, and a 53rd week shifts all later ones.
    """

    type: Literal["retail"]
    rules: ClassVar[Mapping[Grain, Rule]] = {
        Grain.DAY: _DAY,
        Grain.WEEK: _retail("RY{year}-W{n:02}", *range(53), cron="0 0 * * 0"),
        Grain.MONTH: _retail("RY{year}-M{n:02}", 0, 4, 9, 13, 17, 22, 26, 30, 35, 39, 43, 48),
        Grain.QUARTER: _retail("RY{year}-Q{n}", 0, 13, 26, 39),
        Grain.YEAR: _retail("RY{year}", 0),
    }

    @override
    def year_start(self, year: int) -> date:
        # That Saturday lies between 28 January and 3 February, so the Sunday after it is at most the 4th.
        latest = date(year, 2, 4)
        return latest - timedelta(days=latest.isoweekday() % 7)


AnyCalendar = Annotated[StandardCalendar | FiscalCalendar | RetailCalendar, Field(discriminator="type")]
"""Any calendar; the key `type` selects the family."""
