"""How the command line speaks: plain results on stdout, everything else on stderr, colours by rich."""

import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from dataset_assets.errors import visible
from dataset_assets.text import progress as estimate

PIPE_WIDTH = 200
"""Columns of a table that no terminal shows: wide enough that lines can be searched."""

_UNBOUNDED = 100_000


def out() -> Console:
    """Results."""
    return _console(sys.stdout)


def err() -> Console:
    """What is being done."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    free = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, width=PIPE_WIDTH if free else None, highlight=False, soft_wrap=False)


def say(*lines: Any) -> None:
    """Plain lines on stderr."""
    for line in lines:
        typer.echo(visible(str(line)), err=True)


def cell(value: Any, style: str = "") -> Text:
    """A value of a file or of data: never read as markup, and unable to steer the terminal."""
    text = "" if value is None else str(value)
    return Text(visible(text), style)


class Grid:
    """A table; where it is wider than the screen, each row by itself, so that nothing is cut off.

    The columns named by `right` are of numbers.
    """

    def __init__(self, *columns: str, title: str = "", right: Iterable[str] = ()) -> None:
        self.columns = columns
        self.title = title
        self.right = frozenset(right)
        self.rows: list[tuple[str | Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """One cell a column."""
        self.rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table()
        unbounded = options.update(width=_UNBOUNDED)
        if Measurement.get(console, unbounded, table).maximum <= options.max_width:
            yield table
            return
        yield Text(self.title, "italic")
        for row in self.rows:
            yield facts(zip(self.columns, row, strict=True))
            yield ""

    def _table(self) -> Table:
        table = Table(title=self.title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in self.columns:
            table.add_column(name, justify="right" if name in self.right else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        return table


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values below each other; values that are empty are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and str(value):
            table.add_row(name, value if isinstance(value, Text) else cell(value))
    return table


@contextmanager
def steps(label: str, *, lines: bool = True) -> Generator[estimate.Progress]:
    """Tells the steps of long work: one line that changes, or where there is no terminal, `lines`."""
    console = err()
    if not console.is_terminal:
        yield lambda sentence: say(f"{label}: {sentence}") if lines else None
        return
    words = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    text = TextColumn("{task.description}", markup=False, table_column=words)
    elapsed = TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True))
    with Progress(SpinnerColumn(), elapsed, text, console=console, transient=True, expand=True) as bar:
        task = bar.add_task(label)
        yield lambda sentence: bar.update(task, description=f"{label}: {sentence}")
