"""Choose which of the due publications are requested now, in which runs, and why the others wait."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from dataset_assets.catalog.build_order import Schedule
from dataset_assets.periods.period import Period
from dataset_assets.periods.ranges import follows, ranges
from dataset_assets.staleness.due_publication import DuePublication, SourceReports
from dataset_assets.staleness.loads import Loads, Requested
from dataset_assets.staleness.refresh_memory import RefreshMemory
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import listed

MOST_RUNS = 100
"""Runs that are requested at once: Dagster creates them one after another."""
MOST_REASONS = 5
"""Reasons that are named for one run."""
REQUESTED_BEFORE = "was requested before, and nothing that it reads has changed since"
"""Why a publication waits that is due for the same reasons as before."""


@dataclass(frozen=True)
class InProgress:
    """The publications that runs are making, by stem; None stands for an unpartitioned one.

    `whole` are datasets of which it is not known which Periods are made.
    """

    periods: Mapping[str, set[str | None]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()

    def of(self, stem: str) -> set[str | None]:
        """Return the ids of the Periods of a dataset that are in progress; None for all of them."""
        return {*self.periods.get(stem, ()), *((None,) if stem in self.whole else ())}


@dataclass(frozen=True)
class RunRequest:
    """A run that makes consecutive Periods of one dataset. Runs with equal keys are started once."""

    stem: str
    periods: tuple[Period | None, ...]
    run_key: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """The runs to request, what has been requested so far, and sentences on what is due and not requested.

    `unsettled` are the publications whose rows may be other ones soon, by stem; None stands for all Periods.
    """

    runs: Sequence[RunRequest]
    requested: Requested
    notes: Sequence[str]
    unsettled: Mapping[str, set[str | None]] = field(default_factory=dict)


def choose(
    memory: RefreshMemory,
    in_progress: InProgress,
    requested: Requested,
    now: datetime,
    reports: SourceReports,
    most_runs: int = MOST_RUNS,
) -> Choice:
    """Return what to request now.

    A publication waits while it or a nested one below it is in progress or about to be requested, and after a
    request until there is something else to make it of. `requested` is what an earlier choice returned.
    """
    chooser = _Chooser(memory, in_progress, requested, now, reports)
    for stem in memory.readers.order:
        chooser.choose(stem)
    runs = list(islice(chooser.runs(), most_runs))
    return Choice(runs, chooser.requests_after(runs), chooser.notes, chooser.unsettled)


class _Chooser:
    """One choice. `unsettled` are the publications whose rows may be other ones soon, by stem.

    None among the Periods of a dataset stands for all of them.
    """

    def __init__(
        self,
        memory: RefreshMemory,
        in_progress: InProgress,
        requested: Requested,
        now: datetime,
        reports: SourceReports,
    ) -> None:
        self.memory, self.in_progress, self.requested = memory, in_progress, requested
        self.loads = Loads(memory, requested, now, reports)
        self.unsettled: dict[str, set[str | None]] = {}
        self.ready: dict[str, list[DuePublication]] = {}
        self.notes: list[str] = []

    def choose(self, stem: str) -> None:
        """Decide which publications of a dataset are ready, after those of the datasets nested in it."""
        readers = self.memory.readers
        below = set[str | None]().union(*(self._unsettled_of(each) for each in readers.nested[stem]))
        unsettled = _affected(readers.schedules[stem], below)
        unsettled |= self.in_progress.of(stem)
        if stem in self.memory.pending:
            unsettled = {None}
        if stem in self.memory.faults:
            self.notes.append(f"{stem}: {self.memory.faults[stem]}")
        ready = []
        for due in self.memory.known_due(stem):
            period = due.key[1]
            if not due.reasons or period in unsettled or None in unsettled:
                continue
            note = self._obstacle(due)
            if note:
                self.notes.append(f"{publication_label(due.stem, due.period)}: {note}")
            else:
                ready.append(due)
        self.ready[stem] = sorted(ready, key=lambda due: due.period.start.isoformat() if due.period else "")
        self.unsettled[stem] = unsettled | {due.key[1] for due in ready}

    def _unsettled_of(self, nested: str) -> set[str | None]:
        """Return the unsettled Periods of a nested dataset; None for all that read a bitemporal one."""
        found = self.unsettled[nested]
        return {None} if found and nested in self.memory.readers.bitemporal else found

    def _obstacle(self, due: DuePublication) -> str:
        """Return why a publication is due and not to be requested; empty if it is."""
        if due.obstacles:
            return due.obstacles[0].message
        dataset = self.memory.datasets[due.stem]
        if self.requested.get(due.stem, {}).get(due.key[1] or "") == self.loads.state(dataset, due):
            return REQUESTED_BEFORE
        return self.loads.waits_for(dataset, due)

    def runs(self) -> Iterator[RunRequest]:
        """Yield one run for each range of consecutive Periods, nested datasets first."""
        for stem, ready in self.ready.items():
            for due in ranges(ready, _continues):
                yield self._run(stem, due)

    def _run(self, stem: str, ready: Sequence[DuePublication]) -> RunRequest:
        dataset = self.memory.datasets[stem]
        parts = [stem]
        for due in ready:
            published = f"{due.read_at}" if due.read_at and not dataset.refresh.cron else ""
            parts += [due.key[1] or "", self.loads.state(dataset, due), published]
        reasons = dict.fromkeys(str(reason) for due in ready for reason in due.reasons)
        periods = tuple(due.period for due in ready)
        return RunRequest(stem, periods, digest(parts), listed([*reasons], MOST_REASONS, "; "))

    def requests_after(self, runs: Sequence[RunRequest]) -> Requested:
        """Return the earlier requests of what is still due, and those of the runs."""
        found: dict[str, dict[str, str]] = {}
        for stem, states in self.requested.items():
            due = self.memory.due.get(stem, {})
            kept = {period: state for period, state in states.items() if (period or None) in due}
            if kept:
                found[stem] = kept
        for run in runs:
            dataset, due = self.memory.datasets[run.stem], self.memory.due[run.stem]
            for period in run.periods:
                each = due[period.id if period else None]
                found.setdefault(run.stem, {})[each.key[1] or ""] = self.loads.state(dataset, each)
        return found


def _affected(schedule: Schedule | None, below: set[str | None]) -> set[str | None]:
    """Return the Periods of a dataset that read these Periods of nested datasets; None for all of them."""
    if schedule is None:
        return {None} if below else set()
    return {period for period in below if period is None or schedule.has(period)}


def _continues(before: DuePublication, due: DuePublication) -> bool:
    return follows(before.period, due.period)


def publication_label(stem: str, period: Period | None) -> str:
    """Return the name of a publication: `sales 2017-02`."""
    return f"{stem} {period}" if period else stem
