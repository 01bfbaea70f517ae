"""Plan which Periods of a dataset must be published and why, and which nested datasets before it.

Plans are computed from metadata alone; no rows are read. A run does not replace a publication that a plan
counts as up to date.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import chosen_periods, nested_first, schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
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
    with target.engine.connect(JobContext(entry.stem)) as session:
        planner = _Planner(SourceStates(catalog, target, now, session))
        return list(planner.plans(entry, periods, every=every))


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
    now, schedule = datetime.now(UTC), schedule_of(catalog, entry)
    begin = schedule.first.id if schedule and first is None else first
    return plans(
        catalog, target, entry, chosen_periods(catalog, entry, now, first=begin, last=last), now, every=every
    )


@dataclass(frozen=True)
class _Planner:
    """Plans a dataset and the nested datasets that it reads."""

    states: SourceStates

    def plans(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> Iterator[Plan]:
        """Yield the plans, nested datasets first; each is planned after the datasets that read it."""
        wanted: dict[str, dict[str, Period | None]] = {entry.stem: {str(each): each for each in periods}}
        planned: list[Plan] = []
        catalog = self.states.catalog
        for stem in reversed(nested_first(catalog, catalog.entries)):
            if stem in wanted:
                needed = _in_order(wanted[stem].values())
                plan = self._plan(catalog.entry(stem), needed, every=every and stem == entry.stem)
                planned.append(plan if stem == entry.stem else _first_publications(plan))
                for named, period in (each for due in planned[-1].due for each in due.nested):
                    wanted.setdefault(named.stem, {})[str(period)] = period
        own, *nested = planned
        yield from (plan for plan in reversed(nested) if plan.due or plan.stale)
        yield own

    def _plan(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> Plan:
        statuses = [PublicationStatus(self.states, entry, period) for period in periods]
        checked = [(status, status.due(every=every)) for status in statuses]
        uncertain = tuple(kept for status, due in checked if due is None and (kept := status.uncertain()))
        stale = tuple(due for _, due in checked if due)
        return Plan(entry, stale, len(periods) - len(stale), uncertain)


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
