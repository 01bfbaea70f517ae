"""Which datasets refresh by themselves, and which of their Periods are made without being asked for."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dataset_assets.catalog.build_order import Schedule, schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import Dataset, Lookups, Refresh, Status
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cron import last_tick
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.ports.target import Target
from dataset_assets.staleness.lookback import Lookback

PublicationKey = tuple[str, str | None]
"""The stem of a dataset, and the id of a Period; None if the dataset is unpartitioned."""


def refreshes(catalog: Catalog, stem: str, dataset: Dataset) -> bool:
    """Return whether a dataset refreshes by itself. A disabled one does so if a Project names it (BR-008)."""
    refresh, status = dataset.refresh, dataset.status
    if refresh is None or refresh.paused:
        return False
    return status is Status.ACTIVE or (status is Status.DISABLED and stem in _named(catalog))


def _named(catalog: Catalog) -> set[str]:
    """Return the stems of the datasets that Projects name."""
    entries = (catalog.named(name) for project in catalog.projects.values() for name in project.datasets)
    return {entry.stem for entry in entries if entry}


@dataclass(frozen=True)
class RefreshedDataset:
    """A dataset that refreshes by itself. `zone` is that of its calendar, in which `cron` ticks.

    `loaded_at` is the instant at which its file was read. A cadence without a cron expression has no Periods
    that ended later: Dagster learns of them when the files are read again.
    """

    entry: Entry
    scope: Scope
    refresh: Refresh
    schedule: Schedule | None
    zone: ZoneInfo
    loaded_at: datetime

    def recent(self, now: datetime) -> tuple[Period | None, ...]:
        """Return the latest complete Period and the `lookback` Periods before it, the latest first.

        They are the ones that are made although they were never published. `(None,)` if unpartitioned.
        """
        schedule = self.schedule
        if schedule is None:
            return (None,)
        try:
            found = [schedule.last_complete(self._until(now))]
        except PeriodError:
            return ()
        for _ in range(self.refresh.lookback or 0):
            if found[-1].start > schedule.first.start:
                found.append(schedule.cadence.previous(found[-1]))
        return tuple(found)

    def existing(self, period_ids: Iterable[str | None], now: datetime) -> Iterator[Period | None]:
        """Yield the Periods with these ids, without those that the dataset does not have now."""
        for period_id in period_ids:
            if self.schedule is None or period_id is None:
                if self.schedule is None and period_id is None:
                    yield None
                continue
            with suppress(PeriodError):
                period = self.schedule.period(period_id)
                if period.end <= self._until(now):
                    yield period

    def _until(self, now: datetime) -> datetime:
        by_clock = self.schedule is None or self.schedule.cadence.cron_schedule is not None
        return now if by_clock else min(now, self.loaded_at)

    def last_tick(self, now: datetime) -> datetime | None:
        """Return the instant of the last tick of `cron`; None if a change refreshes the dataset."""
        return last_tick(self.refresh.cron, self.zone, now) if self.refresh.cron else None

    def time_range(self, source: Source, period: Period | None, now: datetime) -> TimeRange | None:
        """Return the time range that a run of this instant would read of a table; None for all rows."""
        return Lookback.of(self.scope.dataset, period, now).range_of(source, self.scope.dataset)

    def is_affected(self, source: Source, target: Target, *, recent: bool, latest: bool) -> bool:
        """Return whether a change of a source makes a publication stale enough to be made again by itself.

        Of a source that is not stored by Period that depends on the settings: `lookback` for the main table,
        `lookups` for all others. `recent` and `latest` say whether the publication is of a recent Period,
        and whether it is the latest one.
        """
        if self.schedule is None or _is_by_period(source, self.scope.dataset, target):
            return True
        if source.lookup is None:
            return recent or self.refresh.lookback is None
        return latest or self.refresh.lookups is Lookups.ALL


def _is_by_period(source: Source, dataset: Dataset, target: Target) -> bool:
    if source.is_bitemporal and source.nested:
        return source.is_as_known
    if source.nested:
        return source.nested.dataset.partitions is not None
    return target.resolver_of(dataset, source.table).cadence(source.table) is not None


def refreshed_datasets(
    catalog: Catalog, stems: Iterable[str], loaded_at: datetime
) -> dict[str, RefreshedDataset]:
    """Return those that refresh by themselves, by stem. All datasets must be free of faults."""
    found = {}
    for stem in stems:
        entry = catalog.entry(stem)
        scope = catalog.scope(entry)
        refresh = scope.dataset.refresh
        if refresh and refreshes(catalog, stem, scope.dataset):
            schedule = schedule_of(catalog, entry)
            zone = (schedule.cadence if schedule else catalog.calendars.cadence("day")).zone
            found[stem] = RefreshedDataset(entry, scope, refresh, schedule, zone, loaded_at)
    return found
