"""Which time range a dataset looks at (Domain: `filters.date_range`; BR-106, BR-107)."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from dateutil.relativedelta import relativedelta
from pydantic import Field, model_validator

from dataset_assets.model import Day, Integer, Model
from dataset_assets.periods.instants import AsOf, Moment, Window

_FOUR_YEARS = tuple(date(2021, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1))
"""Each month in each of its lengths."""


class RollingRange(Model):
    """The last `months` months before as-of: [D - months, as-of). Auto-updates with the ETL."""

    type: Literal["rolling"]
    months: Annotated[Integer, Field(ge=1, le=24)]

    def window(self, as_of: AsOf) -> Window:
        """Month arithmetic clamps to the month's last day, as DATE_SUB does (BR-106)."""
        first = as_of.day - relativedelta(months=self.months)
        return Window(Moment(as_of.midnight(first), first), Moment(as_of.instant, as_of.end_day))

    def eval_anchor(self, as_of: AsOf) -> date:
        """The day from which `eval_days` count back."""
        return as_of.day

    def shortest(self, anchors: Iterable[date] = ()) -> int:
        """The days from the window's start to the anchor, of the anchor with fewest; by default of any."""
        return min((day - (day - relativedelta(months=self.months))).days for day in anchors or _FOUR_YEARS)


class FixedRange(Model):
    """Both dates inclusive (BR-107)."""

    type: Literal["fixed"]
    start_date: Day
    end_date: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        return self

    def window(self, as_of: AsOf) -> Window:
        """Independent of as-of, but for its zone."""
        after = self.end_date + timedelta(days=1)
        return Window(
            Moment(as_of.midnight(self.start_date), self.start_date), Moment(as_of.midnight(after), after)
        )

    def eval_anchor(self, as_of: AsOf) -> date:  # noqa: ARG002 - same signature as RollingRange
        """The day after `end_date` (BR-107)."""
        return self.end_date + timedelta(days=1)

    def shortest(self, anchors: Iterable[date] = ()) -> int:  # noqa: ARG002 - as above
        """The days of the range: it is the same for every anchor."""
        return (self.end_date - self.start_date).days + 1


DateRange = Annotated[RollingRange | FixedRange, Field(discriminator="type")]
