"""Merge rows whose half-open intervals touch or overlap, and find the rows at a point of an axis.

An interval that ends with NULL is open. A bitemporal table uses this on both axes: for valid time, whose
points are instants, and for known time, whose points are ids of Periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.sql.build import CTE, all_before, column, number, table

ISLAND = "_island"
"""The number of a row's island among the rows of the same group."""
_BEGINS = "_begins"


@dataclass(frozen=True)
class Intervals:
    """Rows with an interval in the columns `start` and `end`.

    Rows with equal values in `group` belong together; NULL equals NULL. An island is a set of such rows whose
    intervals cover one interval without a gap.
    """

    group: tuple[str, ...]
    start: str
    end: str

    def islands(self, rows: str, carried: Sequence[str], marked: str, numbered: str) -> tuple[CTE, CTE]:
        """Return the CTEs `marked` and `numbered`; the second adds each row's island to the CTE `rows`.

        `carried` are the further columns of the rows. Each start is before its end and is not NULL.
        """
        names = (*self.group, self.start, self.end, *carried)
        last, rows_before, ends_before = (self._over_earlier(each) for each in self._end_aggregates())
        touches = exp.or_(
            exp.GTE(this=last, expression=column(self.start)),
            exp.GT(this=rows_before, expression=ends_before),
        )
        begins = exp.Case().when(touches, number(0)).else_(number(1))
        marks = exp.select(*map(column, names), exp.alias_(begins, _BEGINS)).from_(table(rows))
        # of rows with the same start, the one that begins an island has to come first
        first = exp.Ordered(this=column(_BEGINS), desc=True, nulls_first=False)
        order = exp.Order(expressions=[_ascending(self.start), first])
        island = exp.Window(this=exp.Sum(this=column(_BEGINS)), partition_by=self._columns, order=order)
        island.set("spec", _until_here())
        numbers = exp.select(*map(column, names), exp.alias_(island, ISLAND)).from_(table(marked))
        return CTE(marked, marks), CTE(numbered, numbers)

    def merged(self, numbered: str) -> exp.Select:
        """Return one row for each island of the CTE `numbered`: its group and its whole interval."""
        ends = exp.alias_(self.island_end(), self.end)
        starts = exp.alias_(exp.Min(this=column(self.start)), self.start)
        query = exp.select(*self._columns, starts, ends).from_(table(numbered))
        return query.group_by(*self._columns, column(ISLAND))

    def island_end(self, within: Sequence[exp.Expr] = ()) -> exp.Expr:
        """Return the end of an island as an aggregate, or as a window over the columns `within`."""
        aggregates = self._end_aggregates()
        if within:
            aggregates = tuple(exp.Window(this=each, partition_by=list(within)) for each in aggregates)
        last, every_row, with_end = aggregates
        return exp.Case().when(exp.GT(this=every_row, expression=with_end), exp.null()).else_(last)

    def _end_aggregates(self) -> tuple[exp.Expr, ...]:
        """Return the last end, the number of rows, and that of rows with an end: fewer if one is open."""
        end = column(self.end)
        return exp.Max(this=end), exp.Count(this=exp.Star()), exp.Count(this=end.copy())

    def contains(self, point: exp.Expr) -> exp.Expr:
        """Return whether the interval contains a point."""
        begun = exp.LTE(this=column(self.start), expression=point)
        is_open = column(self.end).is_(exp.null())
        not_over = exp.GT(this=column(self.end), expression=point.copy())
        return exp.and_(begun, exp.or_(is_open, not_over))

    @property
    def _columns(self) -> list[exp.Expr]:
        return [column(name) for name in self.group]

    def _over_earlier(self, aggregate: exp.Expr) -> exp.Window:
        """Return an aggregate over the rows of the group that come before a row, in the order of starts."""
        order = exp.Order(expressions=[_ascending(self.start)])
        return exp.Window(this=aggregate, partition_by=self._columns, order=order, spec=all_before())


def _ascending(name: str) -> exp.Ordered:
    return exp.Ordered(this=column(name), nulls_first=True)


def _until_here() -> exp.WindowSpec:
    return exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
