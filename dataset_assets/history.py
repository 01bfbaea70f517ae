"""The publications before one, as far as their records tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from dataset_assets.building import Schedule, schedule_of
from dataset_assets.contract.catalog import Catalog
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.stats.statistics import Statistics
from dataset_assets.work import Request

_WIDER = 8
"""How much further back is looked each time that too few Periods were published."""


@dataclass(frozen=True)
class Past:
    """An earlier publication: how people call it, and what its record says of its rows."""

    name: str
    statistics: Statistics


@dataclass(frozen=True)
class History:
    """Records of earlier publications, the newest first; without Periods the current one's, too."""

    records: Sequence[Record] = ()
    most: int = 0

    def before(self, record: Record) -> tuple[Past, ...]:
        """Those before the publication that has this record, at most `most`, the oldest first."""
        earlier = [each for each in self.records if not _is_same(each, record)][: self.most]
        return tuple(
            Past(each["period"] or each["published_at"][:10], Statistics.model_validate(each["statistics"]))
            for each in reversed(earlier)
        )


def history(catalog: Catalog, request: Request, warehouse: Warehouse, session: Session) -> History:
    """What a publication is compared with: nothing where the file asks for none.

    By Period the publications of the Periods before, whenever they were made; else those made earlier.
    """
    drift = catalog.checked(request.entry).drift
    if drift is None:
        return History()
    stem, schedule = request.entry.stem, schedule_of(catalog, request.entry)
    if schedule is None or request.period is None:
        return History(warehouse.recent(stem, [None], session, drift.over + 1), drift.over)
    found: list[Record] = []
    periods, many = _back_from(request.period, schedule), drift.over
    while len(found) < drift.over and (some := [each.id for each in islice(periods, many)]):
        found += warehouse.recent(stem, some, session)
        many *= _WIDER
    return History(found, drift.over)


def _back_from(period: Period, schedule: Schedule) -> Iterator[Period]:
    while period.start > schedule.first.start:
        period = schedule.cadence.previous(period)
        yield period


def _is_same(one: Record, other: Record) -> bool:
    """Two publications of one Period are never of the same instant."""
    return (one["period"], one["published_at"]) == (other["period"], other["published_at"])
