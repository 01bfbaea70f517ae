"""Insert, replace and remove single nodes in the text of a YAML file; all other text stays byte for byte.

Each function returns the new text. Layouts that it does not know give a text with other data than intended:
the caller compares (`edits.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_assets.cached_property import cached_property
from dataset_assets.yaml.lines import TextLines
from dataset_assets.yaml.notation import Layout, Notation, block, flow, inline, literal, scalar
from dataset_assets.yaml.syntax import LINE_END
from dataset_assets.yaml.tree import Kind, Node, Step, chain, parse

_TO_COMMA = re.compile(r"(?:[ \t]|#[^\r\n]*|\r\n|\r|\n)*,")
_HEADER_COMMENT = re.compile(r"[|>][0-9+-]*([ \t]+#[^\r\n]*)")


@dataclass(frozen=True)
class Splicer(TextLines):
    """One text and its nodes. Every edit gives another text, which needs a splicer of its own."""

    @cached_property
    def root(self) -> Node:
        """The root node of the text."""
        return parse(self.text)

    @cached_property
    def layout(self) -> Layout:
        """The indentation of the first nested mapping and of the first sequence below a key."""
        mapping, sequence = 2, 2
        for node, column in reversed([*self._nested(self.root)]):
            if node.kind is Kind.MAPPING:
                mapping = self.column(node.start) - column
            else:
                sequence = self.column(node.start) - column
        return Layout(mapping, sequence)

    def replace(self, path: Sequence[Step], value: Any) -> str:
        """Replace the node at a path, which exists."""
        *parents, node = chain(self.root, path)
        holder = parents[-1] if parents else None
        in_flow = any(parent.flow for parent in parents)
        if holder is None:
            return self.replaced((node.start, node.end, flow(value)))
        if node.is_block:
            return self._replace_block(holder, node, path[-1], value)
        text = self._inline(value, node, in_flow, self._prefers(holder, value, node))
        if text is None:
            return self._replace_by_block(holder, node, path[-1], value)
        space = " " if node.start == node.end and self.text[node.start - 1 : node.start] in (":", "-") else ""
        return self.replaced((node.start, node.end, f"{space}{text}{self._header_comment(node)}"))

    def insert(self, path: Sequence[Step], key: str | None, value: Any, at: int) -> str:
        """Insert a child into the collection at a path, before its child number `at`.

        `key` is the key in a mapping, None in a sequence.
        """
        nodes = chain(self.root, path)
        node = nodes[-1]
        in_flow = any(each.flow for each in nodes)
        start = f"{scalar(key, flow=in_flow)}: " if key is not None else "- "
        if node.flow:
            return self._insert_in_brackets(node, f"{start.removeprefix('- ')}{flow(value)}", at)
        column = self.column(self._entry(node, 0))
        text = inline(value, column + len(start), in_flow=False, prefers=self._prefers(node, value))
        if text is not None:
            lines = [start + text]
        elif key is None:
            body = [line[column:] for line in block(value, column + len(start), self.layout)]
            lines = [start + body[0][len(start) :], *body[1:]]
        else:
            depth = self.layout.mapping if isinstance(value, dict) else self.layout.sequence
            lines = [start.rstrip(), *(line[column:] for line in block(value, column + depth, self.layout))]
        entry = f"{self.newline}{' ' * column}".join(lines)
        if at == 0:
            first = self._entry(node, 0)
            return self.replaced((first, first, f"{entry}{self.newline}{' ' * column}"))
        return self._insert_lines(node.children[at - 1][1], f"{' ' * column}{entry}")

    def insert_below(self, path: Sequence[Step], fields: Mapping[str, str]) -> str:
        """Insert keys as the first of a mapping, in this order.

        In a block they are on the lines after the mapping's own key.
        """
        *parents, node = chain(self.root, path)
        if node.flow or not parents or not self.text[self.line_start(node.start) : node.start].isspace():
            text = self.text
            for key, value in reversed([*fields.items()]):
                text = Splicer(text).insert(path, key, value, 0)
            return text
        end = self.line_end(self._head_end(parents[-1], path[-1]))
        start = f"{self.newline}{' ' * self.column(node.start)}"
        lines = (f"{start}{key}: {scalar(value, flow=False)}" for key, value in fields.items())
        return self.replaced((end, end, "".join(lines)))

    def remove(self, path: Sequence[Step]) -> str:
        """Remove the node at a path with its key, its comma or its lines."""
        nodes = chain(self.root, path)
        holder, step = nodes[-2], path[-1]
        place = holder.place(step)
        if place is None:
            raise ValueError("the path does not exist")
        if holder.flow:
            return self._remove_in_brackets(holder, place)
        if len(holder.children) == 1:
            return self.replace(path[:-1], {} if holder.kind is Kind.MAPPING else [])
        start, end = self._entry(holder, place), holder.children[place][1].end
        if self.text[self.line_start(start) : start].strip(" "):
            return self._remove_first(holder, start, end)
        return self.replaced((self.line_start(start), self.after(end), ""))

    def _remove_first(self, holder: Node, start: int, end: int) -> str:
        """Remove the first entry of a block that begins on the line of a dash, which stays."""
        following = self._entry(holder, 1)
        if "#" in self.text[end:following]:
            return self.replaced((start, end, ""))
        return self.replaced((start, following, ""))

    def _remove_in_brackets(self, holder: Node, place: int) -> str:
        key, value = holder.children[place]
        start, comma = (key or value).start, _TO_COMMA.match(self.text, value.end)
        end = comma.end() if comma else value.end
        line, rest = self.line_start(start), self.text[end : self.line_end(end)]
        if not self.text[line:start].strip() and (not rest.strip() or rest.lstrip().startswith("#")):
            return self.replaced((line, self.after(end), ""))
        if comma:
            return self.replaced((start, end + len(rest) - len(rest.lstrip(" ")), ""))
        before = holder.children[place - 1][1].end if place else start
        between = self.text[before:start]
        return self.replaced((start if LINE_END.search(between) or "#" in between else before, value.end, ""))

    def _insert_in_brackets(self, node: Node, entry: str, at: int) -> str:
        if at == 0:
            after = f"{entry}, " if node.children else entry
            return self.replaced((node.start + 1, node.start + 1, after))
        end = node.children[at - 1][1].end
        first = self._entry(node, at - 1)
        comma = _TO_COMMA.match(self.text, end)
        line_end = self.line_end(comma.end() if comma else end)
        rest = self.text[comma.end() if comma else end : line_end].strip()
        own_line = not self.text[self.line_start(first) : first].strip()
        if not own_line or (rest and not rest.startswith("#")):
            return self.replaced((end, end, f", {entry}"))
        line = f"{self.newline}{' ' * self.column(first)}{entry}"
        if comma:
            return self.replaced((line_end, line_end, f"{line},"))
        return self.replaced((end, end, ","), (line_end, line_end, line))

    def _replace_block(self, holder: Node, node: Node, step: Step, value: Any) -> str:
        head = self._head_end(holder, step)
        text = inline(value, self.column(head) + 1, in_flow=False, prefers=self._prefers(holder, value, node))
        first = self.line_start(node.start)
        if head >= first:  # the collection begins on the line of a dash
            text = text if text is not None else flow(value)
            return self.replaced((node.start, node.end, text))
        if text is not None:
            return self.replaced((head, head, f" {text}"), (first, self.after(node.end), ""))
        return self.replaced(
            (first, self.line_end(node.end), self._lines(value, holder, step).removeprefix(self.newline))
        )

    def _replace_by_block(self, holder: Node, node: Node, step: Step, value: Any) -> str:
        """Replace a scalar or brackets by a block, whose lines follow the line of the key or dash."""
        head, lines = self._head_end(holder, step), self._lines(value, holder, step)
        if LINE_END.search(self.text, head, node.start):
            end = self.line_end(head)
            return self.replaced((end, end, lines), (self.line_start(node.start), self.after(node.end), ""))
        end = self.line_end(node.end)
        comment = self._header_comment(node)
        return self.replaced((head, node.end, comment), (end, end, lines))

    def _header_comment(self, node: Node) -> str:
        """Return the comment beside the indicator of a block scalar, with the spaces before it."""
        found = _HEADER_COMMENT.match(self.text, node.start) if node.style in ("|", ">") else None
        return found[1] if found else ""

    def _inline(self, value: Any, node: Node, in_flow: bool, prefers: bool | None) -> str | None:
        if not isinstance(value, str) or isinstance(value, Notation):
            return inline(value, self.column(node.start), in_flow=in_flow, prefers=prefers)
        if node.style in ("|", ">"):
            below = LINE_END.split(self.text[node.start : node.end])[1:]
            columns = [len(line) - len(line.lstrip(" ")) for line in below if line.strip()]
            written = literal(value, min(columns, default=2))
            if written:
                return written.replace("\n", self.newline)
        return scalar(value, flow=in_flow, style=node.style)

    def _prefers(self, holder: Node, value: Any, old: Node | None = None) -> bool | None:
        """Return whether the items beside the value are in brackets; None if the value is no such item."""
        kind = Kind.MAPPING if isinstance(value, dict) else Kind.SEQUENCE
        if old is not None and old.kind is kind and old.children:
            return old.flow
        beside = [each.flow for _, each in holder.children if each.kind is kind and each.children]
        return beside[-1] if beside and holder.kind is Kind.SEQUENCE else None

    def _lines(self, value: Any, holder: Node, step: Step) -> str:
        """Return the lines of a block below a key or a dash, each with a line end before it."""
        place = holder.place(step) or 0
        column = self.column(self._entry(holder, place))
        depth = self.layout.mapping if isinstance(value, dict) else self.layout.sequence
        depth = depth if holder.kind is Kind.MAPPING else 2
        return "".join(f"{self.newline}{line}" for line in block(value, column + depth, self.layout))

    def _insert_lines(self, before: Node, lines: str) -> str:
        """Insert whole lines after the line on which a node ends."""
        if before.end and before.style in ("|", ">") and self.text[before.end - 1] in "\r\n":
            return self.replaced((before.end, before.end, f"{lines}{self.newline}"))
        end = self.line_end(before.end)
        return self.replaced((end, end, f"{self.newline}{lines}"))

    def _entry(self, holder: Node, place: int) -> int:
        """Return where the entry of a child begins: its key, its dash, or in brackets the value itself."""
        key, value = holder.children[place]
        if key is not None:
            return key.start
        if holder.flow:
            return value.start
        column, at = self.column(holder.start), value.start
        while (at := self.text.rfind("-", 0, at)) >= 0:
            if self.column(at) == column and self._is_dash(at):
                return at
        raise ValueError("a list item without a dash")

    def _is_dash(self, at: int) -> bool:
        before, after = self.text[self.line_start(at) : at], self.text[at + 1 : at + 2]
        return not before.strip(" -") and after in ("", " ", "\r", "\n")

    def _head_end(self, holder: Node, step: Step) -> int:
        """Return the end of what stands before a value: its colon or its dash."""
        place = holder.place(step) or 0
        key, _ = holder.children[place]
        return self.text.index(":", key.end) + 1 if key else self._entry(holder, place) + 1

    def _nested(self, node: Node) -> list[tuple[Node, int]]:
        """Return the block collections that are the value of a key, with the column of that key."""
        found = []
        for key, value in node.children:
            if key is not None and value.is_block:
                found.append((value, self.column(key.start)))
            found += self._nested(value)
        return found
