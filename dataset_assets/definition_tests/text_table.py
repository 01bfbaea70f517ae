"""Write a failed test as lines of plain text: its problems, and expected and found rows side by side."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dataset_assets.definition_tests.report import RowDifference, TestResult
from dataset_assets.errors import visible

MARK = "≠ "
"""Begins a value that differs from the one in the other row."""

MOST_DIFFERENCES = 20
"""The number of differences that are shown; of further ones only the number is."""

NULL = "NULL"


def failure_lines(result: TestResult) -> list[str]:
    """Return the lines of a failed test, without a line end; the columns are aligned."""
    lines = list(result.problems)
    if result.differences:
        table = [("", *(each.name for each in result.columns)), *difference_rows(result)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [_line(row, widths) for row in table]
    more = len(result.differences) - MOST_DIFFERENCES
    return [*lines, *([f"and {more:,} more differences"] if more > 0 else [])]


def difference_rows(result: TestResult) -> Iterator[tuple[str, ...]]:
    """Yield a label and the values of the expected and of the found row of each difference."""
    for each in result.differences[:MOST_DIFFERENCES]:
        for label, row in (("expected", each.expected), ("found", each.found)):
            if row is not None:
                yield (_label(each, label), *(_value(each, row, column.name) for column in result.columns))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _label(difference: RowDifference, label: str) -> str:
    """Return the name of a line; that of a row without a partner says so."""
    if difference.found is None:
        return "expected, not found"
    return "found, not expected" if difference.expected is None else label


def _value(difference: RowDifference, row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    is_ambiguous = isinstance(value, str) and (value == NULL or not value.strip())
    words = NULL if value is None else f"'{value}'" if is_ambiguous else str(value)
    return visible(f"{MARK}{words}" if name in difference.differing else words)
