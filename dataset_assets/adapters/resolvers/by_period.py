"""Select the Periods that a time range needs, for a table with one file or shard for each Period."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from dataset_assets.adapters.resolvers.base import ConfiguredResolver, TableSettings
from dataset_assets.cached_property import cached_property
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


@dataclass(frozen=True)
class StoredPieces:
    """The Periods that have a piece of a table, by id, in any order."""

    resolver: ConfiguredResolver
    table: str
    cadence: Cadence
    present: Mapping[str, Period]

    @cached_property
    def in_order(self) -> list[Period]:
        """The Periods in order of time. Raises ResolveError if there are none."""
        if not self.present:
            message = f"there is nothing of any Period of '{self.cadence.name}'"
            hint = "load one, or fix the table's `location` in the target"
            raise self.resolver.table_error(self.table, message, hint)
        return sorted(self.present.values(), key=lambda period: period.start)

    def required(self, time_range: TimeRange | None) -> list[Period]:
        """Return the Periods that `time_range` overlaps, or all.

        Raises ResolveError if a Period after the first one has no piece, or if all of `time_range` is before
        the first one.
        """
        first, end = self.in_order[0], time_range.end if time_range else self.in_order[-1].end
        start = max(first.start, time_range.start) if time_range else first.start
        required = self.cadence.covering(start, end)
        missing = [period.id for period in required if period.id not in self.present]
        if missing:
            message = f"the Periods {listed(missing, 12)} are missing"
            raise self.resolver.table_error(self.table, message, "load them first")
        if not required:
            message = f"has no data before {first.id}, its first Period"
            raise self.resolver.table_error(self.table, message, "ask for a later one")
        return required


def parse_period(cadence: Cadence, text: str) -> Period | None:
    """Return the Period with this id; None if the text is not an id of the cadence."""
    try:
        return cadence.parse(text)
    except PeriodError:
        return None
