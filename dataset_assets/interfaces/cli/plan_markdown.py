"""Write the result of `plan --against` as Markdown for a comment on a pull request."""

from collections.abc import Iterator

from dataset_assets.interfaces.cli.plan_words import (
    STATES,
    column_words,
    cost_words,
    headline,
    period_words,
    remark_words,
    row_words,
    version_words,
)
from dataset_assets.lifecycle.target_change import DatasetChange, PlanAgainst
from dataset_assets.text.markdown import escaped_prose, table

_COLUMNS = ("dataset", "change", "version", "rows", "to publish", "cost", "read by")


def markdown_lines(found: PlanAgainst) -> Iterator[str]:
    """Yield a heading, a table of the datasets that change, and a list of the changes of each."""
    yield f"### Datasets: {escaped_prose(headline(found))}"
    shown = [each for state in STATES if state != "unchanged" for each in found.of_state(state)]
    if not shown:
        return
    yield ""
    yield table(_COLUMNS, (tuple(_cells(each)) for each in shown))
    for each in shown:
        yield from _details(each)


def _cells(change: DatasetChange) -> Iterator[str]:
    yield f"`{change.dataset}`"
    is_breaking = change.state == "changed" and change.kind == "breaking"
    yield "**breaking**" if is_breaking else escaped_prose(_change(change))
    for words in (version_words, row_words, period_words, cost_words):
        yield escaped_prose(words(change))
    yield ", ".join(f"`{each}`" for each in change.readers)


def _change(change: DatasetChange) -> str:
    if change.state == "changed":
        return change.kind or ""
    return change.state


def _details(change: DatasetChange) -> Iterator[str]:
    lines = [
        f"{'**breaking**' if c.breaking else 'additive'}: {escaped_prose(c.text)}" for c in change.changes
    ]
    lines += map(escaped_prose, column_words(change) if change.state != "new" else ())
    lines += map(escaped_prose, remark_words(change))
    if lines:
        yield ""
        yield f"`{change.dataset}`"
        yield ""
        yield from (f"- {line}" for line in lines)
