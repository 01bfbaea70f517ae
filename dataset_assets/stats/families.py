"""Families of columns: columns of one family are counted in one CTE and have the same kinds of statistics.

They are `numbers`, `times`, `texts`, `identifiers`, and `hidden` for sensitive columns, whose values never
enter a CTE (BR-206).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import big, number
from dataset_assets.stats.expressions import as_text, decimal

_DAY = 86_400_000_000
"""Microseconds in a day."""

Read = Callable[[exp.Expr], exp.Expr]


def _presence(value: exp.Expr) -> exp.Expr:
    """Return 1 for a value and NULL for NULL: the only facts that are read of a sensitive column."""
    return exp.Case(
        ifs=[exp.If(this=exp.Is(this=value, expression=exp.null()), true=exp.null())], default=number(1)
    )


def _day(micros: exp.Expr) -> exp.Expr:
    """Return the days since 1970 of UTC microseconds, also before 1970, where engines round towards zero."""
    within = exp.Mod(this=micros.copy(), expression=big(_DAY))
    rest = exp.Mod(this=exp.paren(within + big(_DAY)), expression=big(_DAY))
    return exp.IntDiv(this=exp.paren(micros - exp.paren(rest)), expression=big(_DAY))


@dataclass(frozen=True, eq=False)
class Family:
    """Columns whose values are counted in one CTE. `read` converts each type to the common type."""

    name: str
    read: Mapping[ColumnType, Read]
    days: Mapping[ColumnType, Read] = field(default_factory=dict)
    """Converts the result of `read` to days since 1970."""
    ordered: bool = False
    summed: bool = False
    listed: bool = True
    sampled: bool = False
    unpivots: bool = True
    """Whether `read` gives distinct values distinct results, so that rows can be grouped by its result."""
    drawn_by: Read = lambda value: exp.MD5(this=value)
    """The sort key of samples: a profile shows the values with the smallest keys."""


NUMBERS = Family(
    "numbers", {ColumnType.INTEGER: decimal, ColumnType.DECIMAL: decimal}, ordered=True, summed=True
)
TIMES = Family(
    "times",
    {
        ColumnType.DATE: lambda value: exp.UnixDate(this=value),
        ColumnType.TIMESTAMP: lambda value: exp.UnixMicros(this=value),
    },
    days={ColumnType.DATE: lambda value: value, ColumnType.TIMESTAMP: _day},
    ordered=True,
)
TEXTS = Family("texts", {ColumnType.STRING: lambda value: value, ColumnType.BOOLEAN: as_text}, sampled=True)
IDENTIFIERS = Family(
    "identifiers",
    {ColumnType.INTEGER: lambda value: value},
    ordered=True,
    sampled=True,
    drawn_by=lambda value: value,
)
HIDDEN = Family("hidden", dict.fromkeys(ColumnType, _presence), listed=False, unpivots=False)
FAMILIES = (NUMBERS, TIMES, TEXTS, IDENTIFIERS, HIDDEN)


def family_of(each: PublishedColumn) -> Family:
    """Return the family of a column. Integers that identify things are counted and listed, not measured."""
    if each.sensitive:
        return HIDDEN
    if each.identifies and each.type in IDENTIFIERS.read:
        return IDENTIFIERS
    return next(family for family in (NUMBERS, TIMES, TEXTS) if each.type in family.read)
