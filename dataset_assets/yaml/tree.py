"""The nodes of a YAML text with the exact part of the text that each occupies, for editing it in place.

`reader.py` checks a text and returns its data; this module is only used on texts that it accepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dataset_assets.yaml.reader import PARSER

Step = str | int


class Kind(StrEnum):
    """The kind of a node, whatever its layout."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(frozen=True)
class Node:
    """One node. `start` and `end` are offsets in the text; a block collection ends with its last child.

    `style` is the quotation mark or block indicator of a scalar, empty for a plain one. `flow` is true for a
    collection in brackets. `children` are pairs of key and value; items of a sequence have no key.
    """

    kind: Kind
    start: int
    end: int
    style: str = ""
    flow: bool = False
    children: "tuple[tuple[Node | None, Node], ...]" = ()
    value: str | None = None

    @property
    def is_block(self) -> bool:
        """Whether the node is a mapping or a sequence with one line or more for each child."""
        return self.kind is not Kind.SCALAR and not self.flow

    @property
    def keys(self) -> tuple[str | None, ...]:
        """The keys of a mapping, in their order."""
        return tuple(key.value for key, _ in self.children if key)

    def place(self, step: Step) -> int | None:
        """Return the number of the child with this key or index; None if there is none."""
        if isinstance(step, str):
            return self.keys.index(step) if self.kind is Kind.MAPPING and step in self.keys else None
        is_item = self.kind is Kind.SEQUENCE and 0 <= step < len(self.children)
        return step if is_item else None


def parse(text: str) -> Node:
    """Return the root node of a text without a byte order mark, which `reader.read` accepts."""
    parser: Any = PARSER(text)
    while not isinstance(event := parser.get_event(), DocumentStartEvent):
        if isinstance(event, StreamEndEvent):
            return Node(Kind.SCALAR, len(text), len(text))
    return _node(parser, parser.get_event(), text)


def chain(root: Node, path: Sequence[Step]) -> list[Node]:
    """Return the root and the nodes along a path, as far as the path exists."""
    nodes = [root]
    for step in path:
        place = nodes[-1].place(step)
        if place is None:
            break
        nodes.append(nodes[-1].children[place][1])
    return nodes


def _node(parser: Any, event: Any, text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, ScalarEvent):
        style = event.style or ""
        if style in ("|", ">"):
            end = _block_scalar_end(text, start, end)
        return Node(Kind.SCALAR, start, end, style, value=event.value)
    if not isinstance(event, MappingStartEvent | SequenceStartEvent):
        raise ValueError("aliases are refused by the reader")
    flow = bool(event.flow_style)
    is_mapping = isinstance(event, MappingStartEvent)
    children: list[tuple[Node | None, Node]] = []
    while not isinstance(event := parser.get_event(), MappingEndEvent | SequenceEndEvent):
        key = _node(parser, event, text) if is_mapping else None
        children.append((key, _node(parser, parser.get_event() if key else event, text)))
    end = event.end_mark.index if flow else max(start, *(value.end for _, value in children))
    return Node(
        Kind.MAPPING if is_mapping else Kind.SEQUENCE, start, end, flow=flow, children=tuple(children)
    )


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """Return the end of the last line with text, unless the scalar keeps the empty lines after it (`|+`)."""
    header = text[start:end].splitlines()[0].split("#")[0]
    return end if "+" in header else start + len(text[start:end].rstrip())
