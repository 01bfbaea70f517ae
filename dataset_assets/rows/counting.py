"""Count the rows for which conditions are true."""

from collections.abc import Mapping

from sqlglot import exp

from dataset_assets.ports.engine import Session


def count_rows(session: Session, rows: exp.Expr, conditions: Mapping[str, exp.Expr]) -> dict[str, int]:
    """Return by name for how many rows each condition is true."""
    counts = (exp.alias_(exp.CountIf(this=each.copy()), name) for name, each in conditions.items())
    [found] = session.rows(exp.select(*counts).from_(rows.copy()))
    # DuckDB's COUNT_IF of no rows is NULL.
    return {name: int(count or 0) for name, count in found.items()}
