"""Print the results of definition tests: expected and found rows side by side."""

from collections.abc import Sequence

from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.definition_tests.record import RecordedTest
from dataset_assets.definition_tests.report import TestResult
from dataset_assets.definition_tests.text_table import MARK, MOST_DIFFERENCES, NULL, difference_rows
from dataset_assets.errors import near
from dataset_assets.interfaces.answers.definition_tests import RecordedAnswer
from dataset_assets.interfaces.cli.console import Grid, cell, out, say


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
    table = Grid("", *(each.name for each in result.columns))
    for label, *values in difference_rows(result):
        table.add_row(cell(label, "bold"), *(cell(value, _style(value)) for value in values))
    out().print(table)
    more = len(result.differences) - MOST_DIFFERENCES
    if more > 0:
        say(f"{result.file}: and {more:,} more differences")


def _style(value: str) -> str:
    if value.startswith(MARK):
        return "bold red"
    return "dim" if value in (NULL, MASKED) else ""


def recorded_answer(found: RecordedTest) -> RecordedAnswer:
    """Return what `test --record --json` prints."""
    chosen = found.chosen
    return RecordedAnswer(
        file=near(found.path),
        given={source: len(rows) for source, rows in chosen.given.items()},
        expected=found.expected,
        changes=chosen.changes,
        unnoticed=chosen.unnoticed,
    )


def print_recorded(found: RecordedTest) -> None:
    """Print the file of a recorded test and the changes of settings that it does not notice."""
    answer = recorded_answer(found)
    out().print(Text(answer.file))
    given = ", ".join(f"{count:,} rows of {source}" for source, count in answer.given.items())
    say(f"{given}; {answer.expected:,} rows are selected")
    noticed = answer.changes - len(answer.unnoticed)
    say(f"it notices {noticed:,} of {answer.changes:,} changes of filters, splits, joins and mapped columns")
    say(*(f"not noticed: {each}" for each in answer.unnoticed))
