"""Print a comparison of rows: how many are the same, added, removed and changed, by column, with examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.interfaces.cli.console import Grid, cell, facts, out, say
from dataset_assets.interfaces.frames import NULL, format_value
from dataset_assets.lifecycle.compare_rows import ColumnComparison, RowComparison, RowCount
from dataset_assets.lifecycle.compared_side import ComparedSide

DIFFERENT = 3
"""The exit code if the rows or columns differ."""
_IDENTITIES = {"row_id": "the id that a row keeps", "content": "content: the rows have no common key"}
_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}
_LONGEST = 40
_SHOWN = ("_period", VALID_FROM, VALID_TO, PERIOD_FROM, PERIOD_TO)
"""The system columns of examples of rows."""


def print_comparison(found: RowComparison) -> None:
    """Print both sides, the counts, the columns that differ, and examples of rows."""
    for part in _parts(found):
        out().print(part)
    say("the rows are equal" if found.equal else "the rows are not equal")


def _parts(found: RowComparison) -> Iterator[RenderableType]:
    yield facts(
        [
            ("from", _side(found.before)),
            ("to", _side(found.after)),
            ("paired by", _IDENTITIES.get(found.identified_by) or ", ".join(found.key)),
            *(
                ("definition", f"{'breaking' if each.breaking else 'additive'}: {each.text}")
                for each in found.changes
            ),
        ]
    )
    yield _counts(found)
    columns = [each for each in found.columns if each.changed is None or each.changed.rows]
    if columns:
        yield _columns(columns)
    if any(each.examples for each in columns):
        yield _changes(columns, found.key)
    for state, of in (("added", "after"), ("removed", "before")):
        examples = [getattr(each, of) for each in found.examples[state]]
        if examples:
            yield _rows(f"Examples of {state} rows", examples)


def _side(side: ComparedSide) -> str:
    period = f" {side.period}" if side.period else ""
    version = f"table version {side.table_version}, {side.published_at:%Y-%m-%d %H:%M}Z"
    known = "" if side.known_now is None else f" of all loads, {side.known_now:,} known now"
    return f"{side.dataset}{period} in {side.target}: {side.row_count:,} rows{known}, {version}"


def _counts(found: RowComparison) -> Grid:
    grid = Grid("rows", "count", "share", right=("count", "share"))
    for name in ("same", "added", "removed", "changed"):
        count: RowCount = getattr(found, name)
        style = _STYLES.get(name, "") if count.rows else "dim"
        grid.add_row(cell(name, style), cell(f"{count.rows:,}", style), cell(_percent(count), style))
    return grid


def _columns(columns: Sequence[ColumnComparison]) -> Grid:
    """Return a table of the columns that differ: in how many rows, or in what type."""
    grid = Grid("column", "changed", "share", "types", title="Columns", right=("changed", "share"))
    for each in columns:
        figures = (f"{each.changed.rows:,}", _percent(each.changed)) if each.changed else ("", "")
        types = dict.fromkeys(kind or "no such column" for kind in (each.type_before, each.type_after))
        grid.add_row(*map(cell, (each.name, *figures, " to ".join(types))))
    return grid


def _changes(columns: Sequence[ColumnComparison], key: Sequence[str]) -> Grid:
    """Return a table of examples of changed rows: the key, and one column before and after."""
    grid = Grid("column", *key, "from", "to", title="Examples of changed rows")
    for each in columns:
        for place, example in enumerate(each.examples):
            keys = (_value(example.before, name) for name in key)
            values = _value(example.before, each.name), _value(example.after, each.name)
            grid.add_row(cell("" if place else each.name), *keys, *values)
    return grid


def _rows(title: str, examples: Sequence[Mapping[str, Any]]) -> Grid:
    names = [name for name in examples[0] if not name.startswith("_") or name in _SHOWN]
    grid = Grid(*names, title=title)
    for each in examples:
        grid.add_row(*(_value(each, name) for name in names))
    return grid


def _value(values: Mapping[str, Any] | None, name: str) -> Text:
    value = (values or {}).get(name)
    text = MASKED if value == MASKED else format_value(value)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return cell(text, "dim" if text in {NULL, MASKED} else "")


def _percent(count: RowCount) -> str:
    """Return a percentage; a few of very many are not shown as none."""
    if count.rows and count.percent < 0.01:
        return "<0.01 %"
    return f"{count.percent:.2f} %"
