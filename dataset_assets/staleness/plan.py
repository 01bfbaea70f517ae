"""What would be made of a dataset, and why (`due.py`); and what has to be made before it.

Metadata alone is asked, nothing is scanned. What is up to date by it, a run would let stand.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dataset_assets.catalog.build_order import nested_first
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.staleness.staleness import (
    PublicationStatus,
    Reason,
    SourceStates,
    StalenessReason,
    StalePublication,
)

_STALE = {StalenessReason.VERSION, StalenessReason.OBJECTION, StalenessReason.SOURCE, StalenessReason.NESTED}


@dataclass(frozen=True)
class Plan:
    """What would be made of one dataset, in order of time. `standing`: how many are up to date.

    `unsure`: those among them of which that is not certain, since a source cannot be asked.
    `stale`: how many publications another dataset reads as they are, though they are not up to date.
    """

    entry: Entry
    due: tuple[StalePublication, ...]
    standing: int = 0
    unsure: tuple[StalePublication, ...] = ()
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
    """The dataset's plan, last; before it those of nested datasets that must be published for it first.

    `every`: what is up to date is due as well. Raises DatasetAssetsError for a dataset whose file is broken,
    and for a warehouse that cannot be asked; a fault of a source is an obstacle of a `StalePublication`.
    """
    with target.engine.connect(JobContext(entry.stem)) as session:
        return list(_Planner(SourceStates(catalog, target, now, session)).plans(entry, periods, every=every))


@dataclass(frozen=True)
class _Planner:
    """Of all datasets."""

    known: SourceStates

    def plans(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> Iterator[Plan]:
        """Each dataset is planned after all that read it, when it is known which of its Periods they need."""
        wanted: dict[str, dict[str, Period | None]] = {entry.stem: {str(each): each for each in periods}}
        found: list[Plan] = []
        for stem in reversed(nested_first(self.known.catalog, self.known.catalog.entries)):
            if stem in wanted:
                asked = _in_time(wanted[stem].values())
                plan = self._plan(self.known.catalog.entry(stem), asked, every=every and stem == entry.stem)
                found.append(plan if stem == entry.stem else _made_first(plan))
                for named, period in (each for due in found[-1].due for each in due.nested):
                    wanted.setdefault(named.stem, {})[str(period)] = period
        own, *below = found
        yield from (plan for plan in reversed(below) if plan.due or plan.stale)
        yield own

    def _plan(self, entry: Entry, periods: Sequence[Period | None], *, every: bool) -> Plan:
        looks = [PublicationStatus(self.known, entry, period) for period in periods]
        found = [(look, look.due(every=every)) for look in looks]
        unsure = tuple(doubt for look, due in found if due is None and (doubt := look.unsure()))
        made = tuple(due for _, due in found if due)
        return Plan(entry, made, len(periods) - len(made), unsure)


def _made_first(plan: Plan) -> Plan:
    """Of a nested dataset: only what was never published keeps others from being made."""
    new = tuple(due for due in plan.due if Reason(StalenessReason.NEW) in due.reasons)
    stale = sum(any(reason.why in _STALE for reason in due.reasons) for due in plan.due)
    return replace(plan, due=new, stale=stale)


def _in_time(periods: Iterable[Period | None]) -> list[Period | None]:
    return sorted(periods, key=lambda period: period.start.isoformat() if period else "")
