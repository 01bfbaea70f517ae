"""Tables that are stored by Period, one piece for each: which pieces a time range needs."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from dataset_assets.adapters.resolvers.base import ConfiguredResolver, TableSettings
from dataset_assets.errors import PeriodError
from dataset_assets.model import Text
from dataset_assets.periods.calendar import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.text.wording import listed

PERIOD = "{period}"


class StoredTable(TableSettings):
    """`{period}` in `location` stands for the Periods of the cadence `period`."""

    period: Text | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.period is not None) != (PERIOD in self.location):
            raise ValueError("`{period}` in `location` and the cadence `period` go together")
        return self


def pieces(
    resolver: ConfiguredResolver,
    table: str,
    cadence: Cadence,
    present: Mapping[str, Period],
    time_range: TimeRange | None,
) -> list[Period]:
    """The Periods that `time_range` touches, or all; `present` are those that there are pieces of.

    Before the first Period there is no data yet; after it a missing one is a hole. Raises ResolveError.
    """
    there = ordered(resolver, table, cadence, present)
    first, end = there[0], time_range.end if time_range else there[-1].end
    asked = cadence.covering(max(first.start, time_range.start) if time_range else first.start, end)
    missing = [period.id for period in asked if period.id not in present]
    if missing:
        raise resolver.refuse(table, f"the Periods {listed(missing, 12)} are missing", "load them first")
    if not asked:
        raise resolver.refuse(
            table, f"has no data before {first.id}, its first Period", "ask for a later one"
        )
    return asked


def ordered(
    resolver: ConfiguredResolver, table: str, cadence: Cadence, present: Mapping[str, Period]
) -> list[Period]:
    """The Periods that there are pieces of, in order. Raises ResolveError where there are none."""
    if not present:
        hint = "load one, or fix the table's `location` in the target"
        raise resolver.refuse(table, f"there is nothing of any Period of '{cadence.name}'", hint)
    return sorted(present.values(), key=lambda period: period.start)


def parsed(cadence: Cadence, text: str) -> Period | None:
    """The Period of that id; None for text that is none."""
    try:
        return cadence.parse(text)
    except PeriodError:
        return None
