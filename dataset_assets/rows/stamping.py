"""Create the SQL of the system columns of new rows: row ids, and values that all new rows share."""

from datetime import datetime

import sqlglot
from sqlglot import exp

from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, Stamp
from dataset_assets.periods.instants import Moment
from dataset_assets.sql.build import boundary, column, number, text
from dataset_assets.sql.nodes import Joined

_CARRIED = sqlglot.parse_one(
    "FORMAT('%08x-%04x-7', (:ms + (_number >> 26)) >> 16, (:ms + (_number >> 26)) & 65535)",
    dialect="bigquery",
)
_COUNTER = sqlglot.parse_one(
    "FORMAT('%03x-%04x', (_number >> 14) & 4095, 32768 | (_number & 16383))", dialect="bigquery"
)
_COUNTER_SIZE = 1 << 26
"""RFC 9562 UUIDv7 with a monotonic counter (its method 1): 48 bits of milliseconds, 26 bits of row number in
rand_a and the head of rand_b, and the publication's salt in the rest. A counter that is full is carried into
the milliseconds; this case has an expression of its own because few publications have so many rows."""


def row_id(stamp: Stamp) -> exp.Expr:
    """Return the id of a row whose number, counted from 0, is in the column `_number` (BR-117)."""
    milliseconds = stamp.milliseconds
    head = text(f"{milliseconds >> 16:08x}-{milliseconds & 65535:04x}-7")
    carried = exp.replace_placeholders(_CARRIED.copy(), ms=number(milliseconds))
    in_time = exp.LT(this=column("_number"), expression=number(_COUNTER_SIZE))
    tail = text(f"-{stamp.salt:012x}")
    return Joined(expressions=[exp.Case().when(in_time, head).else_(carried), _COUNTER.copy(), tail])


def constants(stamp: Stamp) -> dict[str, exp.Expr]:
    """Return the system columns that have one value in all new rows of a publication."""

    def words(value: object | None) -> exp.Expr:
        return exp.cast(exp.null(), "VARCHAR") if value is None else text(str(value))

    types = {system.name: system.sql_type for system in SYSTEM_COLUMNS}
    now = instant(stamp)
    return {
        "_source_dataset_id": words(stamp.dataset_id),
        "_source_table": words(stamp.source_table),
        "_created_by_project_id": words(stamp.project_id),
        "_created_by_run_id": words(stamp.run_id),
        "_created_at": now,
        "_updated_at": now.copy(),
        "_period": words(stamp.period),
        "_deleted": exp.false(),
        "_labels": exp.cast(exp.Array(expressions=[]), types["_labels"]),
    }


def instant(stamp: Stamp) -> exp.Expr:
    """Return the publication's instant as a literal."""
    return timestamp(stamp.instant)


def timestamp(instant: datetime) -> exp.Expr:
    """Return an instant as a literal."""
    return boundary(Moment(instant, instant.date()), "TIMESTAMPTZ")
