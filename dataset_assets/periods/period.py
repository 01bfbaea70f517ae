"""The Period, a named half-open time range by which datasets are published (BR-130)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dataset_assets.cached_property import cached_property

_SECOND = timedelta(seconds=1)


class Grain(StrEnum):
    """The length of a Period, from the finest to the coarsest."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True)
class Boundaries:
    """The days, weeks or months at which Periods of a cadence begin: those whose number is in `marks`.

    `lattice` says what is numbered: days, ISO weeks, retail weeks or months, each within its year.

    Boundaries decide for a whole cadence which rollups exist: a week does not roll up to a month, even if it
    lies inside of one.
    """

    lattice: str
    marks: frozenset[int]

    def refine(self, coarser: "Boundaries") -> bool:
        """Return whether every boundary of `coarser` is one of these, so that Periods nest."""
        return self.lattice == "day" or (self.lattice == coarser.lattice and coarser.marks <= self.marks)


@dataclass(frozen=True)
class Period:
    """One Period of a cadence. `start_date` and `end_date` (exclusive) are dates in `zone`.

    `id` is the name in files and in `_period` (BR-018): `2026-01`, `2026-W05`, `FY2026-Q1`.
    `key` is the partition key of Dagster, which differs from the id if strptime cannot parse the id.
    `calendar` is the calendar's name in `periods.yaml`, or `standard`.
    """

    grain: Grain
    calendar: str
    id: str
    key: str
    start_date: date
    end_date: date
    zone: ZoneInfo
    boundaries: Boundaries = field(repr=False)

    @cached_property
    def start(self) -> datetime:
        """The first instant, in UTC."""
        return first_instant(self.start_date, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The first instant after the Period, in UTC."""
        return first_instant(self.end_date, self.zone)

    def __str__(self) -> str:
        return self.id


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of `day` in `zone`, in UTC.

    That is midnight or, if clocks skip midnight, the end of the skip. A date that a zone left out altogether
    (Pacific/Apia, 2011-12-30) is empty and begins where the next date begins.
    """
    return instant_of(datetime.combine(day, time.min), zone)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which clocks of `zone` show `local`, a naive time, or a later one; in UTC.

    A time that clocks skip has the end of the skip, a time that they show twice the first of both.
    """
    aware = local.replace(tzinfo=zone)
    latest = aware.astimezone(UTC)
    earliest = aware.replace(fold=1).astimezone(UTC)
    # The two readings of a time that does not exist lie on both sides of the skip, in this order.
    while latest - earliest > _SECOND:
        middle = earliest + (latest - earliest) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).replace(tzinfo=None) < local:
            earliest = middle
        else:
            latest = middle
    return latest
