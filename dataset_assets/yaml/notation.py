"""Write data as YAML text: scalars, flow collections on one line, and block collections on several lines.

The data is what `reader.read` returns: mappings, lists, texts and None. A text is written plain where it is
read back as the same text, else in double quotes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dataset_assets.errors import ContractError
from dataset_assets.yaml.reader import read

_SURELY_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*|-?[0-9][0-9.]*|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MULTILINE = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]+")
_WIDTH = 100


class Notation(str):
    """A scalar that is written as it is, quotation marks included."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The text that it is read as."""
        return self.strip('"')


@dataclass(frozen=True)
class Layout:
    """Number of columns by which a file indents mappings, and sequences below their key."""

    mapping: int = 2
    sequence: int = 2


def scalar(value: str | None, *, flow: bool, style: str = "") -> str:
    """Return a scalar in the quotation marks of `style` if possible; `flow` if it is inside of brackets."""
    if isinstance(value, Notation):
        return str(value)
    if value is None:
        return "null"
    if style == "'" and _is_single_line(value):
        return "'" + value.replace("'", "''") + "'"
    if style == '"' or not _is_plain(value, flow=flow):
        return json.dumps(value, ensure_ascii=False)
    return value


def literal(value: str, column: int) -> str | None:
    """Return a text of several lines as a block scalar (`|`); None if no such scalar gives this text."""
    body = value.removesuffix("\n")
    if "\n" not in value or not _MULTILINE.fullmatch(value) or body.startswith((" ", "\n")):
        return None
    if body.endswith("\n") or any(line != line.rstrip() for line in body.split("\n")):
        return None
    lines = (f"{' ' * column}{line}" if line else "" for line in body.split("\n"))
    return "\n".join(["|" if value.endswith("\n") else "|-", *lines])


def flow(value: Any) -> str:
    """Return any data on one line."""
    match value:
        case dict():
            pairs = (f"{scalar(key, flow=True)}: {flow(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(map(flow, value))}]"
    return scalar(value, flow=True)


def inline(value: Any, column: int, *, in_flow: bool, prefers: bool | None = None) -> str | None:
    """Return the value on one line, or None if it is better written as a block.

    `column` is where it begins. `prefers` is true or false if the neighbours are flow or block collections.
    """
    if not isinstance(value, dict | list | tuple):
        return scalar(value, flow=in_flow)
    text = flow(value)
    if in_flow or not value:
        return text
    simple = prefers if prefers is not None else _is_simple(value)
    return text if simple and column + len(text) <= _WIDTH else None


def block(value: dict[str, Any] | list[Any], column: int, layout: Layout) -> list[str]:
    """Return the lines of a block collection whose keys or dashes are at `column`."""
    lines = _mapping_lines if isinstance(value, dict) else _item_lines
    return list(lines(value, column, layout))


def _mapping_lines(value: Any, column: int, layout: Layout) -> Iterator[str]:
    for key, item in value.items():
        head = f"{' ' * column}{scalar(key, flow=False)}:"
        text = inline(item, len(head) + 1, in_flow=False)
        if text is not None:
            yield f"{head} {text}"
            continue
        yield head
        yield from block(
            item, column + (layout.mapping if isinstance(item, dict) else layout.sequence), layout
        )


def _item_lines(value: Any, column: int, layout: Layout) -> Iterator[str]:
    for item in value:
        text = inline(item, column + 2, in_flow=False)
        lines = [" " * (column + 2) + text] if text is not None else block(item, column + 2, layout)
        yield f"{' ' * column}- {lines[0][column + 2 :]}"
        yield from lines[1:]


def _is_simple(value: Any) -> bool:
    """Return whether a collection has only scalars, or a mapping also lists of scalars."""
    items = list(value.values()) if isinstance(value, dict) else list(value)
    nested = [item for item in items if isinstance(item, dict | list | tuple)]
    if not isinstance(value, dict):
        return not nested
    return all(not isinstance(item, dict) and _is_simple(item) for item in nested)


def _is_single_line(value: str) -> bool:
    return value.isprintable()


def _is_plain(value: str, *, flow: bool) -> bool:
    """Return whether the text without quotation marks is read as the same text, as a value and as a key."""
    if _SURELY_PLAIN.fullmatch(value) and value != "null":
        return True
    if not _is_single_line(value):
        return False
    forms = (
        [("[{}]", [value]), ("{{a: {}, b: {}}}", {"a": value, "b": value}), ("{{{}: a}}", {value: "a"})]
        if flow
        else [("a: {}\n", {"a": value}), ("- {} # b\n", [value]), ("{}: a\n", {value: "a"})]
    )
    try:
        return all(read(form.format(value, value), "").data == data for form, data in forms)
    except ContractError:
        return False
