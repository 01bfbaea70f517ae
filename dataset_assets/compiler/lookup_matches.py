"""Count the rows without a matching lookup row, and NULLs in columns that are used but not published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlglot import exp

from dataset_assets.compiler.lookup_joins import point_in_time, point_in_time_joins
from dataset_assets.compiler.point_in_time import PointInTimeJoin
from dataset_assets.compiler.point_in_time_counts import PointInTimeCounts, counts, join_bounds, undated
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_columns
from dataset_assets.compiler.typing import as_declared, find
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.contract.system_columns import INTERVAL_COLUMNS
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import alias_table, assemble, column, table


@dataclass(frozen=True)
class LookupMatches:
    """For each lookup the number of all `rows` and of `unmatched` rows, for which it has no row.

    `nulls` counts the NULLs of each column that `unpublished` returns. `as_of` has the counts of each lookup
    that is joined as of the time of a row.
    """

    rows: Mapping[str, int]
    unmatched: Mapping[str, int]
    nulls: Mapping[Reference, int]
    as_of: Mapping[str, PointInTimeCounts] = field(default_factory=dict)


def match_lookups(inputs: SelectionInput, staged: exp.Expr, session: Session) -> LookupMatches:
    """Count unmatched rows and NULLs with as few queries as possible; none if there is nothing to count.

    A lookup whose join columns are published is counted over the staged rows. All others, and the NULLs, are
    counted by one query that selects the rows again.
    """
    published = {output.reference for output in inputs.scope.outputs}
    rows: dict[str, int] = {}
    unmatched: dict[str, int] = {}
    as_of: dict[str, PointInTimeCounts] = {}
    hidden = []
    for lookup in inputs.scope.lookups:
        if not published.issuperset(inputs.joined_on(lookup)):
            hidden.append(lookup)
            continue
        join = point_in_time(inputs, lookup)
        found = _counts(
            (as_of_query(join, staged) if join else staged_query(inputs, lookup, staged)), session
        )
        rows[lookup.name], unmatched[lookup.name] = found["total"], found["unmatched"]
        if join:
            as_of[lookup.name] = PointInTimeCounts.read(found, "", undated(join, session))
    columns = unpublished(inputs)
    if not hidden and not columns:
        return LookupMatches(rows, unmatched, {}, as_of)
    found = _counts(selected_query(inputs, hidden, columns), session)
    rows |= {lookup.name: found["total"] for lookup in hidden}
    unmatched |= {lookup.name: found[f"unmatched_{place}"] for place, lookup in enumerate(hidden)}
    nulls = {each: found[f"nulls_{place}"] for place, each in enumerate(columns)}
    for place, lookup in enumerate(hidden):
        if join := point_in_time(inputs, lookup):
            as_of[lookup.name] = PointInTimeCounts.read(found, f"as_of_{place}_", undated(join, session))
    return LookupMatches(rows, unmatched, nulls, as_of)


def _counts(query: exp.Query, session: Session) -> Mapping[str, int]:
    """Run a query with one row of counts. A sum over no rows is NULL and counts as zero."""
    return {name: int(count or 0) for name, count in session.rows(query)[0].items()}


def unpublished(inputs: SelectionInput) -> tuple[Reference, ...]:
    """Return the unpublished columns that are used, are declared without NULLs, and may have NULLs.

    The lookups' own join columns are left out: a NULL there matches no row, so that row is not used.
    """
    return tuple(_unpublished(inputs))


def _unpublished(inputs: SelectionInput) -> Iterator[Reference]:
    seen = {_place(output.reference) for output in inputs.scope.outputs if output.reference}
    seen |= {_place(target) for lookup in inputs.scope.lookups for _, target in inputs.joins(lookup)}
    seen |= {_place(join.start_column) for join in point_in_time_joins(inputs)}
    seen |= {(source.name, name) for source in inputs.scope.lookups for name in INTERVAL_COLUMNS}
    for source in inputs.scope.sources:
        relation = inputs.relations[source.name]
        for each in inputs.needed(source):
            reference = Reference(source, each)
            if not each.nullable and _place(reference) not in seen and _may_be_null(relation, each.name):
                yield reference


def _place(reference: Reference) -> tuple[str, str]:
    return reference.source.name, reference.column.name


def _may_be_null(relation: Relation, name: str) -> bool:
    """Return whether the column may have NULLs, by the metadata of its store."""
    physical = find(relation, name)
    return physical is None or physical.has_nulls is not False


def staged_query(inputs: SelectionInput, lookup: Source, staged: exp.Expr) -> exp.Query:
    """Return a query for the `total` of staged rows, and how many of them are `unmatched` by the lookup.

    Staged rows are grouped by their join columns first, so that few rows are joined.
    """
    published = {output.reference: output.name for output in inputs.scope.outputs}
    joins = list(inputs.joins(lookup))
    times, keys, rows = map(inputs.names.free, ("times", "keys", "staged"))
    names = [published[reference] for reference, _ in joins]
    counted = exp.select(*map(column, names), exp.alias_(exp.Count(this=exp.Star()), times))
    counted = counted.from_(alias_table(staged, rows)).group_by(*map(column, names))
    relation = inputs.relations[lookup.name]
    same = [
        exp.EQ(this=column(name, keys), expression=as_declared(lookup, relation, target.column, lookup.name))
        for name, (_, target) in zip(names, joins, strict=True)
    ]
    missing = as_declared(lookup, relation, joins[0][1].column, lookup.name).is_(exp.null())
    unmatched = exp.Case().when(missing, column(times, keys)).else_(exp.Literal.number(0))
    totals = {"total": column(times, keys), "unmatched": unmatched}
    shown = (exp.alias_(exp.Sum(this=each), name) for name, each in totals.items())
    query = exp.select(*shown).from_(counted.subquery(keys))
    return query.join(alias_table(relation.source, lookup.name), on=exp.and_(*same), join_type="left")


def as_of_query(join: PointInTimeJoin, staged: exp.Expr) -> exp.Query:
    """Return a query of the `total` of staged rows, of the `unmatched` ones, and of the other counts."""
    published = {output.reference: output.name for output in join.inputs.scope.outputs}
    rows, bounds = map(join.inputs.names.free, ("staged", "bounds"))

    def side(reference: Reference) -> exp.Expr:
        return column(published[reference], rows)

    missing = join.value(join.keys[0], side).is_(exp.null())
    totals = {"total": exp.Count(this=exp.Star()), "unmatched": exp.CountIf(this=missing)}
    query = exp.select(*(exp.alias_(each, name) for name, each in totals.items()))
    query = query.select(*counts(join, side(join.row_time), missing, bounds)).from_(alias_table(staged, rows))
    return join_bounds(join.join(query, side), join, side, bounds)


def selected_query(
    inputs: SelectionInput, lookups: Sequence[Source], columns: Sequence[Reference]
) -> exp.Query:
    """Return a query for the `total` of rows, `unmatched_0`, … of lookups and `nulls_0`, … of columns.

    The NULLs of a lookup's column are counted in matched rows only.
    """
    keys = [_key(inputs, lookup) for lookup in lookups]
    keys_of_columns = [_key(inputs, each.source) for each in columns if each.source.lookup]
    as_of = {place: join for place, each in enumerate(lookups) if (join := point_in_time(inputs, each))}
    sides = chain.from_iterable(inputs.joined_on(join.lookup) for join in as_of.values())
    wanted = dict.fromkeys(chain(keys, columns, keys_of_columns, sides))
    names = {each: inputs.names.free(f"looked_at_{place}") for place, each in enumerate(wanted)}
    ctes = compile_columns(inputs, {name: each for each, name in names.items()})

    def missing(reference: Reference) -> exp.Expr:
        return column(names[reference]).is_(exp.null())

    def null(reference: Reference) -> exp.Expr:
        if reference.source.lookup is None:
            return missing(reference)
        return exp.and_(exp.not_(missing(_key(inputs, reference.source))), missing(reference))

    totals = [exp.alias_(exp.Count(this=exp.Star()), "total")]
    for kind, conditions in (("unmatched", map(missing, keys)), ("nulls", map(null, columns))):
        totals += (
            exp.alias_(exp.CountIf(this=condition), f"{kind}_{place}")
            for place, condition in enumerate(conditions)
        )
    query = exp.select(*totals).from_(table(ctes[-1].name))
    for place, join in as_of.items():
        bounds, row_time = inputs.names.free(f"bounds_{place}"), column(names[join.row_time])
        query = query.select(*counts(join, row_time, missing(keys[place]), bounds, f"as_of_{place}_"))
        query = join_bounds(query, join, lambda reference: column(names[reference]), bounds)
    return assemble(ctes, query)


def _key(inputs: SelectionInput, lookup: Source) -> Reference:
    """Return the lookup's own column of its first join condition: it is NULL in unmatched rows."""
    return next(inputs.joins(lookup))[1]
