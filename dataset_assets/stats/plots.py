"""Draw columns as small SVG charts, and embed them in Markdown for Dagster."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

from dataset_assets.stats.statistics import Bin, ColumnStatistics, ValueCount

WIDTH, HEIGHT = 320, 60
"""Width and height of a chart in pixels."""
COLOURS = {"train": "#4f7cac", "eval": "#e08e45", "test": "#7b9e55"}
_PLAIN = "#4f7cac"
_THINNEST = 0.7
"""Minimum height of a bar in pixels, so that rare values are visible beside frequent ones."""
_LABELS = 12
_LINE, _VALUES, _SIGNS = 13, 130, 22
"""Layout of the chart of frequent values.

Line height and left end of the bars in pixels, and the number of characters that are shown of a value.
"""


def distribution_svg(column: ColumnStatistics) -> str:
    """Draw the histogram of a column, else its most frequent values; empty text if it has neither."""
    return histogram_svg(column) or top_values_svg(column)


def top_values_svg(column: ColumnStatistics) -> str:
    """Draw a bar for each of the most frequent values, with its number of rows."""
    if not column.top_values:
        return ""
    most = max(each.rows for each in column.top_values)
    lines = "".join(_line(place, each, most) for place, each in enumerate(column.top_values))
    return _svg(_LINE * len(column.top_values), lines)


def legend_svg(splits: Iterable[str]) -> str:
    """Draw the legend of the colours of splits."""
    shown = [name for name in COLOURS if name in set(splits)]
    return _svg(
        _LINE,
        "".join(
            f'<rect x="{60 * place}" y="2" width="9" height="9" fill="{COLOURS[name]}"/>'
            f'<text x="{60 * place + 13}" y="10">{name}</text>'
            for place, name in enumerate(shown)
        ),
    )


def _line(place: int, each: ValueCount, most: int) -> str:
    text, foot = str(each.value), place * _LINE + 10
    shown = text if len(text) <= _SIGNS else f"{text[: _SIGNS - 1]}…"
    length = (WIDTH - _VALUES - 50) * each.rows / most
    return (
        f'<text x="{_VALUES - 6}" y="{foot}" text-anchor="end">{escape(shown)}</text>'
        f'<rect x="{_VALUES}" y="{foot - 8}" width="{max(length, 1):.1f}" height="9" fill="{_PLAIN}"/>'
        f'<text x="{_VALUES + length + 4:.1f}" y="{foot}">{each.rows:,}</text>'
    )


def _svg(height: int, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="9" fill="#666">{drawn}</svg>'
    )


def histogram_svg(column: ColumnStatistics) -> str:
    """Draw a column's timeline or histogram, with splits stacked in their colours.

    The result is empty text if the column has none, as a sensitive column or one without rows.
    """
    bins = column.timeline or column.histogram
    if not bins:
        return ""
    return _svg(HEIGHT, f"{''.join(_bars(bins))}{_ends(bins)}")


def _bars(bins: Sequence[Bin]) -> list[str]:
    tallest = max(each.rows for each in bins)
    step, room = WIDTH / len(bins), HEIGHT - _LABELS
    scale = room - len(COLOURS) * _THINNEST
    drawn = []
    for place, each in enumerate(bins):
        foot = float(room)
        for colour, rows in _layers(each):
            height = max(scale * rows / tallest, _THINNEST)
            foot -= height
            drawn.append(
                f'<rect x="{place * step:.1f}" y="{foot:.1f}" width="{max(step - 1, 0.5):.1f}" '
                f'height="{height:.1f}" fill="{colour}"><title>{_label(each)}</title></rect>'
            )
    return drawn


def _layers(each: Bin) -> list[tuple[str, int]]:
    if not each.splits:
        return [(_PLAIN, each.rows)] if each.rows else []
    return [(colour, each.splits[name]) for name, colour in COLOURS.items() if each.splits.get(name)]


def _label(each: Bin) -> str:
    return escape(f"{each.low} to {each.high}: {each.rows}")


def _ends(bins: Sequence[Bin]) -> str:
    first, last = escape(str(bins[0].low)), escape(str(bins[-1].high))
    return (
        f'<text x="0" y="{HEIGHT - 2}">{first}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 2}" text-anchor="end">{last}</text>'
    )


def markdown_image(svg: str, alt: str) -> str:
    """Return Markdown with the image embedded. `alt` is escaped for Markdown and HTML."""
    escaped = "".join(f"\\{sign}" if sign in "\\[]()!`*_" else sign for sign in " ".join(alt.split()))
    data = base64.b64encode(svg.encode()).decode()
    return f"![{escape(escaped)}](data:image/svg+xml;base64,{data})"
