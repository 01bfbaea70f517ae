"""Decide which outputs of Projects are to be published again, by the records of them and of their datasets.

An output is refreshed with its dataset: whenever that has a publication which the output was not made of, or
when the operations of the Project changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import Schedule, schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.project_versions import read_project_lock
from dataset_assets.contract.project import Output
from dataset_assets.errors import DatasetAssetsError, LockError
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.output_sources import STATE, periods_read, present_periods, state_of
from dataset_assets.publishing.snapshot import latest_inputs
from dataset_assets.staleness.reasons import StalenessReason
from dataset_assets.staleness.refreshed_dataset import refreshes
from dataset_assets.staleness.source_states import SourceStates
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import listed

_MOST_LISTED = 5


@dataclass(frozen=True)
class DueOutput:
    """A Period of an output that is to be published again, and why. `reads` are the dataset's Periods."""

    stem: str
    dataset: str
    period: Period | None
    reads: tuple[str | None, ...]
    reason: str
    state: str

    @property
    def period_id(self) -> str | None:
        """The id of the Period; None if the dataset is unpartitioned."""
        return self.period.id if self.period else None


def due_outputs(
    catalog: Catalog,
    output: Output,
    dataset: Mapping[str | None, Record],
    own: Mapping[str | None, Record],
    now: datetime,
) -> Iterator[DueOutput]:
    """Yield the Periods that are due, in order of time. `dataset` and `own` have the published Periods.

    A Period that rows move to is due as well if the dataset has not published it.
    """
    schedule = schedule_of(catalog, catalog.entry(output.dataset))
    published = present_periods(catalog, output.dataset, dataset)
    # What makes a run that failed worth another one, beside what the rows are made of.
    retried = f"{output.step.allow_empty} {_is_locked(catalog, output.project)}"
    for period_id in _periods(output, schedule, published, now):
        reads = tuple(periods_read(period_id, output.periods_moved_to, published))
        state = state_of(output, {each: dataset[each] for each in reads})
        record = own.get(period_id)
        known = latest_inputs(record).get(STATE) if record else None
        if known != state:
            period = _period(schedule, period_id)
            reason = _reason(output, known, state)
            yield DueOutput(
                output.stem, output.dataset, period, reads, reason, digest([repr(state), retried])
            )


def _periods(
    output: Output, schedule: Schedule | None, published: Sequence[str | None], now: datetime
) -> Sequence[str | None]:
    """Return the Periods that the output can have, in order of time."""
    if schedule is None or not output.periods_moved_to or not published:
        return published
    targets = (schedule.period(each) for each in output.periods_moved_to)
    found = {each.id: each for each in targets if each.end <= now}
    found |= {each: schedule.cadence.parse(each) for each in published if each}
    return [each.id for each in sorted(found.values(), key=lambda period: period.start)]


def _is_locked(catalog: Catalog, project: str) -> bool:
    """Return whether the lock of a Project has its structure; False for a lock that cannot be read."""
    try:
        lock = read_project_lock(catalog.root / "projects" / f"{project}.lock")
    except LockError:
        return False
    return not lock.version_of(catalog.projects[project])[1]


def _period(schedule: Schedule | None, period_id: str | None) -> Period | None:
    return schedule.cadence.parse(period_id) if schedule and period_id else None


def _reason(output: Output, known: object, state: Mapping[str, object]) -> str:
    if not isinstance(known, Mapping):
        return str(StalenessReason.NEW)
    if known.get("output") != state["output"]:
        return "operations changed"
    before, now = known.get("publications"), state["publications"]
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return f"{output.dataset} was published again"
    differ = [each for each in {**before, **now} if each and before.get(each) != now.get(each)]
    of = f": {listed(differ, _MOST_LISTED)}" if differ else ""
    return f"{output.dataset} was published again{of}"


def all_due_outputs(catalog: Catalog, target: Target, outputs: Iterable[Output]) -> list[DueOutput]:
    """Return the Periods of outputs that are due now. Raises DatasetAssetsError if a record is unreadable."""
    found: list[DueOutput] = []
    chosen = list(outputs)
    if chosen:
        with target.engine.connect(JobContext("outputs")) as session:
            for each in chosen:
                records = (target.warehouse.records(name, session) for name in (each.dataset, each.stem))
                found += due_outputs(catalog, each, *records, datetime.now(UTC))
    return found


@dataclass
class OutputMemory:
    """Remembers between two looks which outputs are due, and looks again only at those that may differ.

    `faults` are those of outputs whose records cannot be read, by stem.
    """

    catalog: Catalog
    target: Target
    outputs: Mapping[str, Output]
    due: dict[str, tuple[DueOutput, ...]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    _marks: RecordMarks = field(default_factory=lambda: RecordMarks({}))

    def look(self, states: SourceStates) -> None:
        """Look at all outputs of which a record, or one of their dataset, may have changed."""
        if not self.outputs:
            return
        names = list(
            dict.fromkeys(name for each in self.outputs.values() for name in (each.dataset, each.stem))
        )
        marks = self.target.warehouse.record_marks(names, states.session, self._marks)
        before, now = self._marks.by_dataset, marks.by_dataset
        for stem, output in self.outputs.items():
            read = (stem, output.dataset)
            if stem not in self.due or any(before.get(each) != now.get(each) for each in read):
                self._look_at(output, states)
        self._marks = marks

    def _look_at(self, output: Output, states: SourceStates) -> None:
        self.faults.pop(output.stem, None)
        try:
            records = states.records(output.dataset), states.records(output.stem)
            self.due[output.stem] = tuple(due_outputs(self.catalog, output, *records, states.now))
        except DatasetAssetsError as error:
            self.faults[output.stem] = str(error)
            self.due.pop(output.stem, None)


def refreshed_outputs(catalog: Catalog, valid: Iterable[str]) -> dict[str, Output]:
    """Return the outputs of those datasets that refresh by themselves, by stem. `valid` have no faults."""
    known = set(valid)
    return {
        stem: output
        for stem, output in catalog.outputs.items()
        if output.dataset in known
        and refreshes(catalog, output.dataset, catalog.checked(catalog.entry(output.dataset)))
    }
