"""Plan which Periods of a dataset must be published and why, and which nested datasets before it.

Plans are computed from metadata alone; no rows are read. A run does not replace a publication that a plan
counts as up to date.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import chosen_periods, schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.contract.model import Status
from dataset_assets.errors import DatasetAssetsError, Fault, PeriodError
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.staleness.publication_status import PublicationStatus
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from dataset_assets.staleness.source_states import SourceStates

_STALE = {
    StalenessReason.VERSION,
    StalenessReason.NOT_REUSABLE,
    StalenessReason.SOURCE,
    StalenessReason.NESTED,
}
"""The reasons for which an existing publication is certainly stale.

The rest are: it is new or requested, its window has moved, or the version of a source is unknown.
"""


@dataclass(frozen=True)
class Plan:
    """The publications of one dataset that must be published (`due`), in order of time.

    `up_to_date` is the number of publications that need not be; `uncertain` are those of them with a source
    that cannot be read. `stale` is the number of publications that another dataset reads although they are
    not up to date.
    """

    entry: Entry
    due: tuple[StalePublication, ...]
    up_to_date: int = 0
    uncertain: tuple[StalePublication, ...] = ()
    stale: int = 0


def plans(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    periods: Sequence[Period | None],
    now: datetime,
    *,
    every: bool = False,
) -> list[Plan]:
    """Return the plans of nested datasets that must be published first, then the dataset's own plan.

    With `every` all Periods are due. Raises DatasetAssetsError if the dataset's file is broken or the
    warehouse cannot be read; a fault of a source is an obstacle of a `StalePublication`.
    """
    with _planner(catalog, target, now) as planner:
        return planner.plans(entry, periods, every=every)


def plan_dataset(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    first: str | None = None,
    last: str | None = None,
    *,
    every: bool = False,
) -> list[Plan]:
    """Plan the Periods of a dataset from `first` to `last`, by default all that are complete.

    The plans of the nested datasets precede the plan of the dataset itself.

    Raises PeriodError if a Period does not exist or is not complete, and as `plans` does.
    """
    now = datetime.now(UTC)
    periods = _complete_periods(catalog, entry, now, first, last)
    return plans(catalog, target, entry, periods, now, every=every)


@dataclass(frozen=True)
class AllPlans:
    """The plans of all datasets but archived ones, by stem.

    `incomplete` has a fault for each dataset of which not even the first Period is complete, which is no
    mistake. `faults` are those of datasets that cannot be planned.
    """

    plans: tuple[Plan, ...]
    incomplete: tuple[Fault, ...]
    faults: tuple[Fault, ...]


def plan_all(catalog: Catalog, target: Target) -> AllPlans:
    """Plan the complete Periods of every dataset that is not archived, each without its nested datasets.

    Raises DatasetAssetsError if the target's engine cannot be opened.
    """
    found: list[Plan] = []
    incomplete: list[Fault] = []
    faults: dict[Fault, None] = {}
    now = datetime.now(UTC)
    with garbage_collection_paused(), _planner(catalog, target, now) as planner:
        planner.states.read_records(catalog.build_order)
        for entry in catalog.entries.values():
            try:
                if catalog.checked(entry).status is not Status.ARCHIVED:
                    periods = _complete_periods(catalog, entry, now)
                    found.append(planner.plan(entry, periods, every=False))
            except PeriodError as error:
                incomplete += error.faults
            except DatasetAssetsError as error:
                faults |= dict.fromkeys(error.faults)
    return AllPlans(tuple(found), tuple(incomplete), tuple(faults))


def _complete_periods(
    catalog: Catalog, entry: Entry, now: datetime, first: str | None = None, last: str | None = None
) -> list[Period | None]:
    schedule = schedule_of(catalog, entry)
    begin = schedule.first.id if schedule and first is None else first
    return chosen_periods(catalog, entry, now, first=begin, last=last)


@contextmanager
def _planner(catalog: Catalog, target: Target, now: datetime) -> Generator["_Planner"]:
    with target.engine.connect(JobContext("plan")) as session:
        yield _Planner(SourceStates(catalog, target, now, session))


@dataclass(frozen=True)
class _Planner:
    """Plans datasets in one session; what several of them read is looked up once."""

    states: SourceStates

    def plans(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> list[Plan]:
        """Return the plans, nested datasets first; each is planned after the datasets that read it."""
        catalog = self.states.catalog
        own = self.plan(entry, periods, every=every)
        wanted: dict[str, dict[str, Period | None]] = {}
        _want(wanted, own)
        nested: list[Plan] = []
        while wanted:
            stem = max(wanted, key=lambda each: catalog.build_order[each])
            needed = _in_order(wanted.pop(stem).values())
            plan = _first_publications(self.plan(catalog.entry(stem), needed, every=False))
            nested.append(plan)
            _want(wanted, plan)
        return [*(plan for plan in reversed(nested) if plan.due or plan.stale), own]

    def plan(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> Plan:
        """Return the plan of one dataset."""
        statuses = [PublicationStatus(self.states, entry, period) for period in periods]
        checked = [(status, status.due(every=every)) for status in statuses]
        uncertain = tuple(kept for status, due in checked if due is None and (kept := status.uncertain()))
        stale = tuple(due for _, due in checked if due)
        return Plan(entry, stale, len(periods) - len(stale), uncertain)


def _want(wanted: dict[str, dict[str, Period | None]], plan: Plan) -> None:
    """Add the Periods of nested datasets that the due publications of a plan read."""
    for named, period in (each for due in plan.due for each in due.nested):
        wanted.setdefault(named.stem, {})[str(period)] = period


def _first_publications(plan: Plan) -> Plan:
    """Return the plan of a nested dataset without the publications that only need a refresh.

    Only new publications are kept, because other datasets wait for these alone. `stale` counts all that are
    outdated.
    """
    new = tuple(due for due in plan.due if Reason(StalenessReason.NEW) in due.reasons)
    stale = sum(any(reason.why in _STALE for reason in due.reasons) for due in plan.due)
    return replace(plan, due=new, stale=stale)


def _in_order(periods: Iterable[Period | None]) -> list[Period | None]:
    return sorted(periods, key=lambda period: period.start.isoformat() if period else "")
