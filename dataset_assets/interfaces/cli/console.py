"""Print the output of commands: results on stdout, progress and remarks on stderr, tables with rich."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from dataset_assets.errors import visible
from dataset_assets.text import progress as estimate

PIPE_WIDTH = 200
"""Width in characters of tables that are printed to a file or a pipe, so that lines can be searched."""

_UNBOUNDED = 100_000


def out() -> Console:
    """Return the console for results: stdout."""
    return _console(sys.stdout)


def err() -> Console:
    """Return the console for progress: stderr."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    free = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, width=PIPE_WIDTH if free else None, highlight=False, soft_wrap=False)


def say(*lines: Any) -> None:
    """Print plain lines to stderr."""
    for line in lines:
        typer.echo(visible(str(line)), err=True)


def print_json(model: BaseModel) -> None:
    """Print a model as JSON to stdout; `docs/json.md` describes the shape for each command."""
    typer.echo(model.model_dump_json(indent=2))


def masked_remark(sensitive: Iterable[str]) -> str:
    """Return the end of a remark on rows that names their masked columns; empty text if there are none."""
    names = sorted(sensitive)
    return f"; sensitive columns are masked: {', '.join(names)}" if names else ""


def cell(value: Any, style: str = "") -> Text:
    """Return a value as text without markup and without control characters that steer the terminal."""
    text = "" if value is None else str(value)
    return Text(visible(text), style)


Block = Callable[[Mapping[str, str | Text]], RenderableType]
"""Receives the cells of a row by column; returns what is printed if the table is wider than the screen."""


class Grid:
    """A table. If it is wider than the screen, each row is printed as a block, so that nothing is cut off.

    The columns named in `right` are aligned to the right, as numbers are.
    """

    def __init__(
        self, *columns: str, title: str = "", right: Iterable[str] = (), block: Block | None = None
    ) -> None:
        self.columns = columns
        self.block = block
        self.title = title
        self.right = frozenset(right)
        self.rows: list[tuple[str | Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add a row with one cell for each column."""
        self.rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(map(_width, column)) for column in zip(self.columns, *self.rows, strict=True)]
        if sum(widths) + 3 * len(widths) - 1 <= options.max_width:
            yield from self._lines(console, widths)
            return
        unbounded = options.update(width=_UNBOUNDED)
        yield Text(self.title, "italic")
        for row in self.rows:
            cells = dict(zip(self.columns, row, strict=True))
            block = self.block(cells) if self.block else None
            fits = block and Measurement.get(console, unbounded, block).maximum <= options.max_width
            yield block if block and fits else facts(cells.items())
            yield ""

    def _lines(self, console: Console, widths: Sequence[int]) -> Iterator[Segment]:
        """Yield the lines of the table. A table of rich lays out each cell several times, in milliseconds."""
        full = sum(widths) + 3 * len(widths) - 1
        if self.title:
            yield Segment(f"{self.title.ljust(full)}\n", console.get_style("italic"))
        yield Segment(f"{'':{full}}\n")
        yield from self._line(console, widths, [Text(name, "bold") for name in self.columns])
        yield Segment(f" {'─' * (full - 2)} \n")
        for row in self.rows:
            yield from self._line(console, widths, row)
        yield Segment(f"{'':{full}}\n")

    def _line(self, console: Console, widths: Sequence[int], row: Sequence[str | Text]) -> Iterator[Segment]:
        plain = " "
        for name, width, each in zip(self.columns, widths, row, strict=True):
            text, space = str(each), " " * (width - _width(each))
            text = f"{space}{text}" if name in self.right else f"{text}{space}"
            if isinstance(each, Text) and each.style:
                yield from (Segment(plain), Segment(text, console.get_style(each.style)))
                plain = ""
            else:
                plain += text
            plain += "   "
        yield Segment(f"{plain[:-2]}\n")


def _width(text: str | Text) -> int:
    return cell_len(str(text))


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Return a table of names and values with one pair on each line, without empty values."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and str(value):
            table.add_row(name, value if isinstance(value, Text) else cell(value))
    return table


@contextmanager
def steps(label: str, *, lines: bool = True) -> Generator[estimate.Progress]:
    """Yield a callback that shows the current step of long work on one line that changes.

    Without a terminal, each step is printed as a line of its own if `lines` is set, else not at all.
    """
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
