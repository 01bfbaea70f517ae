"""Decide whether one publication is up to date, by its record and the metadata of its sources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.dataset_ids import id_conflict
from dataset_assets.publishing.reuse import reuse_blockers
from dataset_assets.publishing.snapshot import latest_inputs
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.publishing.stored_periods import StoredPeriods
from dataset_assets.staleness.dataset_inputs import DatasetInputs
from dataset_assets.staleness.estimates import LATEST, estimated_bytes, estimated_rows
from dataset_assets.staleness.lookback import Lookback
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from dataset_assets.staleness.source_states import SourceState, SourceStates

_NEW = (Reason(StalenessReason.NEW),)
_REQUESTED = (Reason(StalenessReason.REQUESTED),)


@dataclass(frozen=True)
class PublicationStatus:
    """The status of one Period of a dataset, or of an unpartitioned dataset (`period` is None).

    Plans compute it for each Period of each dataset, so it computes only what depends on the Period.
    """

    states: SourceStates
    entry: Entry
    period: Period | None

    def due(self, *, every: bool) -> StalePublication | None:
        """Return the publication and the reasons for a run to create or replace it; None if it is up to date.

        With `every`, a publication that is up to date is returned as well.
        """
        reasons = self.reasons
        if not reasons and every:
            reasons = _REQUESTED
        if not reasons:
            return None
        main = self.source_states[self.inputs.scope.main.name]
        return StalePublication(
            period=self.period,
            reasons=reasons,
            rows=estimated_rows(self._records, self.inputs, main),
            size_bytes=estimated_bytes(self._records),
            obstacles=self.obstacles,
            nested=tuple(self._nested()),
        )

    def uncertain(self) -> StalePublication | None:
        """Return a publication that is kept because a source cannot be read; its obstacles say why."""
        return StalePublication(self.period, (), obstacles=self.obstacles) if self.obstacles else None

    @cached_property
    def inputs(self) -> DatasetInputs:
        """The inputs that all Periods of the dataset share."""
        return self.states.inputs(self.entry)

    @cached_property
    def lookback(self) -> Lookback:
        """The instant from which a run would look back, and what it would read."""
        return self.inputs.lookbacks.at(self.period)

    @cached_property
    def locator(self) -> SourceLocator:
        """The locator with which a run would resolve the sources."""
        return SourceLocator(self.inputs.scope, self.states.target, self.lookback.as_of, self.period)

    @cached_property
    def source_states(self) -> Mapping[str, SourceState]:
        """The state of each source now, by the source's name."""
        return {source.name: self._state(source) for source in self.inputs.sources}

    def _state(self, source: Source) -> SourceState:
        time_range = self.lookback.range_of(source, self.inputs.dataset)
        if source.nested:
            return self.states.nested(source, self.period, time_range)
        try:
            state = self.states.table(self.inputs.resolver(source.table), source.table, time_range)
            if state.faults or source.lookup or self.inputs.has_window:
                return state
            faults = tuple(self.locator.faults_of_period())
        except DatasetAssetsError as error:
            return SourceState(faults=error.faults)
        return replace(state, faults=faults)

    @cached_property
    def record(self) -> Record | None:
        """The record of the current publication; None if there is none."""
        return self.states.records(self.entry.stem).get(self.period.id if self.period else None)

    @cached_property
    def _records(self) -> Sequence[Record]:
        """The records that estimates are computed from: the current one, else the latest of all Periods."""
        return [self.record] if self.record else self.states.latest_records(self.entry.stem, LATEST)

    @cached_property
    def obstacles(self) -> tuple[Fault, ...]:
        """The faults for which a run would be refused, or would keep the publication."""
        refused = (
            *id_conflict(self.inputs.dataset, self.record),
            *self.states.continuity_faults(self.entry),
        )
        faults = tuple(fault for state in self.source_states.values() for fault in state.faults)
        return refused or faults or self._missing_periods

    @cached_property
    def _missing_periods(self) -> tuple[Fault, ...]:
        """The faults for Periods that the publication was read from and whose files have disappeared."""
        try:
            if self.record is None or self._has_all_periods(latest_inputs(self.record)):
                return ()
            stored = StoredPeriods(self.locator, self.states.catalog.calendars, self.states.periods)
            return tuple(stored.missing_faults(self.record))
        except DatasetAssetsError as error:
            return error.faults

    def _has_all_periods(self, made_of: Mapping[str, Any]) -> bool:
        """Return whether the sources still have every Period that the publication was made of."""
        return all(
            self.states.periods(*stored).keys() >= set(ids)
            for key, ids in (made_of.get("periods") or {}).items()
            if (stored := self.inputs.stored_by_period.get(key))
        )

    def _nested(self) -> Iterator[tuple[NamedDataset, Period | None]]:
        for source in self.inputs.sources:
            if not source.nested or self.source_states[source.name].faults:
                continue
            if self.states.read_from(source.nested.stem):
                continue  # another target publishes it
            if not source.is_bitemporal:
                yield source.nested, self.states.nested_period(source.nested, self.period)
                continue
            read = self.lookback.range_of(source, self.inputs.dataset)
            for period in self.states.loads_before(source.nested, read.end if read else self.states.now):
                yield source.nested, period

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why a run is needed, each reason once; empty if the publication is up to date."""
        return tuple(dict.fromkeys(self._find_reasons(self.record))) if self.record else _NEW

    def _find_reasons(self, record: Record) -> Iterator[Reason]:
        """Yield why the publication is stale.

        If its definition changed, or its as-of is another day, its sources are not compared: it reads other
        pieces of them.
        """
        version = self.inputs.version
        if record["sha256"] != version.sha256:
            yield Reason(StalenessReason.VERSION, f"{record['version']} → {version.number}")
            return
        for blocker in reuse_blockers(record, self.inputs.dataset, self.inputs.sensitive_columns):
            yield Reason(StalenessReason.NOT_REUSABLE, blocker)
        moved = self._window_has_moved(record)
        if moved:
            yield Reason(StalenessReason.WINDOW)
        # A publication with more Periods than its sources have is kept.
        if not (moved and self.is_of_another_day) and not self._missing_periods:
            yield from self._source_reasons(record)

    def _source_reasons(self, record: Record) -> Iterator[Reason]:
        """Yield a reason for each source whose version changed or is unknown.

        A source with faults is skipped: the publication made of it is kept.
        """
        # Two sources can be one table; the record has the version of the last one under their key.
        made_of = latest_inputs(record)["sources"]
        for key, source in self.inputs.sources_by_key.items():
            state = self.source_states[source.name]
            if state.unknown_because:
                yield Reason(StalenessReason.UNKNOWN_VERSION, key)
            elif not state.faults and made_of.get(key) != state.version:
                yield Reason(StalenessReason.NESTED if source.nested else StalenessReason.SOURCE, key)

    def _window_has_moved(self, record: Record) -> bool:
        """Return whether the run would select another window, or count a split back from another day."""
        dataset, split = self.inputs.dataset, self.inputs.dataset.split_config
        if latest_inputs(record)["window"] != self.lookback.window:
            return True
        by_day = split is not None and "timestamp" in split.needs and dataset.filters.date_range is None
        return by_day and self.is_of_another_day

    @property
    def is_of_another_day(self) -> bool:
        """Whether the day of the publication's as-of is not the day of today's."""
        if self.record is None:
            return True
        as_of, then = self.lookback.as_of, datetime.fromisoformat(latest_inputs(self.record)["as_of"])
        return replace(as_of, instant=then).day != as_of.day
