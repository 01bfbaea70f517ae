"""Decide whether one publication is up to date, by its record and the metadata of its sources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from dataset_assets.catalog.catalog import Entry
from dataset_assets.compiler.selection_input import window_of
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Source
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.dataset_ids import id_conflict
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.reuse import reuse_blockers
from dataset_assets.publishing.snapshot import latest_inputs, window_ends
from dataset_assets.publishing.source_locator import SourceLocator, source_key
from dataset_assets.publishing.stored_periods import StoredPeriods
from dataset_assets.staleness.estimates import estimated_bytes, estimated_rows
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from dataset_assets.staleness.source_states import SourceState, SourceStates


@dataclass(frozen=True)
class PublicationStatus:
    """The status of one Period of a dataset, or of an unpartitioned dataset (`period` is None)."""

    states: SourceStates
    entry: Entry
    period: Period | None

    def due(self, *, every: bool) -> StalePublication | None:
        """Return the publication and the reasons for a run to create or replace it; None if it is up to date.

        With `every`, a publication that is up to date is returned as well.
        """
        reasons = self.reasons
        if not reasons and every:
            reasons = (Reason(StalenessReason.REQUESTED),)
        if not reasons:
            return None
        main = self.source_states[self.sources[0].name]
        return StalePublication(
            period=self.period,
            reasons=reasons,
            rows=estimated_rows(self._records, self.locator, main),
            size_bytes=estimated_bytes(self._records),
            obstacles=self.obstacles,
            nested=tuple(self._nested()),
        )

    def uncertain(self) -> StalePublication | None:
        """Return a publication that is kept because a source cannot be read; its obstacles say why."""
        return StalePublication(self.period, (), obstacles=self.obstacles) if self.obstacles else None

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why a run is needed, each reason once; empty if the publication is up to date."""
        return tuple(dict.fromkeys(self._reasons()))

    @cached_property
    def locator(self) -> SourceLocator:
        """The locator with which a run would resolve the sources."""
        states = self.states
        as_of = Request(self.entry, "", states.now, self.period).looks_back_from
        return SourceLocator(states.scope(self.entry), states.target, as_of, self.period)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The main table, then the lookups."""
        return self.locator.scope.sources

    @cached_property
    def source_states(self) -> Mapping[str, SourceState]:
        """The state of each source now, by the source's name."""
        return {source.name: self.states.state(source, self.locator) for source in self.sources}

    @cached_property
    def record(self) -> Record | None:
        """The record of the current publication; None if there is none."""
        return self.states.records(self.entry.stem).get(self.period.id if self.period else None)

    @property
    def _records(self) -> Sequence[Record]:
        """The records that estimates are computed from: the current one, else those of all Periods."""
        return [self.record] if self.record else list(self.states.records(self.entry.stem).values())

    @cached_property
    def obstacles(self) -> tuple[Fault, ...]:
        """The faults for which a run would be refused, or would keep the publication."""
        other_dataset = tuple(id_conflict(self.locator.scope.dataset, self.record))
        if other_dataset:
            return other_dataset
        faults = (fault for source in self.sources for fault in self.source_states[source.name].faults)
        return tuple(faults) or self._missing_periods

    @cached_property
    def _missing_periods(self) -> tuple[Fault, ...]:
        """The faults for Periods that the publication was read from and whose files have disappeared."""
        if self.record is None:
            return ()
        stored = StoredPeriods(self.locator, self.states.catalog.calendars, self.states.periods)
        try:
            return tuple(stored.missing_faults(self.record))
        except DatasetAssetsError as error:
            return error.faults

    def _nested(self) -> Iterator[tuple[NamedDataset, Period | None]]:
        for source in self.sources:
            if source.nested and not self.source_states[source.name].faults:
                yield source.nested, self.states.period_of(source.nested, self.locator)

    def _reasons(self) -> Iterator[Reason]:
        """Yield why the publication is stale.

        If its definition changed, or its as-of is another day, its sources are not compared: it reads other
        pieces of them.
        """
        record, dataset = self.record, self.locator.scope.dataset
        if record is None:
            yield Reason(StalenessReason.NEW)
            return
        version = self.entry.lock.version_of(dataset)
        if record["sha256"] != version.sha256:
            yield Reason(StalenessReason.VERSION, f"{record['version']} → {version.number}")
            return
        columns = (output.definition for output in self.locator.scope.outputs)
        for blocker in reuse_blockers(record, dataset, columns):
            yield Reason(StalenessReason.NOT_REUSABLE, blocker)
        moved = self._window_has_moved(record, dataset)
        if moved:
            yield Reason(StalenessReason.WINDOW)
        # A publication with more Periods than its sources have is kept.
        if not (moved and self.is_of_another_day) and not self._missing_periods:
            yield from self._source_reasons(record, dataset)

    def _source_reasons(self, record: Record, dataset: Dataset) -> Iterator[Reason]:
        """Yield a reason for each source whose version changed or is unknown.

        A source with faults is skipped: the publication made of it is kept.
        """
        # Two sources can be one table; the record has the version of the last one under their key.
        by_key = {source_key(each, dataset, self.locator.target): each for each in self.sources}
        for key, source in by_key.items():
            state = self.source_states[source.name]
            if state.unknown_because:
                yield Reason(StalenessReason.UNKNOWN_VERSION, key)
            elif not state.faults and latest_inputs(record)["sources"].get(key) != state.version:
                yield Reason(StalenessReason.NESTED if source.nested else StalenessReason.SOURCE, key)

    def _window_has_moved(self, record: Record, dataset: Dataset) -> bool:
        """Return whether the run would select another window, or count a split back from another day."""
        split = dataset.split_config
        if latest_inputs(record)["window"] != window_ends(
            window_of(dataset, self.locator.as_of, self.period)
        ):
            return True
        by_day = split is not None and "timestamp" in split.needs and dataset.filters.date_range is None
        return by_day and self.is_of_another_day

    @property
    def is_of_another_day(self) -> bool:
        """Whether the day of the publication's as-of is not the day of today's."""
        if self.record is None:
            return True
        as_of, then = self.locator.as_of, datetime.fromisoformat(latest_inputs(self.record)["as_of"])
        return replace(as_of, instant=then).day != as_of.day
