"""Print how a publication is split: parts and folds beside their shares, and what differs between them."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType

from dataset_assets.interfaces.cli.console import Grid, cell
from dataset_assets.stats.statistics import PartSize, Statistics

_NUMBERS = ("rows", "% of rows", "units", "% of units", "asked %", "deviation")


def split_tables(statistics: Statistics) -> Iterator[RenderableType]:
    """Yield the tables of parts, folds and categories, as far as there are any, and a line on duplicates."""
    if statistics.asks_for_shares:
        yield _sizes("part", "Parts of the split", statistics.parts)
    if statistics.folds:
        yield _sizes("fold", "Folds", statistics.folds_by_name)
    if statistics.deviating:
        yield _deviations(statistics)
    if words := duplicate_words(statistics):
        yield cell(words)


def duplicate_words(statistics: Statistics) -> str:
    """Return a sentence with the number of duplicate rows; empty if they were not counted."""
    found = statistics.duplicates
    if found is None:
        return ""
    words = f"{found.rows:,} rows equal an earlier one"
    if found.across_splits is None:
        return words
    return f"{words}, {found.across_splits:,} rows are in several parts of the split"


def deviation_words(parts: Mapping[str, PartSize]) -> str:
    """Return how far the rows of each part are from its share; empty if no share is asked for."""
    found = [f"{name} {each.deviation:+.1f}" for name, each in parts.items() if each.deviation is not None]
    return f"{', '.join(found)} points from the share asked for" if found else ""


def _sizes(what: str, title: str, sizes: Mapping[str, PartSize]) -> Grid:
    table = Grid(what, *_NUMBERS, title=title, right=_NUMBERS)
    for name, each in sizes.items():
        units = "" if each.units is None else f"{each.units:,}"
        shares = map(_number, (each.percent, each.unit_percent, each.asked_percent))
        percent, unit_percent, asked = shares
        deviation = "" if each.deviation is None else f"{each.deviation:+.2f}"
        table.add_row(cell(name), f"{each.rows:,}", percent, units, unit_percent, asked, deviation)
    return table


def _deviations(statistics: Statistics) -> Grid:
    """Return a table of the value of each column whose share of the parts differs most."""
    names = tuple(name for name in statistics.parts if name in statistics.splits)
    numbers = (*(f"% of {name}" for name in names), "points")
    table = Grid("column", "value", *numbers, title="Largest differences between parts", right=numbers)
    for column, found in statistics.deviating.items():
        value = "NULL" if found.value is None else str(found.value)
        percents = (_number(found.percents.get(name)) for name in names)
        table.add_row(cell(column), cell(value), *percents, f"{found.points:.2f}")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
