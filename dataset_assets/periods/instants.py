"""Instants of a selection: as-of, boundaries, and the half-open window between two boundaries."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True)
class AsOf:
    """The instant a selection looks back from, and the zone in which its dates are dates."""

    instant: datetime
    zone: ZoneInfo = UTC_ZONE

    @property
    def day(self) -> date:
        """D of BR-106: the date of as-of."""
        return self.instant.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The first instant of a day in the zone, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @property
    def end_day(self) -> date:
        """The first date of which no instant is before as-of: the end of a DATE column's range."""
        return self.day if self.midnight(self.day) == self.instant else self.day + timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """A boundary, as the instant and as the date: which one is compared depends on the column's type."""

    instant: datetime
    date: date


@dataclass(frozen=True)
class Window:
    """A half-open time range, [start, end)."""

    start: Moment
    end: Moment

    def until(self, as_of: AsOf, day: date) -> "Window":
        """The part of the window that lies before a day, in the zone of as-of."""
        return Window(
            self.start, min(self.end, Moment(as_of.midnight(day), day), key=lambda end: end.instant)
        )
