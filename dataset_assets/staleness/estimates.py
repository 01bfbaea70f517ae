"""Estimate how many rows and bytes a publication will have, from earlier publications and metadata."""

from collections.abc import Sequence
from statistics import median_low
from typing import Any

from dataset_assets.ports.warehouse import Record
from dataset_assets.staleness.dataset_inputs import DatasetInputs
from dataset_assets.staleness.source_states import SourceState

LATEST = 12
"""The number of latest publications whose median is the estimate of a new one."""


def estimated_bytes(records: Sequence[Record]) -> int | None:
    """Return the median size of the latest publications in bytes; None if none is known."""
    return _median(records, "size_bytes")


def estimated_rows(records: Sequence[Record], inputs: DatasetInputs, state: SourceState) -> int | None:
    """Return the median number of rows of the latest publications, else the main table's rows in the window.

    `state` is the main table's. The result is None if a filter leaves out rows of the main table, or if its
    metadata does not count the rows of the window alone.
    """
    rows = _median(records, "counts", "rows")
    if rows is not None or inputs.filters_rows or state.faults:
        return rows
    return state.rows if inputs.counts_window else None


def _median(records: Sequence[Record], *path: str) -> int | None:
    values = [_value_at(record, path) for record in records]
    known = [value for value in values if value is not None]
    return median_low(known) if known else None


def _value_at(record: Record, path: Sequence[str]) -> int | None:
    value: Any = record
    for name in path:
        value = value.get(name) if value else None
    return value
