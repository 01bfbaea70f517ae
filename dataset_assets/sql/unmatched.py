"""How many rows a lookup has nothing for."""

from sqlglot import exp

from dataset_assets.contract.scope import Source
from dataset_assets.sql.build import alias_table, assemble, column, table
from dataset_assets.sql.compile import Draft, window
from dataset_assets.sql.question import Question
from dataset_assets.sql.typing import as_declared


def unmatched_query(question: Question, lookup: Source, staged: exp.Expr) -> exp.Query:
    """A query for `total` rows, and how many of them are `unmatched`.

    The staged rows are asked where they hold the columns that the lookup is joined on: by distinct value, so
    that little is joined. Else the rows of the window are.
    """
    published = {output.reference: output.name for output in question.scope.outputs}
    joins = list(question.joins(lookup))
    if not all(reference in published for reference, _ in joins):
        return _in_window(question, lookup)
    names = [published[reference] for reference, _ in joins]
    keys = exp.select(*map(column, names), exp.alias_(exp.Count(this=exp.Star()), "times"))
    keys = keys.from_(alias_table(staged, "staged")).group_by(*map(column, names))
    relation = question.relations[lookup.name]
    same = [
        exp.EQ(
            this=column(name, "keys"), expression=as_declared(lookup, relation, target.column, lookup.name)
        )
        for name, (_, target) in zip(names, joins, strict=True)
    ]
    missing = column(joins[0][1].column.name, lookup.name).is_(exp.null())
    query = exp.select(*_totals(missing, column("times", "keys"))).from_(keys.subquery("keys"))
    return query.join(alias_table(relation.source, lookup.name), on=exp.and_(*same), join_type="left")


def _in_window(question: Question, lookup: Source) -> exp.Query:
    draft = window(Draft(question, early=question.scope.lookups))
    _, target = next(question.joins(lookup))
    missing = draft.in_rows(target).is_(exp.null())
    return assemble(draft.ctes, exp.select(*_totals(missing, exp.Literal.number(1))).from_(table(draft.rows)))


def _totals(missing: exp.Expr, times: exp.Expr) -> list[exp.Expr]:
    lacking = exp.Case().when(missing, times.copy()).else_(exp.Literal.number(0))
    return [exp.alias_(exp.Sum(this=each), name) for each, name in ((times, "total"), (lacking, "unmatched"))]
