"""Read the records of the publications before one, for the check of drift."""

from collections.abc import Iterator
from itertools import islice

from dataset_assets.catalog.build_order import Schedule, schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.checks.history import History
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.prepared_run import Request

_WIDER = 8
"""How much further back is looked each time that too few Periods were published."""


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
