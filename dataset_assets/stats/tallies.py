"""Count rows in ways that no single column gives: the units of a split, and rows that are there twice.

A tally is one more GROUP BY over the rows of a profile, in the same query.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import any_null, column, number, table, text
from dataset_assets.sql.nodes import RowHash
from dataset_assets.stats.counting import answer
from dataset_assets.stats.expressions import as_text, named, select

UNITS, CONTENTS = "units", "contents"
_ROWS = "counted_rows"
_N, _SPLIT, _FOLD, _UNITS, _FIRST, _LAST = "_n", "_split", "_fold", "_units", "_first_split", "_last_split"


@dataclass(frozen=True)
class Tally:
    """A count over the rows of a profile. `query` has the columns `_split`, `_fold`, `_n` and `_units`.

    The answers have them as text of the split, as place, as number of rows, and as cardinality.
    """

    name: str
    query: exp.Query

    def answers(self) -> exp.Query:
        """Return the query of the answers; the CTE of the tally has its name."""
        shown = answer(
            kind=text(self.name),
            scope=as_text(column(_SPLIT)),
            place=column(_FOLD),
            n=column(_N),
            cardinality=column(_UNITS),
        )
        return select(shown, table(self.name))


def unit_tally(
    rows: exp.Expr, columns: Sequence[str], split: str, fold: str | None, *, null_is_row: bool
) -> Tally:
    """Return the tally of the rows and units of each part, and of each fold in it.

    `columns` are those of the unit; without columns each row is one. `null_is_row` is true if a row with NULL
    in one of them is a unit of its own.
    """
    source = exp.alias_(rows.copy(), _ROWS, table=True)
    unit = {f"_unit_{place}": column(name, _ROWS) for place, name in enumerate(columns)}
    parts = {_SPLIT: column(split, _ROWS)} | ({_FOLD: column(fold, _ROWS)} if fold else {})
    keys = [named(value, name) for name, value in (unit | parts).items()]
    by = [value.copy() for value in (unit | parts).values()]
    grouped = select([*keys, _count(_N)], source, by=by)
    rows_of_unit = column(_N, _ROWS)
    each: exp.Expr = number(1) if columns else rows_of_unit.copy()
    if null_is_row and columns:
        lacks = any_null(column(name, _ROWS) for name in unit)
        each = exp.Case().when(lacks, rows_of_unit.copy()).else_(each)
    shown = [*map(column, parts), *([] if fold else [named(exp.null(), _FOLD)])]
    shown += [named(exp.Sum(this=rows_of_unit), _N), named(exp.Sum(this=each), _UNITS)]
    query = select(shown, grouped.subquery(_ROWS, copy=False), by=[column(name, _ROWS) for name in parts])
    return Tally(UNITS, query)


def content_tally(rows: exp.Expr, columns: Sequence[PublishedColumn], split: str | None) -> Tally:
    """Return the tally of the rows that are equal in these columns.

    `_n` counts the rows beyond the first of equal ones, `_units` the rows that are in several parts.
    """
    source = exp.alias_(rows.copy(), _ROWS, table=True)
    values = [(column(each.name, _ROWS), each.type) for each in columns]
    hashed = RowHash(this=row_text(values), expressions=[value.copy() for value, _ in values])
    bounds = {_FIRST: exp.Min, _LAST: exp.Max} if split else {}
    ends = [named(end(this=column(split, _ROWS)), name) for name, end in bounds.items() if split]
    grouped = select([named(hashed, "_hash"), _count(_N), *ends], source, by=[hashed.copy()])
    times = column(_N, _ROWS)
    several = column(_FIRST, _ROWS).neq(column(_LAST, _ROWS)) if split else exp.false()
    shown = [
        named(exp.null(), _SPLIT),
        named(exp.null(), _FOLD),
        named(exp.Sum(this=times - number(1)), _N),
        named(exp.Sum(this=exp.Case().when(several, times.copy()).else_(number(0))), _UNITS),
    ]
    return Tally(CONTENTS, select(shown, grouped.subquery(_ROWS, copy=False)))


def _count(name: str) -> exp.Expr:
    return named(exp.Count(this=exp.Star()), name)
