"""Histograms, medians and timelines, from the counts of values.

Everything is exact: bins are found by comparing decimals, never by dividing floats, so that no engine, order
or thread count moves a row into the next bin.
"""

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.sql.build import column, number, table, text
from dataset_assets.stats.counting import (
    DECIMAL,
    NUMBERS,
    TIMES,
    Counting,
    answer,
    as_text,
    decimal,
    is_null,
    least,
    most,
    named,
    select,
    union,
)

BINS = 20
LEAST_WIDTH = "0.000000001"
TIMELINE_DAYS = 3660
"""A timeline over more days than this is not made."""


def ctes(counting: Counting) -> dict[str, exp.Query]:
    """The steps from counts to bins, in order."""
    if not {NUMBERS, TIMES} & set(counting.families):
        return {}
    return {
        "points": _points(counting),
        "limits": _limits(counting),
        "binned": _binned(counting),
        "bins": _bins(counting),
        "middle_bins": _middle_bins(),
    }


def answers(counting: Counting) -> list[exp.Query]:
    """The rows that leave: bins and days of each scope, and medians."""
    if not {NUMBERS, TIMES} & set(counting.families):
        return []
    found = [_bin(scope, counter) for scope, counter in counting.scopes.items()]
    if NUMBERS in counting.families:
        found.append(_median(counting))
    if TIMES in counting.families:
        found += [_day(counting, scope, counter) for scope, counter in counting.scopes.items()]
    return found


def _points(counting: Counting) -> exp.Query:
    """What a histogram is drawn over: the numbers, and the days of times; `low` is a value as it was."""
    counters = counting.scopes.values()
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
    """Where each histogram begins and how wide a bin is: whole steps for integers and days.

    Both widths are cast, lest the wider type of the two cut the places off the finer.
    """
    twentieth = exp.cast(text("0.05"), "DECIMAL(3, 2)")
    reach = exp.paren(most("value") - least("value"))
    width = decimal(exp.Ceil(this=exp.paren(reach + number(1)) * twentieth))
    decimals = counting.places(NUMBERS, ColumnType.DECIMAL)
    if decimals:
        smallest = exp.cast(text(LEAST_WIDTH), DECIMAL)
        fine = exp.Greatest(this=decimal(reach * twentieth), expressions=[smallest])
        is_decimal = exp.In(this=column("field"), expressions=list(map(number, decimals)))
        width = exp.Case(ifs=[exp.If(this=is_decimal, true=fine)], default=width)
    ends = [named(least("value"), "low_end"), named(most("value"), "high_end")]
    return select([column("field"), *ends, named(width, "width")], table("points"), by=[column("field")])


def _place(first: int, end: int) -> exp.Expr:
    """The bin among `first` to `end` - 1 that holds a point, by halves."""
    if end - first == 1:
        return number(first)
    middle = (first + end) // 2
    edge = column("low_end", "limits") + column("width", "limits") * number(middle)
    below = exp.If(this=column("value", "points") < edge, true=_place(first, middle))
    return exp.Case(ifs=[below], default=_place(middle, end))


def _binned(counting: Counting) -> exp.Query:
    """Every point with its bin."""
    shown = [column(name, "points") for name in ("field", "value", "low", *counting.scopes.values())]
    same = column("field", "points").eq(column("field", "limits"))
    binned = select([*shown, named(_place(0, BINS), "place")], table("points"))
    return binned.join(table("limits"), on=same, copy=False)


def _bins(counting: Counting) -> exp.Query:
    sums = [named(exp.Sum(this=column(counter)), counter) for counter in counting.scopes.values()]
    group = [column("field"), column("place")]
    return select(
        [*group, named(least("low"), "low"), *sums], table("binned"), by=[each.copy() for each in group]
    )


def _bin(scope: str, counter: str) -> exp.Query:
    shown = answer(
        kind=text("bin"),
        field=column("field"),
        scope=text(scope),
        place=column("place"),
        n=column(counter),
        low=as_text(column("low")),
    )
    return select(shown, table("bins"), column(counter) > number(0))


def _middle_bins() -> exp.Query:
    """The bin in which each column's median lies, so that only its values are ever sorted."""
    order = exp.Order(expressions=[exp.Ordered(this=column("place"), nulls_first=True)])
    upto = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")], order=order)
    every = exp.Window(this=exp.Sum(this=column("n")), partition_by=[column("field")])
    shown = [column("field"), column("place"), column("n"), named(upto, "upto"), named(every, "every")]
    running = select(shown, table("bins")).subquery("running", copy=False)
    before = exp.paren(column("upto") - column("n"))
    shown = [column("field"), column("place"), named(before, "before"), column("every")]
    reached = column("upto") * number(2) >= column("every")
    return select(shown, running, reached, before * number(2) < column("every"))


def _median(counting: Counting) -> exp.Query:
    """The smallest value that at least half of the rows do not pass: PERCENTILE_DISC(0.5)."""
    order = exp.Order(expressions=[exp.Ordered(this=column("value", "binned"), nulls_first=True)])
    inside = exp.Window(
        this=exp.Sum(this=column("n", "binned")), partition_by=[column("field", "binned")], order=order
    )
    upto = named(column("before", "middle_bins") + inside, "upto")
    shown = [column("field", "binned"), column("value", "binned"), upto, column("every", "middle_bins")]
    numbers = exp.In(this=column("field", "binned"), expressions=list(map(number, counting.places(NUMBERS))))
    same = [column(name, "binned").eq(column(name, "middle_bins")) for name in ("field", "place")]
    ranked = select(shown, table("binned"), numbers)
    ranked = ranked.join(table("middle_bins"), on=exp.and_(*same), copy=False).subquery("ranked", copy=False)
    reached = column("upto") * number(2) >= column("every")
    median = answer(kind=text("median"), field=column("field"), low=as_text(least("value")))
    return select(median, ranked, reached, by=[column("field")])


def _day(counting: Counting, scope: str, counter: str) -> exp.Query:
    """Rows by day, where that is not too many."""
    times = exp.In(this=column("field", "points"), expressions=list(map(number, counting.places(TIMES))))
    short = column("high_end", "limits") - column("low_end", "limits") <= number(TIMELINE_DAYS)
    shown = answer(
        kind=text("day"),
        field=column("field", "points"),
        scope=text(scope),
        place=exp.cast(column("value", "points"), "BIGINT"),
        n=column(counter, "points"),
    )
    days = select(shown, table("points"), times, short, column(counter, "points") > number(0))
    same = column("field", "points").eq(column("field", "limits"))
    return days.join(table("limits"), on=same, copy=False)
