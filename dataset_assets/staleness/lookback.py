"""The instants and time ranges that a publication reads, shared by all datasets that look back alike."""

from dataclasses import dataclass, field
from datetime import datetime

from dataset_assets.cached_property import cached_property
from dataset_assets.compiler.selection_input import time_range_of, window_of
from dataset_assets.compiler.source_ranges import history_range, snapshot_range
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Source
from dataset_assets.periods.instants import AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.publishing.prepared_run import as_of_instant
from dataset_assets.publishing.snapshot import window_ends


@dataclass(frozen=True)
class Lookback:
    """The as-of instant of a publication, and the time ranges that it reads of its tables.

    `window` is what a record holds of the selected window; a range is None for all rows.
    """

    as_of: AsOf
    window: list[str] | None
    main_range: TimeRange | None

    def range_of(self, source: Source, dataset: Dataset) -> TimeRange | None:
        """Return the time range that is read of a source of a dataset, as `source_range` does."""
        if source.lookup is None or self.main_range is None:
            return self.main_range
        if source.as_of is None:
            return self._snapshot
        return history_range(dataset, source.lookup, self.main_range)

    @cached_property
    def _snapshot(self) -> TimeRange | None:
        return snapshot_range(self.main_range) if self.main_range else None

    @classmethod
    def of(cls, dataset: Dataset, period: Period | None, now: datetime) -> "Lookback":
        """Return what a publication of a Period reads, or one at `now` without a Period."""
        as_of = as_of_instant(period, now)
        window = window_ends(window_of(dataset, as_of, period))
        return cls(as_of, window, time_range_of(dataset, as_of, period))


@dataclass(frozen=True)
class Lookbacks:
    """What publications read at the instant `now`; computed once for all datasets that look back alike."""

    now: datetime
    _by_rule: dict[object, dict[str | None, Lookback]] = field(default_factory=dict)

    def of(self, dataset: Dataset) -> "DatasetLookbacks":
        """Return the lookbacks of a dataset by Period."""
        split, partitions = dataset.split_config, dataset.partitions
        by_day = split is not None and split.by_day
        calendar = partitions.period if partitions else None
        whole = dataset.column_mapping is None or dataset.main_table.bitemporal
        rule = dataset.filters.date_range, by_day, whole, calendar
        return DatasetLookbacks(dataset, self.now, self._by_rule.setdefault(rule, {}))


@dataclass(frozen=True)
class DatasetLookbacks:
    """What the publications of one dataset read."""

    dataset: Dataset
    now: datetime
    _known: dict[str | None, Lookback]

    def at(self, period: Period | None) -> Lookback:
        """Return what the publication of a Period reads."""
        key = period.id if period else None
        if key not in self._known:
            self._known[key] = Lookback.of(self.dataset, period, self.now)
        return self._known[key]
