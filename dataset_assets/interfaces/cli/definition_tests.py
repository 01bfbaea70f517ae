"""Print the results of definition tests: expected and found rows side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.definition_tests.report import RowDifference, TestResult
from dataset_assets.interfaces.cli.console import Grid, cell, out, say
from dataset_assets.interfaces.frames import NULL, format_value

MARK = "≠ "
"""Begins a value that differs from the one in the other row."""

_MOST_DIFFERENCES = 20


def print_results(results: Sequence[TestResult]) -> None:
    """Print a line for each test, and below a failed one its problems and differences."""
    for each in results:
        words = "passed" if each.passed else "FAILED"
        out().print(
            Text.assemble(
                (words, "green" if each.passed else "bold red"),
                f"  {each.dataset}/{each.name}  ",
                (f"{each.milliseconds:.0f} ms", "dim"),
            )
        )
        if not each.passed:
            print_failure(each)


def print_failure(result: TestResult) -> None:
    """Print what is wrong in a failed test."""
    say(*(f"{result.file}: {problem}" for problem in result.problems))
    if not result.differences:
        return
    out().print(difference_table(result))
    if more := len(result.differences) - _MOST_DIFFERENCES:
        say(*([f"{result.file}: and {more:,} more differences"] if more > 0 else []))


def difference_table(result: TestResult) -> Grid:
    """Return a table with two lines for each difference: the expected row and the found one."""
    table = Grid("", *(each.name for each in result.columns))
    for each in result.differences[:_MOST_DIFFERENCES]:
        for label, row in (("expected", each.expected), ("found", each.found)):
            if row is not None:
                table.add_row(cell(_label(each, label), "bold"), *_cells(result, each, row))
    return table


def _label(difference: RowDifference, label: str) -> str:
    """Return the name of a line; that of a row without a partner says so."""
    if difference.found is None:
        return "expected, not found"
    return "found, not expected" if difference.expected is None else label


def _cells(result: TestResult, difference: RowDifference, row: Mapping[str, Any]) -> list[Text]:
    cells = []
    for each in result.columns:
        words, is_other = format_value(row[each.name]), each.name in difference.differing
        style = "bold red" if is_other else "dim" if words in (NULL, MASKED) else ""
        cells.append(cell(f"{MARK}{words}" if is_other else words, style))
    return cells
