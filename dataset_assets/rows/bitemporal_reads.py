"""Read a bitemporal table: as of an instant and a Period, or everything that was ever said of some rows."""

from datetime import datetime

from sqlglot import exp

from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM
from dataset_assets.rows.bitemporal import KNOWN, VALID
from dataset_assets.rows.stamping import timestamp
from dataset_assets.sql.build import column, text


def as_of(source: exp.Expr, valid_at: datetime | None, known_in: str | None) -> exp.Select:
    """Return the rows that are true at an instant, as known in the Period with this id.

    Known in a Period that was not loaded is what the last load before it says. Without `known_in` the last of
    all loads says it; without `valid_at` all valid times are returned. Deleted rows are left out (BR-019).
    """
    last_load = column(PERIOD_TO).is_(exp.null())
    conditions = [exp.not_(column("_deleted"))]
    conditions.append(KNOWN.contains(text(known_in)) if known_in is not None else last_load)
    if valid_at is not None:
        conditions.append(VALID.contains(timestamp(valid_at)))
    return exp.select("*").from_(source.copy()).where(*conditions)


def key_history(source: exp.Expr, key: exp.Expr) -> exp.Select:
    """Return every row for which the condition `key` is true, in the order in which it became known."""
    order = (exp.Ordered(this=column(name), nulls_first=True) for name in (PERIOD_FROM, VALID_FROM))
    return exp.select("*").from_(source.copy()).where(key.copy()).order_by(*order)
