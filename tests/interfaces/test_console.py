"""Tables of the command line."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dataset_assets.interfaces.cli.console import Grid, cell

COLUMNS = ("name", "rows", "what changed")
words = st.text("abc ä漢0,", max_size=12).map(str.strip)
rows = st.lists(st.tuples(words, words, words), max_size=5)


def printed(renderable: Grid | Table) -> str:
    """Return what is printed to a pipe."""
    file = io.StringIO()
    Console(file=file, width=120).print(renderable)
    return file.getvalue()


@given(rows, st.sampled_from(["", "Versions"]))
def test_a_table_is_laid_out_as_rich_lays_it_out(cells, title):
    grid = Grid(*COLUMNS, title=title, right=("rows",))
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name == "rows" else "left", no_wrap=True)
    for name, number, change in cells:
        grid.add_row(cell(name, "green"), number, cell(change))
        table.add_row(Text(name), Text(number), Text(change))
    assert printed(grid) == printed(table)
