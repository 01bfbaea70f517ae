"""Compute in SQL the first instant of the Period that an id names, for every grain of every calendar.

The Period of an instant is a given Period or a later one if and only if the instant is not before the begin
of the given one. So SQL never computes the Period of a row's time: it compares that time with the begins of
the few Periods that a bitemporal table names.
"""

import re
from collections.abc import Mapping

from sqlglot import exp

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.periods.cadence import Cadence
from dataset_assets.sql.build import number, text
from dataset_assets.sql.nodes import ClockTime, UtcTime

_ID = re.compile(r"(?P<prefix>[^{]*)\{year\}(?P<middle>[^{]*)(?P<n>\{n(:02)?\})?")
_YEAR_DIGITS = 4
_LEAP_FREE = 2001
"""A year from which the first month of a calendar's years is read."""
_FIRST_WEEKS: Mapping[str, tuple[str, str]] = {
    "iso week": ("-01-04", "0001-01-01"),
    "retail week": ("-02-04", "0001-01-07"),
}
"""A day of the first week of each year, and an early first day of a week, by the lattice of the calendar."""


def period_start(period_id: exp.Expr, cadence: Cadence) -> exp.Expr:
    """Return the first instant of the Period with this id; NULL for NULL.

    What an id means that is no Period of the cadence is undefined. Raises UnsupportedError for a calendar
    whose weeks are not known here.
    """
    day = _first_day(period_id, cadence)
    zone = cadence.zone.key
    if zone == "UTC":
        return UtcTime(this=day)
    return ClockTime(this=exp.cast(day, "TIMESTAMP"), zone=text(zone))


def _first_day(period_id: exp.Expr, cadence: Cadence) -> exp.Expr:
    form = _ID.fullmatch(cadence.id_format)
    if form is None:  # the id of a day is its date
        return exp.TryCast(this=period_id.copy(), to=exp.DataType.build("DATE"))
    year_at = len(form["prefix"]) + 1
    year = _part(period_id, year_at, _YEAR_DIGITS)
    place = _part(period_id, year_at + _YEAR_DIGITS + len(form["middle"])) if form["n"] else None
    number_in_year = exp.TryCast(this=place, to=exp.DataType.build("BIGINT")) if place else None
    lattice, marks = cadence.boundaries.lattice, sorted(cadence.boundaries.marks)
    if lattice == "month":
        return _month(year, number_in_year, cadence, 12 // len(marks))
    if lattice not in _FIRST_WEEKS:
        message = f"a lookup cannot compute when the Periods of '{cadence.name}' begin"
        raise UnsupportedError(Fault(message, hint="read the lookup by its `latest_knowledge`"))
    return _later(_first_week(year, lattice), "DAY", _days(number_in_year, marks))


def _month(year: exp.Expr, place: exp.Expr | None, cadence: Cadence, length: int) -> exp.Expr:
    """Return the first day of the n-th stretch of `length` months of a year."""
    first = cadence.calendar.year_start(_LEAP_FREE)
    months = _times(_minus_one(place), length) if place else None
    if first.year < _LEAP_FREE:
        months = exp.Sub(this=months or number(0), expression=number(12))
    begin = _date(year, f"-{first.month:02}-01")
    return _later(begin, "MONTH", months) if months else begin


def _first_week(year: exp.Expr, lattice: str) -> exp.Expr:
    """Return the first day of the first week of a year."""
    suffix, known = _FIRST_WEEKS[lattice]
    within = _date(year, suffix)
    since = exp.DateDiff(this=within, expression=exp.cast(text(known), "DATE"), unit=exp.var("DAY"))
    past = exp.Mod(this=since, expression=number(7))
    return _later(within, "DAY", exp.Neg(this=exp.Paren(this=past)))


def _days(place: exp.Expr | None, marks: list[int]) -> exp.Expr | None:
    """Return how many days after the first one of its year the n-th Period begins: at the n-th mark."""
    if place is None:
        return None
    if marks == [*range(len(marks))]:
        return _times(_minus_one(place), 7)
    days = exp.Case()
    for n, mark in enumerate(marks, 1):
        days = days.when(exp.EQ(this=place.copy(), expression=number(n)), number(7 * mark))
    return days


def _later(day: exp.Expr, unit: str, count: exp.Expr | None) -> exp.Expr:
    """Return a day `count` days or months later; DuckDB's sum is a timestamp, hence the cast."""
    if count is None:
        return day
    return exp.cast(exp.DateAdd(this=day, expression=exp.Paren(this=count), unit=exp.var(unit)), "DATE")


def _part(period_id: exp.Expr, start: int, length: int | None = None) -> exp.Expr:
    return exp.Substring(
        this=period_id.copy(), start=number(start), length=None if length is None else number(length)
    )


def _date(year: exp.Expr, suffix: str) -> exp.Expr:
    joined = exp.Concat(expressions=[year, text(suffix)], safe=False, coalesce=False)
    return exp.TryCast(this=joined, to=exp.DataType.build("DATE"))


def _minus_one(value: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Sub(this=value, expression=number(1)))


def _times(value: exp.Expr, factor: int) -> exp.Expr:
    return value if factor == 1 else exp.Mul(this=value, expression=number(factor))
