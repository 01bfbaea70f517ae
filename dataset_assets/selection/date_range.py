"""`filters.date_range`: the time range whose rows a dataset selects (BR-106, BR-107)."""

from abc import ABC, abstractmethod
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from dataset_assets.model import Day, Integer, Model
from dataset_assets.periods.instants import AsOf, Moment, Window

_FOUR_YEARS = tuple(date(2021, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1))
"""The days of four years that include a leap year, so that each month occurs in every possible length."""


class DateRangeBase(Model, ABC):
    """A kind of date range: its settings, and the window that they select as of an instant.

    `moves` is true if the window depends on as-of.
    """

    moves: ClassVar[bool]

    @abstractmethod
    def window(self, as_of: AsOf) -> Window:
        """Return the half-open window of the selected rows."""

    @abstractmethod
    def eval_anchor(self, as_of: AsOf) -> date:
        """Return the day from which a time-based split counts back."""

    @abstractmethod
    def shortest(self, anchors: Iterable[date] = ()) -> int:
        """Return the length in days of the shortest possible window up to its anchor.

        `anchors` are the anchor days to consider, by default any day.
        """


class RollingRange(DateRangeBase):
    """The last `months` months before as-of: [D - months, as-of). It moves with every run."""

    moves: ClassVar[bool] = True
    type: Literal["rolling"]
    months: Annotated[Integer, Field(ge=1, le=24)]

    @override
    def window(self, as_of: AsOf) -> Window:
        # Month arithmetic clamps to the last day of a shorter month, as DATE_SUB does (BR-106).
        first = _months_before(as_of.day, self.months)
        return Window(Moment(as_of.midnight(first), first), Moment(as_of.instant, as_of.end_day))

    @override
    def eval_anchor(self, as_of: AsOf) -> date:
        return as_of.day

    @override
    def shortest(self, anchors: Iterable[date] = ()) -> int:
        return _shortest_months(self.months, tuple(anchors))


@cache
def _shortest_months(months: int, anchors: tuple[date, ...]) -> int:
    """Return the days of the shortest window of so many months; cached, because many datasets share it."""
    return min((day - _months_before(day, months)).days for day in anchors or _FOUR_YEARS)


def _months_before(day: date, months: int) -> date:
    """Return the same day some months before, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class FixedRange(DateRangeBase):
    """The days from `start_date` to `end_date`, both included (BR-107)."""

    moves: ClassVar[bool] = False
    type: Literal["fixed"]
    start_date: Day
    end_date: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        return self

    @override
    def window(self, as_of: AsOf) -> Window:
        after = self.end_date + timedelta(days=1)
        return Window(
            Moment(as_of.midnight(self.start_date), self.start_date), Moment(as_of.midnight(after), after)
        )

    @override
    def eval_anchor(self, as_of: AsOf) -> date:
        return self.end_date + timedelta(days=1)

    @override
    def shortest(self, anchors: Iterable[date] = ()) -> int:
        return (self.end_date - self.start_date).days + 1


DateRange = Annotated[RollingRange | FixedRange, Field(discriminator="type")]
