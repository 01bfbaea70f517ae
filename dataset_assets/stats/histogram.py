"""Compute histograms, medians and timelines from the counts of values.

All results are exact: bins are found by comparing decimals, not by dividing floats, so that every engine
assigns each row to the same bin.
"""

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.sql.build import column, number, table, text
from dataset_assets.stats import fences
from dataset_assets.stats.counting import Counting, answer
from dataset_assets.stats.expressions import (
    DECIMAL,
    as_text,
    decimal,
    is_null,
    least,
    named,
    select,
    union,
)
from dataset_assets.stats.families import NUMBERS, TIMES

BINS = 20
LEAST_WIDTH = "0.000000001"
TIMELINE_DAYS = 3660
"""The greatest number of days that a timeline covers; columns over more days have none."""
DAYS_BY_DAY = 62
"""A timeline over at least this many days is by month."""


def ctes(counting: Counting) -> dict[str, exp.Query]:
    """Return the CTEs from counts to bins, in order."""
    if not {NUMBERS, TIMES} & set(counting.families):
        return {}
    has_numbers = NUMBERS in counting.families
    return {
        "points": _points(counting),
        **(fences.ctes(counting) if has_numbers else {}),
        "limits": _limits(counting),
        "binned": _binned(counting),
        "bins": _bins(counting),
        **({"middle_bins": _middle_bins()} if has_numbers else {}),
    }


def answers(counting: Counting) -> list[exp.Query]:
    """Return the queries of the answers: limits, bins, medians, and days or months."""
    if not {NUMBERS, TIMES} & set(counting.families):
        return []
    found = [_limit(), _bin(counting)]
    if NUMBERS in counting.families:
        found.append(_median(counting))
    if TIMES in counting.families:
        found.append(_timeline(counting))
    return found


def _points(counting: Counting) -> exp.Query:
    """Return the points of histograms: numbers and the days of times; `low` is the original value."""
    counters = counting.counters
    queries: list[exp.Query] = []
    if NUMBERS in counting.families:
        shown = [column("field"), column("value"), named(column("value"), "low"), *map(column, counters)]
        queries.append(select(shown, table(NUMBERS.name), exp.Not(this=is_null())))
    if TIMES in counting.families:
        value, low = named(decimal(column("day")), "value"), named(decimal(least("value")), "low")
        sums = [named(exp.Sum(this=column(counter)), counter) for counter in counters]
        days = [column("field"), column("day")]
        shown = [column("field"), value, low, *sums]
        queries.append(select(shown, table(TIMES.name), exp.Not(this=is_null()), by=days))
    return union(queries)


def _limits(counting: Counting) -> exp.Query:
    """Return the begin and end of each histogram and the width of its bins, whole for integers and days.

    Both widths are cast to one type, so that no decimal places are lost.
    """
    twentieth = exp.cast(text("0.05"), "DECIMAL(3, 2)")
    reach = exp.paren(column("high_end") - column("low_end"))
    width = decimal(exp.Ceil(this=exp.paren(reach + number(1)) * twentieth))
    decimals = counting.places(NUMBERS, ColumnType.DECIMAL)
    if decimals:
        smallest = exp.cast(text(LEAST_WIDTH), DECIMAL)
        fine = exp.Greatest(this=decimal(reach * twentieth), expressions=[smallest])
        is_decimal = exp.In(this=column("field"), expressions=list(map(number, decimals)))
        width = exp.Case(ifs=[exp.If(this=is_decimal, true=fine)], default=width)
    shown = [column("field"), column("low_end"), column("high_end"), named(width, "width")]
    ranges = fences.clipped() if NUMBERS in counting.families else fences.value_ranges()
    return select(shown, ranges.subquery("ends", copy=False))


def _limit() -> exp.Query:
    """Return the answers with the range that each histogram divides evenly."""
    low, high = as_text(column("low_end")), as_text(column("high_end"))
    shown = answer(kind=text("limit"), field=column("field"), low=low, high=high)
    return select(shown, table("limits"))


def _place(first: int, end: int) -> exp.Expr:
    """Find the bin of a point among `first` to `end` - 1 by binary search."""
    if end - first == 1:
        return number(first)
    middle = (first + end) // 2
    edge = column("low_end", "limits") + column("width", "limits") * number(middle)
    below = exp.If(this=column("value", "points") < edge, true=_place(first, middle))
    return exp.Case(ifs=[below], default=_place(middle, end))


def _binned(counting: Counting) -> exp.Query:
    """Assign each point to its bin."""
    shown = [column(name, "points") for name in ("field", "value", "low", *counting.counters)]
    same = column("field", "points").eq(column("field", "limits"))
    binned = select([*shown, named(_place(0, BINS), "place")], table("points"))
    return binned.join(table("limits"), on=same, copy=False)


def _bins(counting: Counting) -> exp.Query:
    sums = [named(exp.Sum(this=column(counter)), counter) for counter in counting.counters]
    group = [column("field"), column("place")]
    return select(
        [*group, named(least("low"), "low"), *sums], table("binned"), by=[each.copy() for each in group]
    )


def _bin(counting: Counting) -> exp.Query:
    shown = answer(
        kind=text("bin"),
        field=column("field"),
        place=column("place"),
        low=as_text(column("low")),
        **{name: column(name) for name in counting.counters},
    )
    return select(shown, table("bins"))


def _middle_bins() -> exp.Query:
    """Find the bin that holds each column's median, so that only the values of that bin are sorted.

    `next_low` is the least value of the next bin: the second of the two middle values if the first is the
    last value of its bin.
    """
    order = exp.Order(expressions=[exp.Ordered(this=column("place"), nulls_first=True)])
    upto = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")], order=order)
    every = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")])
    later = exp.Window(this=exp.Lead(this=column("low")), partition_by=[column("field")], order=order.copy())
    shown = [column("field"), column("place"), column("n"), named(later, "next_low")]
    shown += [named(upto, "upto"), named(every, "every")]
    running = select(shown, table("bins")).subquery("running", copy=False)
    before = exp.paren(column("upto") - column("n"))
    shown = [column("field"), column("place"), column("next_low"), named(before, "before"), column("every")]
    reached = column("upto") * number(2) >= column("every")
    return select(shown, running, reached, before * number(2) < column("every"))


def _median(counting: Counting) -> exp.Query:
    """Return the two middle values, equal for an odd number of rows; PERCENTILE_CONT(0.5) is their mean."""
    order = exp.Order(expressions=[exp.Ordered(this=column("value", "binned"), nulls_first=True)])
    inside = exp.Window(
        this=exp.Sum(this=column("n", "binned")), partition_by=[column("field", "binned")], order=order
    )
    upto = named(column("before", "middle_bins") + inside, "upto")
    shown = [column("field", "binned"), column("value", "binned"), upto]
    shown += [column(name, "middle_bins") for name in ("every", "next_low")]
    numbers = exp.In(this=column("field", "binned"), expressions=list(map(number, counting.places(NUMBERS))))
    same = [column(name, "binned").eq(column(name, "middle_bins")) for name in ("field", "place")]
    ranked = select(shown, table("binned"), numbers)
    ranked = ranked.join(table("middle_bins"), on=exp.and_(*same), copy=False).subquery("ranked", copy=False)
    reached = column("upto") * number(2) >= column("every")
    passed = exp.If(this=column("upto") * number(2) > column("every"), true=column("value"))
    upper = exp.Coalesce(
        this=exp.Min(this=exp.Case(ifs=[passed])), expressions=[exp.Min(this=column("next_low"))]
    )
    ends = {"low": as_text(least("value")), "high": as_text(upper)}
    median = answer(kind=text("median"), field=column("field"), **ends)
    return select(median, ranked, reached, by=[column("field")])


def _timeline(counting: Counting) -> exp.Query:
    """Count rows by day if the days are few, by month if they are many, not at all if they are too many."""
    counters = counting.counters
    times = exp.In(this=column("field", "points"), expressions=list(map(number, counting.places(TIMES))))
    reach = column("high_end", "limits") - column("low_end", "limits")
    day = exp.cast(column("value", "points"), "BIGINT")
    month = exp.cast(exp.DateTrunc(this=exp.DateFromUnixDate(this=day.copy()), unit=text("MONTH")), "DATE")
    by_day = exp.If(this=reach < number(DAYS_BY_DAY), true=day)
    place = exp.Case(ifs=[by_day], default=exp.UnixDate(this=month))
    shown = [column("field", "points"), named(place, "place")]
    shown += [column(counter, "points") for counter in counters]
    days = select(shown, table("points"), times, reach.copy() <= number(TIMELINE_DAYS))
    same = column("field", "points").eq(column("field", "limits"))
    days = days.join(table("limits"), on=same, copy=False)
    sums = {counter: exp.Sum(this=column(counter)) for counter in counters}
    counted = answer(kind=text("day"), field=column("field"), place=column("place"), **sums)
    return select(counted, days.subquery("days", copy=False), by=[column("field"), column("place")])
