"""Where the rows of a Dataset's sources are: tables by Resolver, nested Datasets by their publication."""

from datetime import timedelta

from dataset_assets.contract.scope import Named, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.periods.period import Period
from dataset_assets.ports import Extent, Relation, Resolver, Session, Target
from dataset_assets.selection.date_range import AsOf
from dataset_assets.sql.question import extent_of, window_of


def relations_of(
    scope: Scope, target: Target, as_of: AsOf, period: Period | None, session: Session
) -> dict[str, Relation]:
    """A relation for each source, by its name in the scope. Raises ResolveError with every fault at once."""
    resolver = target.resolver(scope.dataset.resolver_id)
    faults: list[Fault] = list(_without_rows_for_a_period(scope, resolver, as_of, period))
    found: dict[str, Relation] = {}
    for source in (scope.main, *scope.lookups):
        try:
            found[source.name] = _relation(source, scope, target, resolver, as_of, period, session)
        except DatasetAssetsError as error:
            faults.extend(error.faults)
    raise_all(ResolveError, faults)
    return found


def source_key(source: Source, resolver: Resolver) -> str:
    """How a source is called in a materialization's record: `resolver/table` or `datasets/stem`."""
    return f"datasets/{source.nested.stem}" if source.nested else f"{resolver.name}/{source.table}"


def _relation(
    source: Source,
    scope: Scope,
    target: Target,
    resolver: Resolver,
    as_of: AsOf,
    period: Period | None,
    session: Session,
) -> Relation:
    if source.nested:
        return _publication(source.nested, source.name, target, period, session)
    extent = extent_of(scope.dataset, as_of, period)
    if source.lookup is None:
        return resolver.resolve(source.table, extent, session)
    # A lookup that is stored by Period is a series of snapshots: the last one before as-of is read.
    last = Extent(extent.end - timedelta(microseconds=1), extent.end) if extent else None
    return resolver.resolve(source.table, last, session)


def _publication(
    nested: Named, name: str, target: Target, period: Period | None, session: Session
) -> Relation:
    """Decision 22: a nested Dataset is read for the same Period; the latest where one of both has none."""
    same = period.id if period and nested.dataset.partitions else None
    warehouse = target.warehouse
    found = warehouse.current(nested.stem, same, session) if same else warehouse.latest(nested.stem, session)
    if found is None:
        what = f"{nested.stem} of {same}" if same else nested.stem
        mend = f"materialize {nested.stem} first"
        raise ResolveError(Fault(f"nested dataset {what} is not published yet", name, mend))
    return found.relation


def _without_rows_for_a_period(
    scope: Scope, resolver: Resolver, as_of: AsOf, period: Period | None
) -> list[Fault]:
    """A dataset that is published by Period must say which rows belong to one."""
    table = scope.main.table
    if period is None or window_of(scope.dataset, as_of, period) or resolver.cadence(table):
        return []
    message = f"nothing says which rows of {table} belong to {period.id}"
    mend = 'map a timestamp, or store the table by Period: `location: "…/{period}.parquet"` in the target'
    return [Fault(message, "dataset.partitions", mend)]
