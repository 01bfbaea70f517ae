"""Write the statistics of job J's columns from their counts, as its publication has them.

The tools count, add and sort; what is left here are a few thousand values of one column at most. Numbers are
whole billionths and times are microseconds, so that everything is exact.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

NANO = 10**9
BINS = 20
TOP = 10
SAMPLES = 3
FENCED_ROWS = 100
SCOPES = ("all", "train", "eval")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = int | str
Row = dict[str, Any]


class Count(NamedTuple):
    """A value of a column, the number of its rows in all and of eval, and the least original value."""

    value: int
    rows: int
    of_eval: int
    least: int


class Scope(NamedTuple):
    """Figures of all rows, or of the rows of one split."""

    rows: int
    nulls: int
    cardinality: int
    low: int | None = None
    high: int | None = None
    total: int | None = None


class Column(NamedTuple):
    """The figures that a tool computed of one column; `counts` are by value for numbers, by day for times."""

    kind: str
    scopes: Sequence[Scope]
    top: Sequence[tuple[Value, int]] = ()
    samples: Sequence[Value] = ()
    counts: Sequence[Count] = ()
    sensitive: bool = False


def statistics(columns: Mapping[str, Column]) -> Row:
    """Return the statistics of all columns as plain JSON values."""
    whole, *splits = next(iter(columns.values())).scopes
    sizes = {name: scope.rows for name, scope in zip(SCOPES[1:], splits, strict=True)}
    return {
        "row_count": whole.rows,
        "splits": sizes,
        "columns": {name: _described(column) for name, column in columns.items()},
    }


def first_by_md5(texts: Iterable[str]) -> list[str]:
    """Return a sample of texts that is the same in each run."""
    return sorted(texts, key=lambda text: hashlib.md5(text.encode()).hexdigest())[:SAMPLES]


def _described(column: Column) -> Row:
    shown = SHOWN[column.kind]
    whole, *splits = (_aggregates(scope, shown) for scope in column.scopes)
    bins, samples = _histogram(column)
    return {
        "type": "integer" if column.kind == "identifier" else column.kind,
        "sensitive": column.sensitive,
        **whole,
        "median": _median(column),
        "sample_values": [shown(value) for value in sorted([*column.samples, *samples])],
        "top_values": [{"value": shown(value), "rows": rows} for value, rows in column.top],
        "histogram": bins,
        "timeline": _timeline(column),
        "splits": {
            name: {key: value for key, value in split.items() if key != "null_count"}
            for name, split in zip(SCOPES[1:], splits, strict=True)
        },
    }


def _aggregates(scope: Scope, shown: Callable[[Any], Value]) -> Row:
    return {
        "cardinality": scope.cardinality,
        "null_count": scope.nulls,
        "null_percent": 100 * scope.nulls / scope.rows,
        "min": None if scope.low is None else shown(scope.low),
        "max": None if scope.high is None else shown(scope.high),
        "mean": None if scope.total is None else scope.total / NANO / (scope.rows - scope.nulls),
    }


def _histogram(column: Column) -> tuple[list[Row], list[Value]]:
    """Return up to 20 bins, equally wide within the fences, and a sample: the least values of three bins."""
    if not column.counts:
        return [], []
    values, times = [each.value for each in column.counts], column.kind == "timestamp"
    unit, fine = 1 if times else NANO, column.kind == "decimal"
    first, end = (min(values), max(values)) if times else _fenced(column.counts)
    width = _width(end - first, unit, fine=fine)
    edges = [first + width * place for place in range(min(BINS, (max(values) - first) // width + 1) + 1)]
    rows: list[list[int]] = [[0, 0] for _ in edges[1:]]
    least: dict[int, int] = {}
    for each in sorted(column.counts):
        place = bisect_right(edges, each.value, 1, len(edges) - 1) - 1
        rows[place][0] += each.rows
        rows[place][1] += each.of_eval
        least.setdefault(place, each.least)
    edges[0] = min(*values, first)
    edges[-1] = max(values) if fine else max(edges[-1], max(values) + unit)
    shown = _day if times else SHOWN[column.kind]
    bins = [_bin(shown(edges[n]), shown(edges[n + 1]), *rows[n]) for n in range(len(rows))]
    lows = [least[place] for place in sorted(least)]
    return bins, [lows[0], lows[len(lows) // 2], lows[-1]] if len(lows) > SAMPLES else lows


def _width(reach: int, unit: int, *, fine: bool) -> int:
    """Return a bin's width: a twentieth of the reach, rounded, or whole for integers and days."""
    return max((2 * reach + BINS) // (2 * BINS), 1) if fine else -(-(reach + unit) // (BINS * unit)) * unit


def _fenced(counts: Sequence[Count]) -> tuple[int, int]:
    """Return the range of the bins: from the least to the greatest value, within Tukey's outer fences."""
    low, high = min(each.value for each in counts), max(each.value for each in counts)
    rungs: dict[tuple[bool, int, int], tuple[int, int, int]] = {}
    for each in (each for each in counts if each.value):
        digits = str(abs(each.value))
        rung = each.value < 0, len(digits), 5 if digits[0] >= "5" else 2 if digits[0] >= "2" else 1
        begin, end, rows = rungs.get(rung, (each.value, each.value, 0))
        rungs[rung] = min(begin, each.value), max(end, each.value), rows + each.rows
    ladder = sorted(rungs.values())
    every = sum(rows for _, _, rows in ladder)
    if every < FENCED_ROWS:
        return low, high
    upto = list(accumulate(rows for _, _, rows in ladder))
    first = next(begin for (begin, _, _), rows in zip(ladder, upto, strict=True) if 4 * rows >= every)
    third = next(end for (_, end, _), rows in zip(ladder, upto, strict=True) if 4 * rows >= 3 * every)
    far = 3 * max(third - first, abs(first), abs(third))
    return max(low, first - far), min(high, third + far)


def _median(column: Column) -> Value | None:
    """Return the mean of the two middle values."""
    if not column.counts or column.kind == "timestamp":
        return None
    counts = sorted(column.counts)
    upto, every = list(accumulate(each.rows for each in counts)), sum(each.rows for each in counts)
    lower, upper = (counts[bisect_right(upto, place)].value for place in ((every - 1) // 2, every // 2))
    if column.kind == "integer" and (lower + upper) % (2 * NANO) == 0:
        return (lower + upper) // (2 * NANO)
    return _text(Decimal(lower + upper) / (2 * NANO))


def _timeline(column: Column) -> list[Row]:
    """Return the rows by month; job J's window is longer than the 62 days that are shown by day."""
    months: dict[date, list[int]] = {}
    for each in column.counts if column.kind == "timestamp" else ():
        month = (EPOCH.date() + timedelta(days=each.value)).replace(day=1)
        sums = months.setdefault(month, [0, 0])
        sums[0] += each.rows
        sums[1] += each.of_eval
    following = {month: (month + timedelta(days=31)).replace(day=1) for month in months}
    return [_bin(month.isoformat(), following[month].isoformat(), *months[month]) for month in sorted(months)]


def _bin(low: Value, high: Value, rows: int, of_eval: int) -> Row:
    splits = {"train": rows - of_eval, "eval": of_eval}
    return {"low": low, "high": high, "rows": rows, "splits": {name: n for name, n in splits.items() if n}}


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _day(days: int) -> str:
    return (EPOCH.date() + timedelta(days=days)).isoformat()


SHOWN: Mapping[str, Callable[[Any], Value]] = {
    "identifier": int,
    "integer": lambda value: value // NANO,
    "decimal": lambda value: _text(Decimal(value) / NANO),
    "timestamp": lambda value: (EPOCH + timedelta(microseconds=value)).isoformat(),
    "string": lambda value: value,
}
"""How a value of a kind is written. Identifiers are integers that are only counted."""
