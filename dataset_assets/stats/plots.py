"""Histograms as small pictures: SVG text, and the Markdown that shows it in Dagster (DESIGN section 10)."""

import base64
from collections.abc import Sequence
from html import escape

from dataset_assets.stats.statistics import Bin, ColumnStatistics

WIDTH, HEIGHT = 240, 60
"""Pixels."""
COLOURS = {"train": "#4f7cac", "eval": "#e08e45", "test": "#7b9e55"}
_PLAIN = "#4f7cac"
_LABELS = 12


def histogram_svg(column: ColumnStatistics) -> str:
    """A column's histogram, splits stacked in their colours; times by day or month where that is known.

    Empty text where there is nothing to draw: no histogram, no rows, or a sensitive column.
    """
    bins = column.timeline or column.histogram
    if not bins:
        return ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="9" fill="#666">'
        f"{''.join(_bars(bins))}{_ends(bins)}</svg>"
    )


def _bars(bins: Sequence[Bin]) -> list[str]:
    tallest = max(each.rows for each in bins)
    step, room = WIDTH / len(bins), HEIGHT - _LABELS
    drawn = []
    for place, each in enumerate(bins):
        foot = float(room)
        for colour, rows in _layers(each):
            height = room * rows / tallest
            foot -= height
            drawn.append(
                f'<rect x="{place * step:.1f}" y="{foot:.1f}" width="{max(step - 1, 0.5):.1f}" '
                f'height="{height:.1f}" fill="{colour}"><title>{_told(each)}</title></rect>'
            )
    return drawn


def _layers(each: Bin) -> list[tuple[str, int]]:
    if not each.splits:
        return [(_PLAIN, each.rows)] if each.rows else []
    return [(colour, each.splits[name]) for name, colour in COLOURS.items() if each.splits.get(name)]


def _told(each: Bin) -> str:
    return escape(f"{each.low} to {each.high}: {each.rows}")


def _ends(bins: Sequence[Bin]) -> str:
    first, last = escape(str(bins[0].low)), escape(str(bins[-1].high))
    return (
        f'<text x="0" y="{HEIGHT - 2}">{first}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 2}" text-anchor="end">{last}</text>'
    )


def markdown_image(svg: str, alt: str) -> str:
    """A picture that needs no file beside it. `alt` is made harmless to Markdown and HTML."""
    safe = "".join(f"\\{sign}" if sign in "\\[]()!`*_" else sign for sign in " ".join(alt.split()))
    data = base64.b64encode(svg.encode()).decode()
    return f"![{escape(safe)}](data:image/svg+xml;base64,{data})"
