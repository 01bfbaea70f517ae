"""Find the publications that a change of rows by hand is about: the Periods, and earlier rows of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import Fault, NotStoredError, ResolveError
from dataset_assets.lifecycle.history import not_published, unknown_period
from dataset_assets.lifecycle.row_change_report import ChangeRequest
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Warehouse, no_such_version


def chosen_periods(
    catalog: Catalog, warehouse: Warehouse, request: ChangeRequest, session: Session
) -> Sequence[str | None]:
    """Return the Periods that a request is about. Raises NotStoredError if they are not published."""
    published = warehouse.periods(request.dataset, session)
    if not published:
        raise not_published(request.dataset, catalog)
    if request.partition is None:
        return published
    entry = catalog.named(request.dataset)
    schedule = schedule_of(catalog, entry) if entry and entry.dataset else None
    period = schedule.cadence.parse(request.partition).id if schedule else request.partition
    if period not in published:
        raise unknown_period(period, published)
    return [period]


def earlier_publications(
    warehouse: Warehouse, dataset: str, periods: Sequence[str | None], version: int, session: Session
) -> Mapping[str | None, Publication]:
    """Return the publications in a version of the table, by Period, readable beside the present ones.

    Raises ResolveError if the table has no such version, and NotStoredError if that has none of the Periods.
    """
    newest = warehouse.version(dataset, session)
    if newest is None or not 0 <= version <= newest:
        raise ResolveError(no_such_version(dataset, version, newest))
    found = warehouse.publications(PublicationQuery(dataset, periods, version), session)
    if not found:
        message = f"version {version} of {dataset} has none of these Periods"
        raise NotStoredError(Fault(message, hint="name a later version: `show --history` lists them"))
    if warehouse.keeps_rows:
        return {each.period: each for each in found}
    return {each.period: _stored(each, session) for each in found}


def _stored(earlier: Publication, session: Session) -> Publication:
    """Store earlier rows, as a statement of BigQuery reads a table at one point in time only."""
    rows = exp.select("*").from_(earlier.relation.source.copy())
    source = session.store("earlier_rows", rows)
    return replace(earlier, relation=replace(earlier.relation, source=source))
