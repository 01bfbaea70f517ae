"""Compute the range outside of which skewed numbers go into the first or last bin (Tukey's fences).

Values outside of the fences are in the first and the last bin, which are then wider. A fence is
three spreads away from the quartiles, as Tukey's outer fence is. Zeros are left out of the quartiles, because
money is often mostly zero. The spread is at least as large as the quartiles themselves: where most values
are the same, the others are seen, and values that are large but close together are never cut off.

Quartiles are found on a ladder of magnitudes (1, 2, 5, 10, 20 …), not by sorting all values. A value's rung
follows from its digits: how many there are, and the first.
"""

from sqlglot import exp

from dataset_assets.sql.build import column, number, table, text
from dataset_assets.sql.nodes import DecimalText
from dataset_assets.stats.counting import Counting
from dataset_assets.stats.expressions import decimal, least, most, named, select
from dataset_assets.stats.families import NUMBERS

LEAST_ROWS = 100
"""Minimum number of rows without zeros and NULLs for fences; below, all bins are equally wide."""
SPREADS = 3
LARGEST = "1000000000000000000000000000"
"""Quartiles beyond this have no fence, because it would not fit into NUMERIC."""


def ctes(counting: Counting) -> dict[str, exp.Query]:
    """Return the CTEs that compute the quartiles of each column of numbers."""
    return {"rungs": _rungs(counting), "quartiles": _quartiles()}


def _rungs(counting: Counting) -> exp.Query:
    """Count the rows of each magnitude and sign, with their least and greatest value, without zeros."""
    written = exp.Replace(
        this=DecimalText(this=exp.Abs(this=column("value"))), expression=text("."), replacement=text("")
    )
    digits = exp.Trim(this=written, position="LEADING", expression=text("0"))
    numbers = exp.In(this=column("field"), expressions=list(map(number, counting.places(NUMBERS))))
    is_negative = exp.paren(column("value") < number(0))
    shown = [
        column("field"),
        column("value"),
        column("n"),
        named(is_negative, "negative"),
        named(digits, "digits"),
    ]
    nonzero = select(shown, table("points"), numbers, column("value").neq(number(0)))
    ends = [named(least("value"), "low"), named(most("value"), "high")]
    rows = named(exp.Sum(this=column("n")), "n")
    by = [column("field"), column("negative"), exp.Length(this=column("digits")), _rung()]
    return select([column("field"), *ends, rows], nonzero.subquery("laddered", copy=False), by=by)


def _rung() -> exp.Expr:
    """Return the greatest of 1, 2 and 5 that is not above the first digit."""
    reached = [exp.If(this=column("digits") >= text(digit), true=number(digit)) for digit in ("5", "2")]
    return exp.Case(ifs=reached, default=number(1))


def _quartiles() -> exp.Query:
    """Return the outer ends of the rungs that hold the first and the third quartile."""
    order = exp.Order(expressions=[exp.Ordered(this=column("low"), nulls_first=True)])
    upto = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")], order=order)
    every = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")])
    shown = [column("field"), column("low"), column("high"), named(upto, "upto"), named(every, "every")]
    running = select(shown, table("rungs")).subquery("running", copy=False)
    reached = column("upto") * number(4)
    first = exp.Case(ifs=[exp.If(this=reached >= column("every"), true=column("low"))])
    third = exp.Case(ifs=[exp.If(this=reached.copy() >= column("every") * number(3), true=column("high"))])
    found = [named(exp.Min(this=first), "first"), named(exp.Min(this=third), "third")]
    return select([column("field"), *found, named(most("every"), "every")], running, by=[column("field")])


def value_ranges() -> exp.Query:
    """Return each column's least and greatest value."""
    ends = [named(least("value"), "low_end"), named(most("value"), "high_end")]
    return select([column("field"), *ends], table("points"), by=[column("field")])


def clipped() -> exp.Query:
    """Return the range of each column's bins: from its least to its greatest value, within the fences."""
    first, third = column("first", "quartiles"), column("third", "quartiles")
    sizes = [exp.Abs(this=first.copy()), exp.Abs(this=third.copy())]
    spread = exp.Greatest(this=exp.paren(third - first), expressions=sizes)
    small = exp.Greatest(this=sizes[0].copy(), expressions=[sizes[1].copy()]) < decimal(text(LARGEST))
    enough = column("every", "quartiles") >= number(LEAST_ROWS)
    far = exp.paren(spread * number(SPREADS))
    low_fence = _if(exp.and_(small, enough, copy=False), first.copy() - far)
    high_fence = _if(exp.and_(small.copy(), enough.copy(), copy=False), third.copy() + far.copy())
    low = exp.Greatest(this=column("low_end", "whole"), expressions=[_or(low_fence, "low_end")])
    high = exp.Least(this=column("high_end", "whole"), expressions=[_or(high_fence, "high_end")])
    shown = [column("field", "whole"), named(decimal(low), "low_end"), named(decimal(high), "high_end")]
    found = select(shown, value_ranges().subquery("whole", copy=False))
    same = column("field", "whole").eq(column("field", "quartiles"))
    return found.join(table("quartiles"), on=same, join_type="left", copy=False)


def _if(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def _or(fence: exp.Expr, end: str) -> exp.Expr:
    """Return the fence, or the column's own end if it has none."""
    return exp.Coalesce(this=fence, expressions=[column(end, "whole")])
