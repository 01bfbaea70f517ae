"""Measure how far the parts and the folds of a split are from their shares (BR-136)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.selection.splits import FOLD_COLUMN, NAMES, Split
from dataset_assets.stats.statistics import PartSize, Statistics, Tallied
from dataset_assets.stats.tallies import UNITS, Tally, unit_tally


def split_tallies(columns: PublishedColumns, rows: exp.Expr) -> Iterator[Tally]:
    """Yield the tally of units and folds over the rows, unless the number of rows of each part is enough."""
    config = columns.scope.dataset.split_config
    if columns.split and config and (columns.unit or config.fold_count):
        fold = FOLD_COLUMN if config.fold_count else None
        yield unit_tally(rows, columns.unit, columns.split, fold, null_is_row=config.null_is_row)


def split_sizes(columns: PublishedColumns, found: Statistics) -> dict[str, Any]:
    """Return the statistics `parts` and `folds`; `found` has the answers of the tallies."""
    config = columns.scope.dataset.split_config
    if config is None:
        return {}
    tallied, has_units = found.tallies.get(UNITS, ()), bool(columns.unit)
    return {
        "parts": _parts(config, found, tallied, has_units=has_units),
        "folds": tuple(_folds(config, tallied, has_units=has_units)),
    }


def _parts(
    config: Split, found: Statistics, tallied: Sequence[Tallied], *, has_units: bool
) -> Mapping[str, PartSize]:
    units = {value: sum(each.units for each in tallied if each.split == value) for value in config.values}
    total = sum(units.values())
    return {
        NAMES[value]: _size(
            found.splits.get(NAMES[value], 0),
            found.row_count,
            (units[value], total) if has_units else None,
            config.asked_percents.get(value),
        )
        for value in config.values
    }


def _folds(config: Split, tallied: Sequence[Tallied], *, has_units: bool) -> Iterator[PartSize]:
    rows = sum(each.rows for each in tallied)
    units = sum(each.units for each in tallied)
    for fold in range(config.fold_count):
        own = [each for each in tallied if each.fold == fold]
        yield _size(
            sum(each.rows for each in own),
            rows,
            (sum(each.units for each in own), units) if has_units else None,
            100 / config.fold_count,
        )


def _size(rows: int, all_rows: int, units: tuple[int, int] | None, asked: float | None) -> PartSize:
    percent = _percent(rows, all_rows)
    unit_percent = _percent(*units) if units else None
    return PartSize(
        rows=rows,
        percent=percent,
        units=units[0] if units else None,
        unit_percent=unit_percent,
        asked_percent=asked,
        deviation=_deviation(percent, asked),
        unit_deviation=_deviation(unit_percent, asked),
    )


def _percent(number: int, total: int) -> float:
    return 100 * number / total if total else 0.0


def _deviation(percent: float | None, asked: float | None) -> float | None:
    return None if percent is None or asked is None else percent - asked
