"""Find how each lookup is joined, and read its columns after the join."""

from collections.abc import Iterator

from sqlglot import exp

from dataset_assets.compiler.bitemporal_join import AsKnownJoin, LatestKnowledgeJoin
from dataset_assets.compiler.point_in_time import PointInTimeJoin, Side
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.point_in_time import Knowledge
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.sql.build import column

_JOINS: dict[Knowledge | None, type[PointInTimeJoin]] = {
    None: PointInTimeJoin,
    Knowledge.AS_KNOWN: AsKnownJoin,
    Knowledge.LATEST: LatestKnowledgeJoin,
}


def point_in_time(inputs: SelectionInput, lookup: Source) -> PointInTimeJoin | None:
    """Return the join of a lookup that has `as_of`; None if the lookup has one row for a key."""
    as_of = lookup.as_of
    return _JOINS[as_of.knowledge](inputs, lookup, as_of) if as_of else None


def joined(inputs: SelectionInput, reference: Reference, side: Side) -> exp.Expr:
    """Return a column of a joined lookup; `side` reads the rows that the lookup is joined to."""
    join = point_in_time(inputs, reference.source)
    if join is None:
        return column(reference.column.name, reference.source.name)
    return join.value(reference.column, side)


def point_in_time_joins(inputs: SelectionInput) -> Iterator[PointInTimeJoin]:
    """Yield the joins of all lookups that have `as_of`, in the order of the file."""
    for lookup in inputs.scope.lookups:
        join = point_in_time(inputs, lookup)
        if join:
            yield join
