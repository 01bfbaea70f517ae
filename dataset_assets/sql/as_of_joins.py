"""Render the node AsOfJoin as each engine computes it best."""

from sqlglot import exp
from sqlglot.generator import Generator


def as_of_merge(generator: Generator, node: exp.Expr) -> str:
    """Render `ASOF LEFT JOIN`, which sorts both sides once and merges them."""
    joined = node.this.copy().subquery(node.args["alias"].copy())
    on = exp.and_(node.args["on"].copy(), _has_begun(node))
    return generator.sql(exp.Join(this=joined, method="ASOF", side="LEFT", on=on))


def as_of_ranges(generator: Generator, node: exp.Expr) -> str:
    """Render a join on equal keys and on the range of times from each joined row to the next one of its key.

    It is one hash join on the keys; a row is compared with the joined rows of its key only.
    """
    time, following = exp.column(node.args["time"].this.copy()), node.args["next"]
    lead = exp.Window(
        this=exp.Lead(this=time),
        partition_by=[key.copy() for key in node.args["keys"]],
        order=exp.Order(expressions=[exp.Ordered(this=time.copy(), nulls_first=True)]),
    )
    ranges = exp.select("*", exp.Alias(this=lead, alias=following.copy())).from_(node.this.copy().subquery())
    end = exp.Column(this=following.copy(), table=node.args["alias"].copy())
    is_before = exp.LT(this=node.args["row_time"].copy(), expression=end.copy())
    on = exp.and_(node.args["on"].copy(), _has_begun(node), exp.or_(end.is_(exp.null()), is_before))
    joined = ranges.subquery(node.args["alias"].copy())
    return generator.sql(exp.Join(this=joined, side="LEFT", on=on))


def _has_begun(node: exp.Expr) -> exp.Expr:
    return exp.GTE(this=node.args["row_time"].copy(), expression=node.args["time"].copy())
