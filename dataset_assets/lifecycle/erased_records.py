"""Take out of records what can be a value of erased rows: statistics, and conditions of changes by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dataset_assets.errors import WhereError
from dataset_assets.lifecycle.row_erasers import RowEraser
from dataset_assets.ports.erasure import ERASURES
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.sql.where.where import parse_where
from dataset_assets.stats.statistics import ColumnStatistics, SplitColumn, Statistics

ERASED = "(erased)"
"""The text of a record in place of one that can hold an erased value."""


@dataclass(frozen=True)
class RecordCleaner:
    """Cleans the records of one table, by how its rows are erased."""

    eraser: RowEraser

    def clean(self, record: Record, is_gone: bool) -> Record:
        """Return a record without values of erased rows. `is_gone`: its rows cannot be measured again."""
        if is_gone and "statistics" in record:
            record = {**record, "statistics": counts_only(record["statistics"])}
        operation = record.get("operation")
        if operation and (is_gone or self._names_rows(record, operation)):
            record = {**record, "operation": without_texts(operation)}
        applied = record.get(OUTPUT, {}).get("operations", ())
        if is_gone or any(self._names_rows(record, each) for each in applied):
            record = without_conditions(record)
        return record

    def _names_rows(self, record: Record, operation: Mapping[str, Any]) -> bool:
        """Return whether the condition of a change reads a column whose values are to be forgotten."""
        where = operation.get("where")
        if not where or where == ERASED:
            return False
        columns = self.eraser.columns_of(record)
        if columns is None:
            return True
        try:
            return not parse_where(where, recorded_where_types(record)).columns.isdisjoint(columns)
        except WhereError:  # it is no condition, or one over columns that the publication no longer has
            return not where.startswith("(")


def without_texts(operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says of a change by hand, without its condition and the values of labels."""
    kept = dict(operation)
    if kept.get("where"):
        kept["where"] = ERASED
    if isinstance(kept.get("set"), Mapping):
        kept["set"] = dict.fromkeys(kept["set"], ERASED)
    return kept


def without_conditions(record: Record) -> dict[str, Any]:
    """Return a record without the conditions and labels of the operations that a Project's output applied."""
    output = record.get(OUTPUT)
    if not output or not output["operations"]:
        return dict(record)
    operations = [without_texts(each) for each in output["operations"]]
    return {**record, OUTPUT: {**output, "operations": operations}, "sql": ERASED}


def counts_only(statistics: Mapping[str, Any]) -> dict[str, Any]:
    """Return statistics with counts and shares alone, as a sensitive column has them (BR-206)."""
    found = Statistics.model_validate(statistics)
    columns = {name: _counts_of(each) for name, each in found.columns.items()}
    return found.model_copy(update={"columns": columns}).model_dump(mode="json")


def _counts_of(column: ColumnStatistics) -> ColumnStatistics:
    splits = {
        name: SplitColumn(cardinality=each.cardinality, null_percent=each.null_percent)
        for name, each in column.splits.items()
    }
    return ColumnStatistics(
        type=column.type,
        sensitive=column.sensitive,
        cardinality=column.cardinality,
        null_count=column.null_count,
        null_percent=column.null_percent,
        splits=splits,
    )


def with_mark(record: Record, mark: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that says by which erasure its publication lost rows."""
    others = [each for each in record.get(ERASURES, ()) if each["id"] != mark["id"]]
    return {**record, ERASURES: [*others, mark]}


def mark_of(erasure: str, at: datetime, rows: int, version: int, outcome: str) -> dict[str, Any]:
    """Return what a record says of an erasure that took rows from its publication."""
    return {"id": erasure, "at": at.isoformat(), "rows": rows, "version": version, "outcome": outcome}


def marks_of(erasure: str, records: Sequence[Record]) -> list[tuple[Record, Mapping[str, Any]]]:
    """Return the marks of one erasure in records, each with its record."""
    return [(each, mark) for each in records for mark in each.get(ERASURES, ()) if mark["id"] == erasure]
