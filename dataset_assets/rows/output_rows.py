"""Select the rows of a Project's output: a dataset's rows after operations, with the Project's lineage.

The SQL is the same on every engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlglot import exp

from dataset_assets.contract.row_operations import RowOperation
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.rows.operations import TOUCHED, changed_value, same_row, touched_rows
from dataset_assets.rows.stamping import timestamp
from dataset_assets.sql.build import alias, column, equal, number, text
from dataset_assets.sql.where.where import Where

_LINEAGE = ("_created_by_project_id", "_created_by_run_id", "_created_at")
"""The columns about the run of the Project that first wrote a row to the output (BR-015)."""
_SYSTEM = tuple(each.name for each in SYSTEM_COLUMNS)
_PRESENT, _BEFORE = "_present", "_before"
WAS_VISIBLE, IS_SAME = "_was_visible", "_is_same"
"""The marks of a row that was visible in the Period before, and of one that is the same as it was."""


@dataclass(frozen=True)
class CheckedOperation:
    """An operation with its condition, checked against the columns of the rows."""

    operation: RowOperation
    where: Where


@dataclass(frozen=True)
class OutputStamp:
    """The system columns that a run gives to the rows that are new or different in an output."""

    project_id: UUID
    run_id: str
    now: datetime
    period: str | None


@dataclass(frozen=True)
class EarlierOutput:
    """The rows of an output before a run: of the Period, and of those that rows can have moved from.

    `has_columns` says whether they have the columns that are published now.
    """

    sources: tuple[exp.Expr, ...]
    has_columns: bool


def touched_by(index: int) -> str:
    """Return the mark of the rows that the operation with this index has touched."""
    return f"_touched_by_{index}"


def rows_after(
    sources: Sequence[exp.Expr], names: Sequence[str], operations: Sequence[CheckedOperation]
) -> exp.Query:
    """Return the rows of a dataset after operations in order, with a mark for each operation.

    `sources` have the rows of the Periods that are read, `names` are the published columns. An operation does
    not touch rows that are deleted.
    """
    rows = _together(sources, (*names, *_SYSTEM))
    marks: list[str] = []
    for index, each in enumerate(operations):
        marked = touched_rows(rows.subquery("_rows_before"), each.operation, each.where).subquery("_marked")
        new = each.operation.new_values()
        system = (changed_value(name, new.get(name)) for name in _SYSTEM)
        mark = alias(column(TOUCHED), touched_by(index))
        rows = exp.select(*map(column, (*names, *marks)), *system, mark).from_(marked)
        marks.append(touched_by(index))
    return rows


def stamped_rows(
    rows: exp.Query, before: EarlierOutput, names: Sequence[str], marks: Sequence[str], stamp: OutputStamp
) -> exp.Select:
    """Return the rows that a Period of an output has, with the Project's lineage and with marks.

    `rows` are those after all operations; `names` are the columns that the output publishes. A row is
    recognized by its `_row_id`: it keeps its lineage, and its `_updated_at` if it is the same as before.
    """
    values, added = _first_values(stamp), {WAS_VISIBLE: exp.false(), IS_SAME: exp.false()}
    if before.sources:
        values, added = _later_values(values, before, names, stamp.period)
    system = (alias(values.get(name, column(name, _PRESENT)), name) for name in _SYSTEM)
    query = exp.select(
        *(column(name, _PRESENT) for name in (*names, *marks)),
        *system,
        *(alias(mark, name) for name, mark in added.items()),
    ).from_(exp.alias_(rows.subquery(), _PRESENT, table=True))
    if before.sources:
        earlier = _latest_of_each(before, names, stamp.period).subquery()
        joined = exp.alias_(earlier, _BEFORE, table=True)
        query = query.join(joined, on=equal("_row_id", _PRESENT, _BEFORE), join_type="left")
    return query if stamp.period is None else query.where(_is_of(stamp.period, _PRESENT))


def published_rows(stamped: exp.Expr, names: Sequence[str], *, include_deleted: bool) -> exp.Select:
    """Return the rows of `stamped_rows` as they are published."""
    query = exp.select(*map(column, (*names, *_SYSTEM))).from_(stamped)
    return query if include_deleted else query.where(exp.not_(column("_deleted")))


def _first_values(stamp: OutputStamp) -> dict[str, exp.Expr]:
    """Return the system columns of a row that the output has never had."""
    return {
        "_created_by_project_id": text(str(stamp.project_id)),
        "_created_by_run_id": text(stamp.run_id),
        "_created_at": timestamp(stamp.now),
        "_updated_at": timestamp(stamp.now),
    }


def _later_values(
    first: dict[str, exp.Expr], before: EarlierOutput, names: Sequence[str], period: str | None
) -> tuple[dict[str, exp.Expr], dict[str, exp.Expr]]:
    """Return the system columns and the marks of a row that the output may have had before."""
    was_there = exp.not_(column("_row_id", _BEFORE).is_(exp.null()))
    same_period = exp.NullSafeEQ(this=column("_period", _PRESENT), expression=column("_period", _BEFORE))
    same = exp.false()
    if before.has_columns:
        same = exp.and_(was_there, same_row(names, _PRESENT, _BEFORE), same_period)
    values = {name: exp.Coalesce(this=column(name, _BEFORE), expressions=[first[name]]) for name in _LINEAGE}
    updated = exp.Case().when(same, column("_updated_at", _BEFORE)).else_(first["_updated_at"])
    was_visible = exp.and_(was_there.copy(), exp.not_(column("_deleted", _BEFORE)), _is_of(period, _BEFORE))
    return {**values, "_updated_at": updated}, {WAS_VISIBLE: was_visible, IS_SAME: same.copy()}


def _latest_of_each(before: EarlierOutput, names: Sequence[str], period: str | None) -> exp.Query:
    """Return each earlier row once: as it was in this Period, else as another Period first had it.

    A row is in two Periods for the time between the publication of the Period that it moved to and that of
    the Period that it left.
    """
    rows = _together(before.sources, (*(names if before.has_columns else ()), *_SYSTEM))
    if len(before.sources) == 1:
        return rows
    is_other = exp.Case().when(_is_of(period), number(0)).else_(number(1))
    by = (is_other, column("_created_at"), column("_period"))
    order = exp.Order(expressions=[exp.Ordered(this=each) for each in by])
    place = exp.Window(this=exp.RowNumber(), partition_by=[column("_row_id")], order=order)
    # GoogleSQL accepts QUALIFY only beside another clause that filters.
    once = exp.select("*").from_(rows.subquery("_before_rows")).where(exp.true())
    return once.qualify(exp.EQ(this=place, expression=number(1)))


def _together(sources: Sequence[exp.Expr], names: Sequence[str]) -> exp.Query:
    parts = [exp.select(*map(column, names)).from_(source.copy()) for source in sources]
    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)


def _is_of(period: str | None, rows: str | None = None) -> exp.Expr:
    return exp.true() if period is None else exp.EQ(this=column("_period", rows), expression=text(period))
