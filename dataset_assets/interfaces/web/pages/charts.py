"""Lay out small charts of columns, which templates draw as SVG with the colours of the style sheet."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise

from dataset_assets.model import Model
from dataset_assets.stats.statistics import Bin, ColumnStatistics, Value

WIDTH, HEIGHT = 320, 64
"""Size of the drawn area in units of the SVG; the labels of the axis are text beside it."""
SPLITS = ("train", "eval", "test")
_THINNEST = 1.0
"""Least height of a bar, so that rare values are visible beside frequent ones."""
_FEWEST = 3
"""Bins below which the outer ones are no collections of outliers."""


class Bar(Model):
    """A bar of a chart: its box, the class that colours it, and what a pointer over it shows."""

    x: float
    y: float
    width: float
    height: float
    css: str
    title: str


class Chart(Model):
    """A histogram: bars, the values at both ends of the axis, and a sentence for those who cannot see it.

    `outline` are the points of a second histogram that is drawn over the bars as a line.
    """

    bars: tuple[Bar, ...]
    low: str
    high: str
    summary: str
    outline: str = ""


class Share(Model):
    """A part of a whole, as a bar from `start` on; `start` and `percent` are from 0 to 100."""

    name: str
    rows: int
    percent: float
    start: float = 0.0


def histogram(column: ColumnStatistics, name: str) -> Chart | None:
    """Return the timeline or histogram of a column with its splits stacked; None if it has neither."""
    bins = column.timeline or column.histogram
    if not bins:
        return None
    return Chart(
        bars=tuple(_stacked(bins)),
        low=_end(bins[0].low),
        high=_end(bins[-1].high),
        summary=_summary(name, bins),
    )


def top_values(column: ColumnStatistics) -> tuple[Share, ...]:
    """Return the most frequent values with their rows, each as a percentage of the most frequent one."""
    most = max((each.rows for each in column.top_values), default=0)
    return tuple(
        Share(name=str(each.value), rows=each.rows, percent=100 * each.rows / most)
        for each in column.top_values
    )


def split_shares(rows_by_split: Mapping[str, int]) -> tuple[Share, ...]:
    """Return the parts of a split one after another, with their percentages of all rows."""
    total = sum(rows_by_split.values())
    found: list[Share] = []
    start = 0.0
    for name in (*SPLITS, *(each for each in rows_by_split if each not in SPLITS)):
        if total and name in rows_by_split:
            percent = 100 * rows_by_split[name] / total
            found.append(Share(name=name, rows=rows_by_split[name], percent=percent, start=start))
            start += percent
    return tuple(found)


def overlay(before: ColumnStatistics, after: ColumnStatistics, name: str) -> Chart | None:
    """Return the histogram of `after` with that of `before` as a line over it, on one axis.

    Heights are shares of the rows of each, so that publications of different sizes can be compared. None if
    one of them has no histogram.
    """
    every = [each.timeline or each.histogram for each in (before, after)]
    if not all(every):
        return None
    boxes = [list(_boxes(bins)) for bins in every]
    low, high = min(box[0] for each in boxes for box in each), max(box[1] for each in boxes for box in each)
    tallest = max(box[2] for each in boxes for box in each)
    if high <= low or tallest <= 0:
        return None

    def across(value: float) -> float:
        return WIDTH * (value - low) / (high - low)

    def above(density: float) -> float:
        return HEIGHT * (1 - density / tallest)

    bars = (
        _filled(across(start), across(end), above(density), _title(each))
        for (start, end, density), each in zip(boxes[1], every[1], strict=True)
    )
    points = [(across(boxes[0][0][0]), float(HEIGHT))]
    for start, end, density in boxes[0]:
        points += [(across(start), above(density)), (across(end), above(density))]
    points.append((points[-1][0], float(HEIGHT)))
    return Chart(
        bars=tuple(bars),
        low=_end(min((each[0].low for each in every), key=_number)),
        high=_end(max((each[-1].high for each in every), key=_number)),
        summary=f"{name} in both publications",
        outline=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
    )


def _filled(left: float, right: float, top: float, title: str) -> Bar:
    width = max(right - left - 0.5, 0.5)
    return Bar(
        x=round(left, 1), y=round(top, 1), width=round(width, 1), height=round(HEIGHT - top, 1),
        css="fill-after", title=title,
    )  # fmt: skip


def _stacked(bins: Sequence[Bin]) -> Iterator[Bar]:
    tallest = max(1, *(each.rows for each in bins))
    step, scale = WIDTH / len(bins), HEIGHT - len(SPLITS) * _THINNEST
    for place, each in enumerate(bins):
        foot = float(HEIGHT)
        for css, rows in _layers(each):
            height = max(scale * rows / tallest, _THINNEST)
            foot -= height
            yield Bar(
                x=round(place * step, 1), y=round(foot, 1), width=round(max(step - 1, 0.5), 1),
                height=round(height, 1), css=css, title=_title(each),
            )  # fmt: skip


def _layers(each: Bin) -> list[tuple[str, int]]:
    if not each.splits:
        return [("fill-all", each.rows)] if each.rows else []
    return [(f"fill-{name}", each.splits[name]) for name in SPLITS if each.splits.get(name)]


def _title(each: Bin) -> str:
    parts = ", ".join(f"{name} {rows:,}" for name, rows in each.splits.items())
    return f"{_end(each.low)} to {_end(each.high)}: {each.rows:,} rows" + (f" ({parts})" if parts else "")


def _summary(name: str, bins: Sequence[Bin]) -> str:
    most = max(bins, key=lambda each: each.rows)
    return f"{name}: most rows are from {_end(most.low)} to {_end(most.high)}"


def _end(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _boxes(bins: Sequence[Bin]) -> Iterator[tuple[float, float, float]]:
    """Yield start, end and density of each bin; outer bins of outliers are as wide as others."""
    edges = [_number(bins[0].low), *(_number(each.high) for each in bins)]
    if len(bins) >= _FEWEST:
        width = edges[2] - edges[1]
        edges[0], edges[-1] = edges[1] - width, edges[-2] + width
    total = sum(each.rows for each in bins) or 1
    for (start, end), each in zip(pairwise(edges), bins, strict=True):
        yield start, end, each.rows / total / ((end - start) or 1)


def _number(value: Value) -> float:
    """Return a position on the axis: a number as it is, a date as its ordinal."""
    try:
        return float(value)
    except ValueError:
        day = f"{value}-01" if len(str(value)) == len("2017-01") else str(value)[:10]
        return float(date.fromisoformat(day).toordinal())
