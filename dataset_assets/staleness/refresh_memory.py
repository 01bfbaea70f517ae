"""Remember between two looks which publications are due, and look again only at what may have changed.

All of it can be found out again from what is published and what its sources are like, so that a memory which
is lost costs one look at every publication.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from time import monotonic

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.periods.period import Period
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.target import Target
from dataset_assets.publishing.stored_periods import overlaps
from dataset_assets.staleness.due_publication import DuePublication, SourceReports, due_publication
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.readers import Readers, TableKey
from dataset_assets.staleness.refreshed_dataset import RefreshedDataset
from dataset_assets.staleness.source_states import SourceStates

RETRY = timedelta(minutes=1)
"""Time after which publications are looked at again that obstacles kept from being known or made."""

_Periods = set[str | None] | None
"""Ids of Periods of one dataset; None stands for all of them."""


class RefreshMemory:
    """The due publications by stem and Period, and what may have changed since they were looked at.

    `datasets` are those that refresh by themselves. `faults` are those of datasets that could not be looked
    at, by stem; they are looked at again each time.
    """

    def __init__(self, target: Target, datasets: Mapping[str, RefreshedDataset], readers: Readers) -> None:
        self.datasets, self.readers = datasets, readers
        self.due: dict[str, dict[str | None, DuePublication]] = {}
        self.faults: dict[str, str] = {}
        self.target = target
        self._changed: dict[str, _Periods] = dict.fromkeys(readers.order)
        self._published: dict[str, Mapping[str | None, str]] = {}
        self._read: dict[str, Mapping[str | None, str]] = {}
        self._recent: dict[str, Sequence[Period | None]] = {}
        self._marks: tuple[RecordMarks, ...] = (RecordMarks({}),) * (1 + len(target.reads_from))
        self._day = date.min
        self._retry_at = datetime.min.replace(tzinfo=UTC)

    def table_changed(self, key: TableKey, pieces: Sequence[Period] | None, now: datetime) -> None:
        """Note that a table was reported again: the pieces of these Periods, or all of it."""
        for stem in self.readers.of_table.get(key, ()):
            dataset = self.datasets.get(stem)
            if dataset is None:
                continue
            if pieces is None or dataset.schedule is None:
                self._note(stem, None)
            else:
                known = {*self._published.get(stem, ()), *map(_id, self._recent.get(stem, ()))}
                existing = dataset.existing(known, now)
                self._note(stem, {_id(each) for each in existing if self._reads(dataset, each, key, pieces)})

    @property
    def pending(self) -> set[str]:
        """The stems of the datasets that the last look had no time for."""
        return self._changed.keys() - self.faults.keys()

    def known_due(self, stem: str) -> Iterable[DuePublication]:
        """Return the due publications of a dataset; none if it could not be looked at."""
        return () if stem in self._changed else self.due.get(stem, {}).values()

    def look(self, states: SourceStates, reports: SourceReports, deadline: float = float("inf")) -> None:
        """Look at all that may have changed, nested datasets first.

        What there was no time for is `pending`, and is looked at the next time. `deadline` is an instant of
        `monotonic`.
        """
        self._note_records(states)
        self._note_clock(states.now)
        nested = self.readers.nested
        states.read_records({*self._changed, *(each for stem in self._changed for each in nested[stem])})
        for stem in self.readers.order:
            if stem in self._changed:
                if monotonic() > deadline:
                    return
                self._look_at(stem, states, reports)

    def _note(self, stem: str, periods: _Periods) -> None:
        if stem in self.datasets and periods != set():
            before = self._changed.get(stem, set())
            self._changed[stem] = None if before is None or periods is None else before | periods

    def _note_records(self, states: SourceStates) -> None:
        """Note the datasets that were published since, in other targets that are read, too.

        Marks are read before records.
        """
        warehouses = (self.target.warehouse, *(each.warehouse for each in self.target.reads_from))
        found = []
        for warehouse, before in zip(warehouses, self._marks, strict=True):
            marks = warehouse.record_marks(self.readers.order, states.session, before)
            for stem in self.readers.order:
                if marks.by_dataset.get(stem) != before.by_dataset.get(stem):
                    self._changed[stem] = None
            found.append(marks)
        self._marks = tuple(found)

    def _note_clock(self, now: datetime) -> None:
        """Note the Periods that became or are no longer recent, what a new day moves, and obstacles."""
        is_new_day, self._day = now.date() != self._day, now.date()
        for stem, dataset in self.datasets.items():
            recent = dataset.recent(now)
            self._note(stem, {_id(each) for each in {*recent} ^ {*self._recent.get(stem, ())}})
            self._recent[stem] = recent
            if is_new_day and dataset.schedule is None:
                self._note(stem, None)
        if now >= self._retry_at:
            self._retry_at = now + RETRY
            for stem, due in self.due.items():
                self._note(stem, {period for period, each in due.items() if each.obstacles})

    def _look_at(self, stem: str, states: SourceStates, reports: SourceReports) -> None:
        try:
            published, read = states.digests(stem), states.nested_digests(stem)
            dataset = self.datasets.get(stem)
            if dataset:
                self._decide(dataset, published, states, reports)
        except DatasetAssetsError as error:
            self.faults[stem] = str(error)
            return
        self._note_readers(stem, read)
        self._published[stem], self._read[stem] = published, read
        del self._changed[stem]
        self.faults.pop(stem, None)

    def _decide(
        self,
        dataset: RefreshedDataset,
        published: Iterable[str | None],
        states: SourceStates,
        reports: SourceReports,
    ) -> None:
        stem, recent = dataset.entry.stem, self._recent[dataset.entry.stem]
        if states.read_from(stem):
            self.due[stem] = {}  # it is refreshed where it is published
            return
        changed, known = self._changed[stem], {*published, *map(_id, recent)}
        found: dict[str | None, DuePublication] = {}
        for period in dataset.existing(known if changed is None else known & changed, states.now):
            status = PublicationStatus(states, dataset.entry, period)
            due = due_publication(dataset, status, reports, recent=period in recent)
            if due:
                found[_id(period)] = due
        kept = (
            {} if changed is None else {k: v for k, v in self.due.get(stem, {}).items() if k not in changed}
        )
        self.due[stem] = {**kept, **found}

    def _note_readers(self, stem: str, published: Mapping[str | None, str]) -> None:
        """Note the publications that read those of a dataset whose rows are other ones now."""
        before = self._read.get(stem, {})
        changed = {each for each in {*before, *published} if before.get(each) != published.get(each)}
        for reader in self.readers.of_dataset.get(stem, ()) if changed else ():
            dataset = self.datasets.get(reader)
            by_period = dataset is not None and dataset.schedule is not None and None not in changed
            self._note(reader, changed if by_period else None)

    def _reads(
        self, dataset: RefreshedDataset, period: Period | None, key: TableKey, pieces: Sequence[Period]
    ) -> bool:
        """Return whether a publication reads one of the pieces of a table."""
        tables = (each for each in dataset.scope.sources if each.table == key[1])
        ranges = (dataset.time_range(each, period, dataset.loaded_at) for each in tables)
        return any(overlaps(piece, time_range) for time_range in ranges for piece in pieces)


def _id(period: Period | None) -> str | None:
    return period.id if period else None
