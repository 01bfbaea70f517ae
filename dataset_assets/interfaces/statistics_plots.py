"""Plot the recorded statistics of a publication with `plot_statistics`. No row is read.

from dataset_assets.interfaces.statistics_plots import plot_statistics

plot_statistics("grocery_recommender", partition="2017-12")
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.interfaces.optional_packages import optional_module
from dataset_assets.interfaces.reading import open_rows
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.stats.statistics import ColumnStatistics, Statistics
from dataset_assets.text.wording import listed, shown

if TYPE_CHECKING:
    from dataset_assets.interfaces.statistics_figure import StatisticsFigure


def plot_statistics(
    name: str,
    *,
    columns: Sequence[str] | None = None,
    partition: str | None = None,
    version: int | None = None,
    target: str | None = None,
    definitions: Path | None = None,
) -> "StatisticsFigure":
    """Return a figure of Matplotlib with a chart for each column of one publication.

    A chart is the histogram or the timeline of the column, else its most frequent values; the splits are
    stacked in their colours. Without `partition` it is the last Period. A notebook shows the figure, and
    `savefig` writes it. Sensitive columns are never plotted (BR-206).

    Raises UnsupportedError if Matplotlib is not installed, ResolveError for a column that does not exist, is
    sensitive or has no chart, and whatever `read_arrow` raises.
    """
    optional_module("matplotlib", "Matplotlib", "`matplotlib`, the extra `dataset-assets[notebook]`,")
    from dataset_assets.interfaces.statistics_figure import StatisticsFigure  # noqa: PLC0415 - imports Matplotlib

    with open_rows(Workspace.of(target, definitions), RowSelection(name, partition, version)) as rows:
        publication, sensitive = rows.publications[-1], rows.sensitive | rows.sensitive_besides
    statistics = Statistics.model_validate(publication.record["statistics"])
    hidden = {*sensitive, *(name for name, each in statistics.columns.items() if each.sensitive)}
    raise_all(ResolveError, _faults(columns or (), statistics, hidden))
    charts = {
        name: statistics.columns[name]
        for name in columns or statistics.columns
        if name not in hidden and has_chart(statistics.columns[name])
    }
    of = f" of {publication.period}" if publication.period else ""
    rows_text = ", ".join(f"{split} {count:,}" for split, count in statistics.splits.items())
    title = f"{publication.dataset}{of}: {statistics.row_count:,} rows" + (
        f" ({rows_text})" if rows_text else ""
    )
    left_out = [] if columns else sorted(hidden.intersection(statistics.columns))
    return StatisticsFigure(title, charts, [*statistics.splits], left_out)


def has_chart(column: ColumnStatistics) -> bool:
    """Return whether something of a column's values can be plotted."""
    return bool(column.timeline or column.histogram or column.top_values)


def _faults(columns: Sequence[str], statistics: Statistics, hidden: set[str]) -> Iterator[Fault]:
    charts = [name for name, each in statistics.columns.items() if name not in hidden and has_chart(each)]
    for name in columns:
        if name not in statistics.columns:
            yield Fault(
                f"there are no statistics of {shown(name)}", hint=f"plotted are: {listed(charts, 12)}"
            )
        elif name in hidden:
            yield Fault(f"{name} is sensitive, and is not plotted", hint="leave it out")
        elif name not in charts:
            yield Fault(f"{name} has no values to plot", hint="leave it out")
