"""Convert Periods to Dagster partitions, and map a dataset's partitions to the table partitions they read.

Only Dagster's own mappings are used: its host process silently drops all others.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import dagster as dg

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.compiler.selection_input import time_range_of
from dataset_assets.compiler.source_ranges import history_before
from dataset_assets.contract.model import Dataset, TableTarget
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.instants import UTC_ZONE, AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.selection.date_range import DateRange, FixedRange

_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
_SAMPLE = (date(2000, 1, 1), date(2010, 1, 1))
"""Days over which the longest window is measured; they include leap days and 53-week years."""


@dataclass(frozen=True)
class Partitioning:
    """The Periods of a cadence from `first` to `last`, or to the last one that is complete at `now`.

    A Period that has not ended yet is not a partition, because its data is still arriving.
    """

    cadence: Cadence
    first: Period
    now: datetime
    last: Period | None = None

    @property
    def by_clock(self) -> bool:
        """Whether a cron schedule has the starts of Periods; else new Periods appear on a reload."""
        return self.cadence.cron_schedule is not None

    @property
    def name(self) -> str:
        """Text for people: `month from 2017-07`, `month from 2017-07 to 2017-12`."""
        return f"{self.cadence.name} from {self.first}" + (f" to {self.last}" if self.last else "")

    @property
    def definition(self) -> dg.PartitionsDefinition:
        """Dagster's partitions definition, with `Period.key` as keys."""
        return _definition(self)

    def complete(self) -> list[Period]:
        """Return the Periods that have ended."""
        return [period for period in self.cadence.between(self.first, self._end) if period.end <= self._end]

    def holds(self, period: Period, now: datetime) -> bool:
        """Return whether a Period of the cadence is a partition at the instant `now`."""
        end = min(now, self.last.end) if self.last else now
        return self.first.start <= period.start and period.end <= (end if self.by_clock else self._end)

    def touched(self, time_range: TimeRange, *, only_last: bool = False) -> list[str]:
        """Return the keys of the partitions that overlap a time range."""
        periods = self.cadence.covering(time_range.start, time_range.end)[-1 if only_last else 0 :]
        return [p.key for p in periods if p.start >= self.first.start and p.end <= self._end]

    @property
    def _end(self) -> datetime:
        """The instant by which a Period must have ended to be a partition."""
        return min(self.now, self.last.end) if self.last else self.now


@cache
def _definition(partitioning: Partitioning) -> dg.PartitionsDefinition:
    cadence, last = partitioning.cadence, partitioning.last
    if cadence.cron_schedule is None:
        return dg.StaticPartitionsDefinition([period.key for period in partitioning.complete()])
    return dg.TimeWindowPartitionsDefinition(
        start=partitioning.first.key,
        end=last.end_date.strftime(cadence.fmt) if last else None,
        fmt=cadence.fmt,
        cron_schedule=cadence.cron_schedule,
        timezone=str(cadence.zone),
    )


def nested_mapping(
    upstream: Partitioning | None, downstream: Partitioning | None
) -> dg.PartitionMapping | None:
    """Return how a dataset reads a nested one: the same Period, or the latest without one (BR-122)."""
    if upstream is None:
        return None
    if downstream is None:
        return dg.LastPartitionMapping()
    if upstream.cadence != downstream.cadence:
        return dg.AllPartitionMapping()
    return dg.TimeWindowPartitionMapping() if upstream.by_clock else dg.IdentityPartitionMapping()


def bitemporal_mapping(upstream: Partitioning | None) -> dg.PartitionMapping | None:
    """Return how a dataset reads a bitemporal one: all loads are one table.

    A row reads no load of a later Period, but Dagster has no mapping of a Period to all before it.
    """
    return dg.AllPartitionMapping() if upstream else None


def table_mapping(
    dataset: Dataset,
    upstream: Partitioning | None,
    downstream: Partitioning | None,
    *,
    snapshots: bool = False,
    before: timedelta | None = timedelta(),
) -> dg.PartitionMapping | None:
    """Return how a dataset reads a table that is stored by Period: the partitions that overlap its window.

    With `snapshots` the table is a lookup: only the last partition of the window is read. `before` is how
    long before the window the table is read; None if there is no limit: then all partitions count.
    """
    if upstream is None or before is None:
        return dg.AllPartitionMapping() if upstream else None
    fixed = _fixed_time_range(dataset, downstream)
    if fixed:
        fixed = TimeRange(fixed.start - before, fixed.end)
        return dg.SpecificPartitionsPartitionMapping(upstream.touched(fixed, only_last=snapshots))
    if downstream is None:
        return dg.LastPartitionMapping() if snapshots else dg.AllPartitionMapping()
    if not upstream.by_clock and not downstream.by_clock:
        return _exact_mapping(dataset, upstream, downstream, snapshots, before)
    comparable = upstream.by_clock and downstream.by_clock
    if not comparable or upstream.cadence.zone.key != downstream.cadence.zone.key:
        return dg.AllPartitionMapping()
    date_range = None if snapshots else dataset.filters.date_range
    offset = _reach(downstream.cadence, date_range, before) if date_range or before else 0
    return dg.TimeWindowPartitionMapping(start_offset=-offset)


def first_needed(dataset: Dataset, downstream: Partitioning | None, table: str = "") -> datetime | None:
    """Return the earliest instant that a partition of the dataset reads of a table.

    The result is None if only a run can decide it. A lookup without `max_age` is read from its beginning on,
    which is not known here: the window counts.
    """
    time_range = _fixed_time_range(dataset, downstream)
    if time_range is None and downstream:
        time_range = _time_range(dataset, downstream.first)
    histories = (
        history_before(dataset, lookup)
        for lookup in dataset.lookups
        if isinstance(lookup.target, TableTarget) and lookup.target.name == table
    )
    return time_range.start - max(filter(None, histories), default=timedelta()) if time_range else None


def _fixed_time_range(dataset: Dataset, downstream: Partitioning | None) -> TimeRange | None:
    """Return the time range of a dataset with fixed dates, the same for every as-of; None without them."""
    if not isinstance(dataset.filters.date_range, FixedRange):
        return None
    return time_range_of(
        dataset, AsOf(_ANY_INSTANT, downstream.cadence.zone if downstream else UTC_ZONE), None
    )


def _time_range(dataset: Dataset, period: Period) -> TimeRange | None:
    """Return the time range that a partition reads; its as-of is the end of the Period (BR-106)."""
    return time_range_of(dataset, AsOf(period.end, period.zone), period)


def _exact_mapping(
    dataset: Dataset, upstream: Partitioning, downstream: Partitioning, snapshots: bool, before: timedelta
) -> dg.PartitionMapping:
    readers: dict[str, list[str]] = {}
    for period in downstream.complete():
        time_range = _time_range(dataset, period)
        time_range = time_range and TimeRange(time_range.start - before, time_range.end)
        for key in upstream.touched(time_range, only_last=snapshots) if time_range else ():
            readers.setdefault(key, []).append(period.key)
    return dg.StaticPartitionMapping(readers)


@cache
def _reach(cadence: Cadence, date_range: DateRange | None, before: timedelta) -> int:
    """Return the number of Periods before a Period at which its window, or what is read before it, begins.

    A mapping counts in whole Periods of the dataset, the same number for all of them. So it is exact if
    months look back over months, else up to one Period of the dataset too wide, and never too narrow.
    """
    periods = cadence.between(cadence.containing(_SAMPLE[0]), _SAMPLE[1])
    starts = [period.start for period in periods]
    begins = (
        date_range.window(AsOf(period.end, period.zone)).start.instant if date_range else period.start
        for period in periods
    )
    firsts = (bisect_right(starts, begin - before) - 1 for begin in begins)
    reaches = (number - first for number, first in enumerate(firsts) if first >= 0)
    return max(reaches, default=len(periods))


def partition_key(catalog: Catalog, dataset: str, period: str | None) -> str | None:
    """Return Dagster's key of a Period of a dataset or output; the Period's id if the catalog has none."""
    output = catalog.outputs.get(dataset)
    entry = catalog.named(output.dataset if output else dataset)
    schedule = schedule_of(catalog, entry) if entry and entry.dataset else None
    return schedule.cadence.parse(period).key if schedule and period else period
