"""Read the records of earlier publications, with which the drift checks compare a publication."""

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
"""Factor by which the number of Periods grows each time that too few of them were published."""


def history(catalog: Catalog, request: Request, warehouse: Warehouse, session: Session) -> History:
    """Return the records that a publication is compared with; none if the file declares no drift checks.

    With Periods they are the publications of the preceding Periods, whenever those were published; without
    Periods they are the earlier publications, and of a bitemporal table what was known by earlier loads.
    """
    dataset = catalog.checked(request.entry)
    drift = dataset.drift
    if drift is None:
        return History()
    stem, schedule = request.entry.stem, schedule_of(catalog, request.entry)
    if schedule is None or request.period is None or dataset.main_table.bitemporal:
        return History(warehouse.recent(stem, [None], session, drift.over + 1), drift.over)
    found: list[Record] = []
    periods, count = _preceding(request.period, schedule), drift.over
    while len(found) < drift.over and (batch := [each.id for each in islice(periods, count)]):
        found += warehouse.recent(stem, batch, session)
        count *= _WIDER
    return History(found, drift.over)


def _preceding(period: Period, schedule: Schedule) -> Iterator[Period]:
    while period.start > schedule.first.start:
        period = schedule.cadence.previous(period)
        yield period
