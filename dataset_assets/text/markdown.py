"""Write Markdown in which no text of a user changes the layout: code spans, escaped text, tables."""

import re
from collections.abc import Iterable, Sequence

from dataset_assets.errors import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_CODE = re.compile(r"(`[^`\n]*`)")


def code_span(text: str) -> str:
    """Return the text as a Markdown code span that nothing in the text can close."""
    line = visible(" ".join(text.splitlines()))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    # Markdown removes one space from both ends, and reads a backtick at an end as part of the fence
    pad = "" if line and not {line[0], line[-1]} & {" ", "`"} else " "
    return f"{fence}{pad}{line}{pad}{fence}"


def code_cell(text: str) -> str:
    """Return the text as a code span in a cell of a table, where even code may not have a bare `|`."""
    return code_span(text).replace("|", "\\|")


def code_block(text: str, language: str = "") -> str:
    """Return the text as a Markdown code block that nothing in the text can close."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def escaped(text: str) -> str:
    """Return a text on one line that Markdown shows as it is, in a table too, without control characters."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))


def escaped_prose(text: str) -> str:
    """Return a text as `escaped` does; what stands between two backticks stays a code span."""
    parts = _CODE.split(visible(" ".join(text.split())))
    return "".join(each if place % 2 else _SPECIAL.sub(r"\\\1", each) for place, each in enumerate(parts))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; `escaped` makes them of text."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
