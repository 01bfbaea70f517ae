"""The figure of a publication's statistics. Importing this module imports Matplotlib."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from dataset_assets.stats.plots import COLOURS
from dataset_assets.stats.statistics import Bin, ColumnStatistics, ValueCount

_ACROSS = 3
_PLAIN = "#8d99a6"
"""The colour of rows of all splits together."""
_LONGEST = 22
"""Characters that are shown of a value."""
_TICKS = 3
_FEW = 31
"""Bars with gaps between them."""


class StatisticsFigure(Figure):
    """A chart for each column, which a notebook shows as an image."""

    def __init__(
        self,
        title: str,
        charts: Mapping[str, ColumnStatistics],
        splits: Sequence[str],
        left_out: Sequence[str] = (),
    ) -> None:
        down = max(ceil(len(charts) / _ACROSS), 1)
        super().__init__(figsize=(4 * _ACROSS, 2.3 * down + 0.9), layout="constrained")
        self.suptitle(title, x=0.01, ha="left")
        axes = [*self.subplots(down, _ACROSS, squeeze=False).flat]
        for each in axes:
            each.set_axis_off()
        for (name, column), each in zip(charts.items(), axes, strict=False):
            each.set_axis_on()
            _draw(each, name, column)
        self._describe(splits, left_out)

    def _repr_png_(self) -> bytes:
        """Return the image for a notebook."""
        image = BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()

    def _describe(self, splits: Sequence[str], left_out: Sequence[str]) -> None:
        """Add the colours of the splits, and which columns are not plotted because they are sensitive."""
        named = [Patch(color=colour, label=name) for name, colour in COLOURS.items() if name in splits]
        if named:
            self.legend(handles=named, loc="outside upper right", ncols=len(named), frameon=False)
        if left_out:
            self.supxlabel(f"not plotted, as sensitive: {', '.join(left_out)}", x=0.01, ha="left", fontsize=9)


def _draw(axes: Axes, name: str, column: ColumnStatistics) -> None:
    about = f"{column.cardinality:,} distinct, {column.null_percent:.1f} % NULL"
    axes.set_title(f"{_short(name)}: {about}", fontsize=9, loc="left", parse_math=False)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    bins = column.timeline or column.histogram
    if bins:
        _draw_bins(axes, bins)
    else:
        _draw_values(axes, column.top_values)


def _draw_bins(axes: Axes, bins: Sequence[Bin]) -> None:
    """Draw bars of one width: the outer bins of skewed numbers reach as far as their outliers."""
    places = range(len(bins))
    width = 0.9 if len(bins) <= _FEW else 1
    feet = [0] * len(bins)
    for name, colour in COLOURS.items():
        rows = [each.splits.get(name, 0) for each in bins]
        axes.bar(places, rows, width=width, bottom=feet, align="edge", color=colour)
        feet = [foot + each for foot, each in zip(feet, rows, strict=True)]
    rest = [each.rows - foot for each, foot in zip(bins, feet, strict=True)]
    axes.bar(places, rest, width=width, bottom=feet, align="edge", color=_PLAIN)
    edges = [*(str(each.low) for each in bins), str(bins[-1].high)]
    marked = sorted({round(place * len(bins) / _TICKS) for place in range(_TICKS + 1)})
    axes.set_xticks(marked, [_short(edges[place]) for place in marked])
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_values(axes: Axes, values: Sequence[ValueCount]) -> None:
    """Draw a bar for each of the most frequent values, the most frequent on top."""
    places = range(len(values))
    axes.barh(places, [each.rows for each in values], color=_PLAIN)
    axes.set_yticks(places)
    axes.set_yticklabels([_short(str(each.value)) for each in values], parse_math=False)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _short(text: str) -> str:
    """Return a text on one line, with an ellipsis if it is long."""
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
