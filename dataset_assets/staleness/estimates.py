"""Estimate how many rows and bytes a publication will have, from earlier publications and metadata."""

from collections.abc import Sequence
from statistics import median_low
from typing import Any

from dataset_assets.contract.scope import Source
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.staleness.source_states import SourceState

LATEST = 12
"""The latest publications whose median is the estimate of a new one."""


def estimated_bytes(records: Sequence[Record]) -> int | None:
    """Return the median size of the latest publications in bytes; None if none is known."""
    return _median(records, "size_bytes")


def estimated_rows(records: Sequence[Record], locator: SourceLocator, state: SourceState) -> int | None:
    """Return the median number of rows of the latest publications, else the main table's rows in the window.

    `state` is the main table's. The result is None if a filter leaves out rows of the main table, or if its
    metadata does not count the rows of the window alone.
    """
    rows, dataset = _median(records, "counts", "rows"), locator.scope.dataset
    filters, main = dataset.filters, locator.scope.main
    if rows is not None or filters.product_filter.needs or filters.customer_filter.needs:
        return rows
    if state.faults:
        return None
    return state.rows if _counts_window(locator, main) else None


def _counts_window(locator: SourceLocator, main: Source) -> bool:
    """Return whether metadata counts the rows of the window: by Period, or without a window."""
    if locator.target.resolver_of(locator.scope.dataset, main.table).cadence(main.table):
        return True
    return not (locator.scope.dataset.filters.date_range or locator.period)


def _median(records: Sequence[Record], *path: str) -> int | None:
    values = [_value_at(record, path) for record in records[-LATEST:]]
    known = [value for value in values if value is not None]
    return median_low(known) if known else None


def _value_at(record: Record, path: Sequence[str]) -> int | None:
    value: Any = record
    for name in path:
        value = value.get(name) if value else None
    return value
