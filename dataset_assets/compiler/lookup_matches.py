"""How the selected rows met their lookups, and NULLs in columns that are used without being published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_columns
from dataset_assets.compiler.typing import as_declared, find
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import alias_table, assemble, column, table


@dataclass(frozen=True)
class Matching:
    """`rows` is how many rows are published, `unmatched` for how many of them a lookup has nothing.

    `nulls` counts the NULLs of each of the columns that `unpublished` names.
    """

    rows: Mapping[str, int]
    unmatched: Mapping[str, int]
    nulls: Mapping[Reference, int]


def match(inputs: SelectionInput, staged: exp.Expr, session: Session) -> Matching:
    """Asks as little as it can: nothing where there are no lookups and no columns to look at.

    A lookup is asked about by the staged rows where they hold the columns that it is joined on. What cannot
    be seen in the staged rows is asked in one query that selects the rows again.
    """
    published = {output.reference for output in inputs.scope.outputs}
    rows: dict[str, int] = {}
    unmatched: dict[str, int] = {}
    hidden = []
    for lookup in inputs.scope.lookups:
        if not all(reference in published for reference, _ in inputs.joins(lookup)):
            hidden.append(lookup)
            continue
        found = _counts(staged_query(inputs, lookup, staged), session)
        rows[lookup.name], unmatched[lookup.name] = found["total"], found["unmatched"]
    columns = unpublished(inputs)
    if not hidden and not columns:
        return Matching(rows, unmatched, {})
    found = _counts(selected_query(inputs, hidden, columns), session)
    rows |= {lookup.name: found["total"] for lookup in hidden}
    unmatched |= {lookup.name: found[f"unmatched_{place}"] for place, lookup in enumerate(hidden)}
    nulls = {each: found[f"nulls_{place}"] for place, each in enumerate(columns)}
    return Matching(rows, unmatched, nulls)


def _counts(query: exp.Query, session: Session) -> Mapping[str, int]:
    """Return the one row of counts that a query answers. A sum over no rows is NULL, and counts as zero."""
    return {name: int(count or 0) for name, count in session.rows(query)[0].items()}


def unpublished(inputs: SelectionInput) -> tuple[Reference, ...]:
    """The columns that are declared without NULLs, used, not published, and not known to be without NULLs.

    The columns by which a lookup is found are left out: one without a value is never found, so its row is
    not used.
    """
    return tuple(_unpublished(inputs))


def _unpublished(inputs: SelectionInput) -> Iterator[Reference]:
    seen = {_place(output.reference) for output in inputs.scope.outputs if output.reference}
    seen |= {_place(target) for lookup in inputs.scope.lookups for _, target in inputs.joins(lookup)}
    for source in inputs.scope.sources:
        relation = inputs.relations[source.name]
        for each in inputs.needed(source):
            reference = Reference(source, each)
            if not each.nullable and _place(reference) not in seen and _may_be_null(relation, each.name):
                yield reference


def _place(reference: Reference) -> tuple[str, str]:
    return reference.source.name, reference.column.name


def _may_be_null(relation: Relation, name: str) -> bool:
    """Whether the column may hold NULLs, for all that its store says."""
    physical = find(relation, name)
    return physical is None or physical.has_nulls is not False


def staged_query(inputs: SelectionInput, lookup: Source, staged: exp.Expr) -> exp.Query:
    """A query for the `total` of staged rows, and how many of them are `unmatched` by the lookup.

    The staged rows are counted by distinct value first, so that little is joined.
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
    lacking = exp.Case().when(missing, column(times, keys)).else_(exp.Literal.number(0))
    totals = {"total": column(times, keys), "unmatched": lacking}
    shown = (exp.alias_(exp.Sum(this=each), name) for name, each in totals.items())
    query = exp.select(*shown).from_(counted.subquery(keys))
    return query.join(alias_table(relation.source, lookup.name), on=exp.and_(*same), join_type="left")


def selected_query(
    inputs: SelectionInput, lookups: Sequence[Source], columns: Sequence[Reference]
) -> exp.Query:
    """A query for the `total` of selected rows, and `unmatched_0`, … of lookups and `nulls_0`, … of columns.

    A row that a lookup has nothing for has no row of the lookup in which a NULL could be.
    """
    keys = [_key(inputs, lookup) for lookup in lookups]
    keys_of_columns = [_key(inputs, each.source) for each in columns if each.source.lookup]
    wanted = dict.fromkeys(chain(keys, columns, keys_of_columns))
    names = {each: inputs.names.free(f"looked_at_{place}") for place, each in enumerate(wanted)}
    ctes = compile_columns(inputs, {name: each for each, name in names.items()})

    def missing(reference: Reference) -> exp.Expr:
        return column(names[reference]).is_(exp.null())

    def null(reference: Reference) -> exp.Expr:
        if reference.source.lookup is None:
            return missing(reference)
        return exp.and_(exp.not_(missing(_key(inputs, reference.source))), missing(reference))

    counts = [exp.alias_(exp.Count(this=exp.Star()), "total")]
    for kind, conditions in (("unmatched", map(missing, keys)), ("nulls", map(null, columns))):
        counts += (
            exp.alias_(exp.CountIf(this=condition), f"{kind}_{place}")
            for place, condition in enumerate(conditions)
        )
    return assemble(ctes, exp.select(*counts).from_(table(ctes[-1].name)))


def _key(inputs: SelectionInput, lookup: Source) -> Reference:
    """The lookup's own side of its first join: it is NULL where the lookup has nothing."""
    return next(inputs.joins(lookup))[1]
