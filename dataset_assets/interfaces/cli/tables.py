"""Print the tables of a target and their columns."""

from collections.abc import Iterator

from rich.text import Text

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.discovery.tables import ColumnDescription, TableDescription, TableList
from dataset_assets.interfaces.cli.console import Grid, cell, facts, out, say
from dataset_assets.text.wording import listed, size_text

_SHOWN_COLUMNS, _LONGEST_SAMPLES = 4, 50


def print_tables(found: TableList) -> None:
    """Print a line for each table; what cannot be read follows on stderr with its reason."""
    table = Grid("table", "resolver", "rows", "last modified", "columns", right=("rows",))
    for each in found.tables:
        rows = "" if each.row_count is None else f"{each.row_count:,}"
        modified = f"{each.last_modified:%Y-%m-%d %H:%M}Z" if each.last_modified else ""
        columns = cell(listed(each.columns, _SHOWN_COLUMNS))
        if each.problem:
            columns = Text("cannot be read", "bold red")
        table.add_row(cell(each.name, "bold"), cell(each.resolver), rows, modified, columns)
    out().print(table)
    for each in found.tables:
        if each.problem:
            say(f"{each.resolver}/{each.name}: {each.problem}")
    say(*found.problems)
    if not found.tables and not found.problems:
        say("the target's resolvers have no tables")


def say_cost(size: int) -> None:
    """Print what reading will cost, before it begins."""
    say(f"reads {size_text(size)}, which are billed")


def print_description(found: TableDescription) -> None:
    """Print a table's facts, and a line for each of its columns."""
    rows = None if found.row_count is None else f"{found.row_count:,}"
    modified = f"{found.last_modified:%Y-%m-%d %H:%M:%S}Z" if found.last_modified else None
    out().print(
        facts(
            [
                ("table", cell(found.table, "bold")),
                ("resolver", found.resolver),
                ("rows", rows),
                ("last modified", modified),
            ]
        )
    )
    has_statistics = any(each.cardinality is not None for each in found.columns.values())
    names = ("cardinality", "nulls %", "min", "max", "mean", "median", "samples") if has_statistics else ()
    table = Grid("column", "type", "declare as", *names, right=("cardinality", "nulls %"))
    for name, each in found.columns.items():
        declared = each.declare_as or "cannot be declared"
        figures = _statistics(each) if has_statistics else ()
        table.add_row(*map(cell, (name, each.type, declared, *figures)))
    out().print(table)
    for name, each in found.columns.items():
        if each.problem:
            say(f"{name}: {each.problem}")


def _statistics(column: ColumnDescription) -> Iterator[str]:
    yield "" if column.cardinality is None else f"{column.cardinality:,}"
    yield "" if column.null_percent is None else f"{column.null_percent:.2f}"
    yield from (_text(each) for each in (column.min, column.max))
    yield "" if column.mean is None else f"{column.mean:.6g}"
    yield _text(column.median)
    samples = ", ".join(map(_text, column.sample_values))
    cut = samples if len(samples) <= _LONGEST_SAMPLES else f"{samples[: _LONGEST_SAMPLES - 1]}…"
    yield MASKED if column.sensitive else cut


def _text(value: object) -> str:
    """Return a value as people read it: instants without the zone, which is UTC, and without midnight."""
    return "" if value is None else str(value).removesuffix("+00:00").removesuffix("T00:00:00")
