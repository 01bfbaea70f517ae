"""Compute CTEs once that BigQuery would execute again for each reference to them.

One table holds the rows of all of them, in a column of STRUCTs for each: one statement reads the columns of
the tables behind them, so that each is billed once.
"""

from collections.abc import Collection

from sqlglot import exp

from dataset_assets.sql.build import column, identifier, table


def combined(query: exp.Query, names: Collection[str]) -> exp.Query:
    """Return the query of the rows of all named CTEs: each row has one of them in the column of that name.

    The CTEs may not refer to others.
    """
    ctes = {each.alias: each.this for each in query.ctes if each.alias in names}
    rows = [exp.select(*(_value(name, each) for name in ctes)).from_(table(each)) for each in ctes]
    found: exp.Query = exp.union(*rows, distinct=False) if len(rows) > 1 else rows[0]
    for name, cte in ctes.items():
        found = found.with_(identifier(name), cte.copy(), copy=False)
    return found


def reading(query: exp.Query, names: Collection[str], source: exp.Expr) -> exp.Query:
    """Return the query with CTEs that read their rows from `source`, the table of `combined`."""
    found = query.copy()
    for cte in found.ctes:
        if cte.alias in names:
            row = exp.Column(this=exp.Star(), table=identifier(cte.alias))
            is_own = exp.not_(column(cte.alias).is_(exp.null()))
            cte.set("this", exp.select(row).from_(source.copy()).where(is_own))
    return found


def _value(name: str, own: str) -> exp.Expr:
    return column(name) if name == own else exp.alias_(exp.null(), identifier(name))
