"""Decide whether a publication is refreshed by itself, and why."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.publishing.snapshot import read_at
from dataset_assets.publishing.source_locator import source_key
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.reasons import Reason, StalenessReason
from dataset_assets.staleness.refreshed_dataset import PublicationKey, RefreshedDataset
from dataset_assets.text.digest import digest

_OF_SOURCES = {StalenessReason.SOURCE, StalenessReason.NESTED, StalenessReason.UNKNOWN_VERSION}


class SourceReports(ABC):
    """Knows when tables were reported: by the program that loads them, or by what watches them."""

    @abstractmethod
    def last_report(self, resolver: str, table: str, time_range: TimeRange | None) -> datetime | None:
        """Return the instant of the last report of a table, or of its pieces in a time range, if any."""

    @abstractmethod
    def first_report(
        self, resolver: str, table: str, time_range: TimeRange | None, since: datetime
    ) -> datetime | None:
        """Return the instant of the first report since an instant, as `last_report` does of the last one."""


@dataclass(frozen=True)
class DuePublication:
    """A publication that is to be made again, and why; or one of which that is not known (`obstacles`).

    `state` is the digest of what a run would make it of now. `read_at` is the instant at which the sources of
    what is published were read; None if nothing is.
    """

    stem: str
    period: Period | None
    reasons: tuple[Reason, ...]
    obstacles: tuple[Fault, ...]
    state: str
    read_at: datetime | None

    @property
    def key(self) -> PublicationKey:
        """The key of the publication."""
        return self.stem, self.period.id if self.period else None


def due_publication(
    dataset: RefreshedDataset, status: PublicationStatus, reports: SourceReports, *, recent: bool
) -> DuePublication | None:
    """Return the publication if it is due, or if obstacles keep it from being known; else None.

    `recent` says whether it is of a recent Period.
    """
    return _Decision(dataset, status, reports, recent).due


@dataclass(frozen=True)
class _Decision:
    dataset: RefreshedDataset
    status: PublicationStatus
    reports: SourceReports
    is_recent: bool

    @property
    def due(self) -> DuePublication | None:
        status, record = self.status, self.status.record
        if not self.is_recent and (record is None or self.dataset.refresh.cron):
            return None
        reasons = tuple(reason for reason in status.reasons if self._counts(reason))
        if not reasons and not any(state.faults for state in status.source_states.values()):
            return None
        return DuePublication(
            stem=status.entry.stem,
            period=status.period,
            reasons=reasons,
            obstacles=(*status.obstacles, *self._unpublished()),
            state=digest(self._state(reasons)),
            read_at=read_at(record) if record else None,
        )

    def _unpublished(self) -> Iterator[Fault]:
        """Yield a fault for each nested dataset without the publication that a run would read."""
        for source in self.status.inputs.sources:
            if not source.nested or self.status.source_states[source.name].faults:
                continue
            if self.status.states.nested_record(source.nested, self.status.period) is None:
                yield Fault(f"nested dataset {source.nested.stem} is not published yet", source.name)

    @property
    def is_latest(self) -> bool:
        """Whether no later Period is published."""
        own = self.status.period.id if self.status.period else None
        return next(reversed(self.status.states.records(self.status.entry.stem)), own) == own

    def _counts(self, reason: Reason) -> bool:
        """Return whether a publication is made again for a reason that `plan` names.

        The window of an unpartitioned dataset moves with the clock, so it is made again once a day.
        A source that does not say whether it changed counts if somebody reported it since.
        """
        status = self.status
        if reason.why is StalenessReason.WINDOW:
            return status.period is not None or status.is_of_another_day
        if reason.why not in _OF_SOURCES:
            return True
        return any(self._is_changed(source, reason) for source in self._sources(reason.details))

    def _is_changed(self, source: Source, reason: Reason) -> bool:
        target = self.status.states.target
        if not self.dataset.is_affected(source, target, recent=self.is_recent, latest=self.is_latest):
            return False
        if reason.why is not StalenessReason.UNKNOWN_VERSION or self.dataset.refresh.cron:
            return True
        reported, record = self._reported_at(source), self.status.record
        return reported is not None and record is not None and reported > read_at(record)

    def _reported_at(self, source: Source) -> datetime | None:
        status = self.status
        resolver = status.inputs.resolver(source.table).name
        time_range = status.lookback.range_of(source, status.inputs.dataset)
        return self.reports.last_report(resolver, source.table, time_range)

    def _sources(self, key: str) -> Iterator[Source]:
        dataset, target = self.status.inputs.dataset, self.status.states.target
        return (each for each in self.status.inputs.sources if source_key(each, dataset, target) == key)

    def _state(self, reasons: tuple[Reason, ...]) -> Iterator[str]:
        """Yield what a run would make the publication of: definition, sources, and for a window the day."""
        status = self.status
        yield status.inputs.version.sha256
        yield from sorted(
            f"{reason.why} {reason.details}" for reason in reasons if reason.why not in _OF_SOURCES
        )
        if any(reason.why is StalenessReason.WINDOW for reason in reasons):
            yield status.lookback.as_of.day.isoformat()
        for source in status.inputs.sources:
            state = status.source_states[source.name]
            version = self._reported_at(source) if state.unknown_because else state.version
            yield f"{source.name} {version}"
