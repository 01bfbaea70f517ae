"""Write the result of `plan --against` as Markdown for a comment on a pull request."""

import re
from collections.abc import Iterable, Iterator

from dataset_assets.errors import visible
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

_COLUMNS = ("dataset", "change", "version", "rows", "to publish", "cost", "read by")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
_CODE = re.compile(r"(`[^`\n]*`)")


def markdown_lines(found: PlanAgainst) -> Iterator[str]:
    """Yield a heading, a table of the datasets that change, and a list of the changes of each."""
    yield f"### Datasets: {_plain(headline(found))}"
    shown = [each for state in STATES if state != "unchanged" for each in found.of_state(state)]
    if not shown:
        return
    yield ""
    yield _row(_COLUMNS)
    yield _row("---" for _ in _COLUMNS)
    for each in shown:
        yield _row(_cells(each))
    for each in shown:
        yield from _details(each)


def _cells(change: DatasetChange) -> Iterator[str]:
    yield f"`{change.dataset}`"
    is_breaking = change.state == "changed" and change.kind == "breaking"
    yield "**breaking**" if is_breaking else _plain(_change(change))
    for words in (version_words, row_words, period_words, cost_words):
        yield _plain(words(change))
    yield ", ".join(f"`{each}`" for each in change.readers)


def _change(change: DatasetChange) -> str:
    if change.state == "changed":
        return change.kind or ""
    return change.state


def _details(change: DatasetChange) -> Iterator[str]:
    lines = [f"{'**breaking**' if c.breaking else 'additive'}: {_plain(c.text)}" for c in change.changes]
    lines += map(_plain, column_words(change) if change.state != "new" else ())
    lines += map(_plain, remark_words(change))
    if lines:
        yield ""
        yield f"`{change.dataset}`"
        yield ""
        yield from (f"- {line}" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Return a text whose characters mean nothing in Markdown or HTML, on one line; code stays code."""
    parts = _CODE.split(visible(" ".join(text.split())))
    return "".join(each if place % 2 else _SPECIAL.sub(r"\\\1", each) for place, each in enumerate(parts))
