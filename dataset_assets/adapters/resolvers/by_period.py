"""Select the Periods that a time range needs, for a table with one file or shard for each Period."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from dataset_assets.adapters.resolvers.base import ConfiguredResolver, TableSettings
from dataset_assets.errors import PeriodError
from dataset_assets.model import Text
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.text.wording import listed

PERIOD = "{period}"


class PartitionedTableSettings(TableSettings):
    """Settings of a table whose `location` can contain `{period}`, a Period's id of the cadence `period`."""

    period: Text | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.period is not None) != (PERIOD in self.location):
            raise ValueError("`{period}` in `location` and the cadence `period` go together")
        return self


def required_periods(
    resolver: ConfiguredResolver,
    table: str,
    cadence: Cadence,
    present: Mapping[str, Period],
    time_range: TimeRange | None,
) -> list[Period]:
    """Return the Periods that `time_range` overlaps, or all; `present` are the Periods that have a piece.

    Raises ResolveError if a Period after the first one has no piece, or if all of `time_range` is before the
    first one.
    """
    in_order = sorted_periods(resolver, table, cadence, present)
    first, end = in_order[0], time_range.end if time_range else in_order[-1].end
    required = cadence.covering(max(first.start, time_range.start) if time_range else first.start, end)
    missing = [period.id for period in required if period.id not in present]
    if missing:
        raise resolver.table_error(table, f"the Periods {listed(missing, 12)} are missing", "load them first")
    if not required:
        raise resolver.table_error(
            table, f"has no data before {first.id}, its first Period", "ask for a later one"
        )
    return required


def sorted_periods(
    resolver: ConfiguredResolver, table: str, cadence: Cadence, present: Mapping[str, Period]
) -> list[Period]:
    """Return the Periods that have a piece in order of time. Raises ResolveError if there are none."""
    if not present:
        hint = "load one, or fix the table's `location` in the target"
        raise resolver.table_error(table, f"there is nothing of any Period of '{cadence.name}'", hint)
    return sorted(present.values(), key=lambda period: period.start)


def parse_period(cadence: Cadence, text: str) -> Period | None:
    """Return the Period with this id; None if the text is not an id of the cadence."""
    try:
        return cadence.parse(text)
    except PeriodError:
        return None
