"""Guards that stop a query at a value which a cast of DuckDB would change without an error.

A guarded column reads `CASE WHEN <the value is exact> THEN <value> ELSE error(<sentence>) END`, so that only
the rows that a query uses are checked. A column whose type or statistics prove every value has no guard.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.compiler.typing import CASTS, SQL_TYPES
from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.sql.nodes import Joined

REFUSED = "refused: "
"""The prefix of the error text that a guard raises."""

_FIRST, _LAST = "0001-01-01", "9999-12-31"
_INSTANTS = f"{_FIRST} 00:00:00+00", f"{_LAST} 23:59:59.999999+00"
_PLACES = 9
_WHOLE_DIGITS = 29
"""Digits before the decimal point of DECIMAL(38, 9)."""
_DECIMAL = SQL_TYPES[ColumnType.DECIMAL]
_HUGER = frozenset({"HUGEINT", "UHUGEINT"})
_HUGE = _HUGER | {"UBIGINT"}
_TEMPORAL = frozenset({PhysicalType.DATE, PhysicalType.DATETIME, PhysicalType.TIMESTAMP})

ExactnessTest = Callable[[exp.Expr, PhysicalColumn, str], exp.Expr]
"""A value, its column and the zone of naive times → the SQL condition that the cast keeps the value."""


@dataclass(frozen=True)
class Guard:
    """A check of a column's values.

    `problem` describes a value that fails; `result_type` is the type of a value that passes.
    """

    is_exact: ExactnessTest
    problem: str
    result_type: str = ""


def _fits(sql_type: str) -> ExactnessTest:
    def is_exact(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
        return exp.not_(_tried(value, sql_type).is_(exp.null()))

    return is_exact


def _keeps_its_places(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    return exp.EQ(this=_tried(_tried(value, _DECIMAL), column.native), expression=value.copy())


def _is_whole(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    nanoseconds = exp.Anonymous(this="epoch_ns", expressions=[value.copy()])
    return exp.EQ(
        this=exp.Mod(this=nanoseconds, expression=exp.Literal.number(1000)),
        expression=exp.Literal.number(0),
    )


def _is_in_years(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:
    """Return whether a date or the instant of a time is within the years 1 to 9999.

    Infinite ones are not. A time of another zone is converted to its instant only if it is near an end:
    conversion is slow.
    """
    if column.type is PhysicalType.DATE:
        return _between(value, "DATE", _FIRST, _LAST)
    if column.type is PhysicalType.TIMESTAMP:
        return _between(value, "TIMESTAMPTZ", *_INSTANTS)
    if zone == "UTC":
        return _between(value, "TIMESTAMP", f"{_FIRST} 00:00:00", f"{_LAST} 23:59:59.999999")
    in_every_zone = _between(value, "TIMESTAMP", "0001-01-02 00:00:00", "9999-12-30 00:00:00")
    instant = CASTS[ColumnType.TIMESTAMP, column.type](value.copy(), column, zone)
    within = _between(instant, "TIMESTAMPTZ", *_INSTANTS)
    is_finite = exp.Anonymous(this="isfinite", expressions=[value.copy()])
    near_an_end = exp.Case(ifs=[exp.If(this=is_finite, true=within)], default=exp.false())
    return exp.or_(in_every_zone, near_an_end)


def _between(value: exp.Expr, sql_type: str, first: str, last: str) -> exp.Expr:
    low, high = (exp.cast(exp.Literal.string(each), sql_type) for each in (first, last))
    return exp.Between(this=value.copy(), low=low, high=high)


def _is_small(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    """Return whether a float is small enough; for DuckDB infinity and NaN are greater than all numbers."""
    return exp.LT(this=exp.Abs(this=value.copy()), expression=exp.Literal.number(f"1e{_WHOLE_DIGITS}"))


def _tried(value: exp.Expr, sql_type: str) -> exp.Expr:
    return exp.TryCast(this=value.copy(), to=exp.DataType.build(sql_type, dialect="duckdb"))


YEARS = Guard(_is_in_years, "outside the years 1 to 9999")
_MICROSECONDS = Guard(_is_whole, "finer than microseconds", "TIMESTAMP")
_INTEGER = Guard(_fits("BIGINT"), "too large for an integer of 64 bits", "BIGINT")
_WIDE = Guard(
    _fits(_DECIMAL), f"too large for a decimal, which has {_WHOLE_DIGITS} digits before its point", _DECIMAL
)
_PRECISE = Guard(
    _keeps_its_places, f"too large for a decimal, or with more than {_PLACES} decimal places", _DECIMAL
)
FLOAT = Guard(_is_small, "not a number, infinite, or too large for a decimal")


def guard_of(declared: ColumnType, column: PhysicalColumn, is_proven: bool) -> Guard | None:
    """Return the guard of a column's values; None if its type or statistics prove all of them exact.

    `is_proven`: all dates and times are known to lie within the years 1 to 9999 in every zone.
    """
    if column.native == "TIMESTAMP_NS":
        return _MICROSECONDS
    if column.type in _TEMPORAL:
        return None if is_proven else YEARS
    find_guard = _NUMBERS.get((declared, column.type))
    return find_guard(column.native) if find_guard else None


def _of_decimal(native: str) -> Guard | None:
    digits, scale = map(int, re.findall(r"[0-9]+", native))
    if scale > _PLACES:
        return _PRECISE
    return _WIDE if digits - scale > _WHOLE_DIGITS else None


_NUMBERS: Mapping[tuple[ColumnType, PhysicalType], Callable[[str], Guard | None]] = {
    (ColumnType.INTEGER, PhysicalType.INTEGER): lambda native: _INTEGER if native in _HUGE else None,
    (ColumnType.DECIMAL, PhysicalType.INTEGER): lambda native: _WIDE if native in _HUGER else None,
    (ColumnType.DECIMAL, PhysicalType.FLOAT): lambda native: FLOAT,  # noqa: ARG005
    (ColumnType.DECIMAL, PhysicalType.DECIMAL): _of_decimal,
}
"""Declared and physical type → a function from DuckDB's name of the type to the guard."""


def guarded(
    guard: Guard, value: exp.Expr, column: PhysicalColumn, zone: str, sentence: exp.Expr
) -> tuple[exp.Expr, PhysicalColumn]:
    """Return the guarded values and the column that they form."""
    own = exp.cast(value.copy(), guard.result_type) if guard.result_type else value.copy()
    is_exact = exp.or_(value.copy().is_(exp.null()), guard.is_exact(value, column, zone))
    refusal = exp.Anonymous(this="error", expressions=[sentence])
    native = guard.result_type.replace(", ", ",") or column.native
    return exp.Case(ifs=[exp.If(this=is_exact, true=own)], default=refusal), replace(column, native=native)


def refusal(about: str, guard: Guard, file: exp.Expr | None = None) -> exp.Expr:
    """Return the error sentence as SQL. `about` names the column, `file` reads the name of the row's file."""
    text = f"{REFUSED}{about}: a value is {guard.problem}"
    if file is None:
        return exp.Literal.string(text)
    return Joined(expressions=[exp.Literal.string(f"{text}; it is in "), file.copy()])
