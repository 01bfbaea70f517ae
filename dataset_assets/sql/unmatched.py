"""How many published rows a lookup has nothing for."""

from sqlglot import exp

from dataset_assets.contract.scope import Reference, Source
from dataset_assets.sql.build import alias_table, assemble, column, number, table
from dataset_assets.sql.compile import compile_column
from dataset_assets.sql.question import Question
from dataset_assets.sql.typing import as_declared


def unmatched_query(question: Question, lookup: Source, staged: exp.Expr) -> exp.Query:
    """A query for the `total` of published rows, and how many of them are `unmatched` by the lookup.

    The staged rows are asked where they hold the columns that the lookup is joined on: by distinct value, so
    that little is joined. Else the rows are selected again, with the lookup's side of the join alone.
    """
    published = {output.reference: output.name for output in question.scope.outputs}
    joins = list(question.joins(lookup))
    if not all(reference in published for reference, _ in joins):
        return _selected_again(question, joins[0][1])
    times, keys, rows = map(question.names.free, ("times", "keys", "staged"))
    names = [published[reference] for reference, _ in joins]
    counted = exp.select(*map(column, names), exp.alias_(exp.Count(this=exp.Star()), times))
    counted = counted.from_(alias_table(staged, rows)).group_by(*map(column, names))
    relation = question.relations[lookup.name]
    same = [
        exp.EQ(this=column(name, keys), expression=as_declared(lookup, relation, target.column, lookup.name))
        for name, (_, target) in zip(names, joins, strict=True)
    ]
    missing = as_declared(lookup, relation, joins[0][1].column, lookup.name).is_(exp.null())
    query = exp.select(*_totals(missing, column(times, keys))).from_(counted.subquery(keys))
    return query.join(alias_table(relation.source, lookup.name), on=exp.and_(*same), join_type="left")


def _selected_again(question: Question, target: Reference) -> exp.Query:
    key = question.names.free("lookup_key")
    ctes = compile_column(question, target, key)
    totals = exp.select(*_totals(column(key).is_(exp.null()), number(1)))
    return assemble(ctes, totals.from_(table(ctes[-1].name)))


def _totals(missing: exp.Expr, times: exp.Expr) -> list[exp.Expr]:
    lacking = exp.Case().when(missing, times.copy()).else_(number(0))
    return [exp.alias_(exp.Sum(this=each), name) for each, name in ((times, "total"), (lacking, "unmatched"))]
