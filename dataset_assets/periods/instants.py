"""The instants that bound a selection: as-of, a boundary, and the half-open window between two boundaries."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dataset_assets.cached_property import cached_property

UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True)
class AsOf:
    """The instant from which a selection looks back, and the time zone of its dates."""

    instant: datetime
    zone: ZoneInfo = UTC_ZONE

    @cached_property
    def day(self) -> date:
        """The date of as-of in the zone, D of BR-106."""
        return self.instant.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """Return the first instant of a day of the zone, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @cached_property
    def end_day(self) -> date:
        """The exclusive end of the range of a DATE column: the first date that begins at as-of or later."""
        return self.day if self.midnight(self.day) == self.instant else self.day + timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """A boundary of a window as an instant and as a date; the type of a column selects one of them."""

    instant: datetime
    date: date


@dataclass(frozen=True)
class Window:
    """The half-open range of the selected rows, [start, end)."""

    start: Moment
    end: Moment

    def until(self, as_of: AsOf, day: date) -> "Window":
        """Return the part of the window before a day, in the zone of as-of."""
        return Window(
            self.start, min(self.end, Moment(as_of.midnight(day), day), key=lambda end: end.instant)
        )
