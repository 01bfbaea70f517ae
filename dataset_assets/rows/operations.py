"""Select published rows after an operation on them, or after the rows of an earlier publication are restored.

The SQL is the same on every engine.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlglot import exp

from dataset_assets.contract.row_operations import RowOperation
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, SYSTEM_COLUMNS, SystemColumn
from dataset_assets.rows.stamping import timestamp
from dataset_assets.sql.build import alias, column
from dataset_assets.sql.nodes import LabelsText
from dataset_assets.sql.where.where import Where

TOUCHED = "_touched"
"""The column that says whether a change touches a row."""
IS_THERE, IS_VISIBLE = "_is_there", "_is_visible"
"""The columns that say whether a restored row is among the present rows, and not deleted in them."""
_LABELS = "_labels"


def touched_rows(source: exp.Expr, operation: RowOperation, where: Where) -> exp.Select:
    """Return all rows with the column `_touched`. Deleted rows are not touched (BR-019)."""
    touched = exp.and_(exp.not_(column("_deleted")), where.condition(), operation.changes_row())
    return exp.select("*", alias(touched, TOUCHED)).from_(source.copy())


def changed_rows(
    rows: exp.Expr,
    names: Sequence[str],
    operation: RowOperation,
    now: datetime,
    system: Sequence[SystemColumn] = SYSTEM_COLUMNS,
) -> exp.Select:
    """Return the rows of `touched_rows` after the operation. `names` are the published columns.

    Only the columns that the operation changes and `_updated_at` (BR-017) differ, in touched rows alone.
    `system` are the system columns of the rows.
    """
    new = {**operation.new_values(), "_updated_at": timestamp(now)}
    values = (changed_value(each.name, new.get(each.name)) for each in system)
    return exp.select(*map(column, names), *values).from_(rows)


def restored_rows(
    earlier: exp.Expr,
    present: exp.Expr,
    names: Sequence[str],
    now: datetime,
    system: Sequence[SystemColumn] = SYSTEM_COLUMNS,
    *,
    same_columns: bool,
) -> exp.Select:
    """Return the rows of an earlier publication, to replace the present ones, with marks.

    A row that is the same in both keeps its present `_updated_at`; each other row is `_touched`, and was
    changed `now`. `_is_there` says whether the row is among the present ones, `_is_visible` whether it is not
    deleted in them.
    """
    left, right = "_earlier", "_present"
    is_there = exp.not_(column("_row_id", right).is_(exp.null()))
    is_same = (
        exp.and_(is_there, same_row((*names, *_known_time(system)), left, right))
        if same_columns
        else exp.false()
    )
    updated = exp.Case().when(is_same, column("_updated_at", right)).else_(timestamp(now))
    values = (
        alias(updated if each.name == "_updated_at" else column(each.name, left), each.name)
        for each in system
    )
    is_visible = exp.and_(is_there.copy(), exp.not_(column("_deleted", right)))
    marks = {TOUCHED: exp.not_(exp.paren(is_same.copy())), IS_THERE: is_there.copy(), IS_VISIBLE: is_visible}
    rows = exp.select(
        *(column(name, left) for name in names),
        *values,
        *(alias(mark, name) for name, mark in marks.items()),
    ).from_(exp.alias_(earlier.copy(), left, table=True))
    joined = exp.alias_(present.copy(), right, table=True)
    on = exp.EQ(this=column("_row_id", left), expression=column("_row_id", right))
    return rows.join(joined, on=on, join_type="left")


def _known_time(system: Sequence[SystemColumn]) -> list[str]:
    """Return the columns of a bitemporal table that can differ in one row; none of another table."""
    return [each.name for each in system if each.name in (PERIOD_FROM, PERIOD_TO)]


def without_marks(
    rows: exp.Expr, names: Sequence[str], system: Sequence[SystemColumn] = SYSTEM_COLUMNS
) -> exp.Select:
    """Return the rows of `restored_rows` as they are published."""
    return exp.select(*map(column, names), *(column(each.name) for each in system)).from_(rows)


def same_row(names: Sequence[str], left: str, right: str) -> exp.Expr:
    """Return whether content, labels and deletion of a row are the same on both sides of a join."""
    compared = (*names, "_deleted")
    same: list[exp.Expr] = [
        exp.NullSafeEQ(this=column(name, left), expression=column(name, right)) for name in compared
    ]
    return exp.and_(*same, exp.EQ(this=_labels_text(left), expression=_labels_text(right)))


def changed_value(name: str, new: exp.Expr | None) -> exp.Expr:
    """Return a column of `touched_rows` that has a new value in touched rows; unchanged if `new` is None."""
    if new is None:
        return column(name)
    return alias(exp.Case().when(column(TOUCHED), new).else_(column(name)), name)


def _labels_text(rows: str) -> exp.Expr:
    return LabelsText(this=column(_LABELS, rows))
