"""Decide whether what a dataset with a `cron` waits for was loaded since the last tick."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dataset_assets.periods.period import Period
from dataset_assets.publishing.source_locator import source_key
from dataset_assets.staleness.due_publication import DuePublication, SourceReports
from dataset_assets.staleness.reasons import Reason, StalenessReason
from dataset_assets.staleness.refresh_memory import RefreshMemory
from dataset_assets.staleness.refreshed_dataset import RefreshedDataset

Requested = Mapping[str, Mapping[str, str]]
"""By stem and id of the Period (empty if unpartitioned): the state for which a run was requested."""


@dataclass(frozen=True)
class Loads:
    """The loads of main tables, as far as datasets with a `cron` wait for them, at the instant `now`."""

    memory: RefreshMemory
    requested: Requested
    now: datetime
    reports: SourceReports
    _ticks: dict[tuple[str, str], str] = field(default_factory=dict)

    def tick(self, dataset: RefreshedDataset) -> str:
        """Return the last tick of a dataset's `cron` as ISO 8601; empty without one."""
        key = dataset.refresh.cron or "", dataset.zone.key
        if key not in self._ticks:
            tick = dataset.last_tick(self.now)
            self._ticks[key] = tick.isoformat() if tick else ""
        return self._ticks[key]

    def state(self, dataset: RefreshedDataset, due: DuePublication) -> str:
        """Return for what a publication is requested once: the state of its sources, or a tick."""
        return self.tick(dataset) if dataset.refresh.cron else due.state

    def waits_for(self, dataset: RefreshedDataset, due: DuePublication) -> str:
        """Return what a due publication waits for, in words; empty if it waits for nothing.

        A first publication waits for a tick after the end of its Period, and for no load.
        """
        if not dataset.refresh.cron:
            return ""
        tick = datetime.fromisoformat(self.tick(dataset)) if self.tick(dataset) else None
        if tick is None or (due.period and tick < due.period.end):
            return f"waits for the next tick of {dataset.refresh.cron}"
        if due.read_at is None:
            return ""
        late = next(self._late(dataset, due.period, tick), None)
        if late:
            return f"waits until {late} is loaded; the last tick was {tick:%Y-%m-%d %H:%M} UTC"
        loaded_at = self._loaded_at(dataset, due.period, tick)
        is_done = loaded_at is not None and tick <= loaded_at <= due.read_at
        return f"was made after the last tick, {tick:%Y-%m-%d %H:%M} UTC" if is_done else ""

    def _late(self, dataset: RefreshedDataset, period: Period | None, tick: datetime) -> Iterator[str]:
        """Yield the main table if it was not loaded since the tick, and nested datasets that are late."""
        if self._loaded_at(dataset, period, tick) is None and not self._is_unknown(dataset, period):
            yield dataset.scope.main.table
        for source in dataset.scope.lookups:
            nested = self.memory.datasets.get(source.nested.stem) if source.nested else None
            if nested and nested.refresh.cron:
                own = self._period_of(nested, period)
                if self._is_late(nested, own) or any(self._late(nested, own, tick)):
                    yield nested.entry.stem

    def _loaded_at(self, dataset: RefreshedDataset, period: Period | None, tick: datetime) -> datetime | None:
        """Return the instant of the first load of the main table since the tick; None without one."""
        main, target = dataset.scope.main, self.memory.target
        resolver = target.resolver_of(dataset.scope.dataset, main.table).name
        time_range = dataset.time_range(main, period, self.now)
        return self.reports.first_report(resolver, main.table, time_range, tick)

    def _is_unknown(self, dataset: RefreshedDataset, period: Period | None) -> bool:
        """Return whether the main table does not say whether it changed: there is no load to wait for."""
        due = self.memory.due.get(dataset.entry.stem, {}).get(period.id if period else None)
        key = source_key(dataset.scope.main, dataset.scope.dataset, self.memory.target)
        return due is not None and Reason(StalenessReason.UNKNOWN_VERSION, key) in due.reasons

    def _is_late(self, nested: RefreshedDataset, period: Period | None) -> bool:
        """Return whether a nested dataset is still to be made for this tick, or could not be."""
        key = period.id if period else None
        due = self.memory.due.get(nested.entry.stem, {}).get(key)
        if due is None:
            return False
        is_unknown = all(reason.why is StalenessReason.UNKNOWN_VERSION for reason in due.reasons)
        was_requested = self.requested.get(nested.entry.stem, {}).get(key or "") == self.tick(nested)
        return not (is_unknown and was_requested)

    def _period_of(self, nested: RefreshedDataset, period: Period | None) -> Period | None:
        """Return the Period of a nested dataset that is read: the same one, or the latest."""
        if nested.schedule is None:
            return None
        if nested.scope.dataset.main_table.bitemporal:
            return next(iter(nested.recent(self.now)), None)
        return period or next(iter(nested.recent(self.now)), None)
