"""Read YAML without its surprising features, and keep the position of every node (BR-204).

A scalar is returned as text; the type of a field decides later what it means.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from dataset_assets.errors import MOST_FAULTS, ContractError, Fault, Position, more_faults, raise_all
from dataset_assets.system_errors import system_reason
from dataset_assets.text.wording import dotted, shown
from dataset_assets.yaml.syntax import decode, forbidden_character, forbidden_escape, syntax_fault

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 100_000
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, which is ten times as fast, if PyYAML was built with it. Only events are used."""

_NULLS = frozenset({"", "~", "null"})


class _Place(NamedTuple):
    """The marks of a node and of its key (the parser counts from 0), and the places of the children."""

    mark: Any
    key: Any
    children: "dict[str, _Place] | list[_Place] | None"


@dataclass(frozen=True)
class Document:
    """The data of one file with the position of every value. `data` consists of dict, list, str and None.

    `path` is the path that messages show.
    """

    path: str
    data: Any
    _root: _Place = field(repr=False, compare=False)

    def position(self, loc: Sequence[str | int], key: bool = False) -> Position:
        """Return the position of the value at a path, or of its key.

        If the path does not exist, return the position of its nearest ancestor.
        """
        place = self._root
        for step in loc:
            child = _child(place, step)
            if child is None:
                key = False
                break
            place = child
        mark = place.key if key else place.mark
        return Position(self.path, mark.line + 1, mark.column + 1)

    def part(self, key: str, *kept: str) -> "Document":
        """Return the value of `key` as a document of its own, with only the `kept` keys of that value."""
        place = _child(self._root, key)
        data = self.data.get(key) if place and isinstance(self.data, dict) else None
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if name in kept}
        return Document(self.path, data, place or self._root)


def _child(place: _Place, step: str | int) -> _Place | None:
    match place.children:
        case dict() as children if isinstance(step, str):
            return children.get(step)
        case list() as children if isinstance(step, int) and 0 <= step < len(children):
            return children[step]
    return None


def read(text: str | bytes, path: str) -> Document:
    """Parse a text; `path` is the path that messages show. Raises ContractError with every fault.

    A syntax error or an exceeded limit ends the parsing, so that only faults before it are reported as well.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        raise ContractError(Fault(message, hint="split it", position=Position(path, 1, 1)))
    decoded = decode(text, path) if isinstance(text, bytes) else text
    if isinstance(decoded, Fault):
        raise ContractError(decoded)
    decoded = decoded.removeprefix("\ufeff")
    forbidden = forbidden_character(decoded, path)
    if forbidden:
        raise ContractError(forbidden)
    return _Reading(decoded, path).document()


def read_file(path: Path, shown: str | None = None) -> Document:
    """Read and parse a file. Raises ContractError with every fault, also if the file cannot be read."""
    name = shown or str(path)
    try:
        data = _head(path)
    except (OSError, ValueError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        message = f"cannot be read: {reason}"
        raise ContractError(Fault(message, position=Position(name, 1, 1))) from None
    return read(data, name)


def _head(path: Path) -> bytes:
    """Read at most one byte more than is allowed. Raises OSError for a pipe or device, which could block."""
    if path.exists() and not path.is_file():
        raise OSError(None, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


class _Reading:
    """One pass over the events of the parser. `trail` is the path of the node that is being parsed."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.faults: list[Fault] = []
        self.uncounted = 0
        self.trail: list[str | int] = []
        self.nodes = 0
        self.reached: Any = yaml.Mark(path, 0, 0, 0, None, 0)

    def document(self) -> Document:
        """Parse the text. Raises ContractError with all faults."""
        try:
            self.parser = PARSER(self.text)
            document = self._document()
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML's own scanner lets int() and chr() fail on absurd versions and escapes.
            reached = self._position(self.reached)
            fault = syntax_fault(error, self.text, self.path, reached)
            raise ContractError(*self._all_faults(), fault) from None
        raise_all(ContractError, self._all_faults())
        return document

    def _document(self) -> Document:
        data: Any = None
        place = _Place(self.reached, self.reached, None)
        started = False
        while not isinstance(event := self._next(), StreamEndEvent):
            if not isinstance(event, DocumentStartEvent):
                continue
            if started:
                self._stop(event.start_mark, "a second document begins here", "write it to a file of its own")
            if event.version or event.tags:
                self._fault(event.start_mark, "directives (`%YAML`, `%TAG`) are not allowed", "remove them")
            started = True
            data, place = self._node(self._next())
        return Document(self.path, data, place)

    def _next(self) -> Event:
        event = self.parser.get_event()
        self.reached = event.start_mark
        return event

    def _node(self, event: Any, key: Any = None) -> tuple[Any, _Place]:
        """Return the data and the place of the node that an event begins; `key` is the mark of its key."""
        mark = event.start_mark
        kind = type(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(mark, f"the file has more than {MAX_NODES} values and keys", "split it")
        if kind is AliasEvent:
            self._fault(mark, f"`*{event.anchor}` is an alias", "write the value out, or quote the text")
            return None, _Place(mark, key or mark, None)
        if event.anchor:
            self._fault(mark, f"`&{event.anchor}` is an anchor", "remove it, or quote the text")
        if event.tag:
            self._fault(mark, f"has the tag {shown(event.tag)}", "remove it, or quote the text")
        if kind is ScalarEvent:
            return self._scalar(event), _Place(mark, key or mark, None)
        if len(self.trail) >= MAX_DEPTH:
            self._stop(mark, f"is nested more than {MAX_DEPTH} levels deep", "use fewer levels")
        build = self._mapping if kind is MappingStartEvent else self._sequence
        data, children = build()
        return data, _Place(mark, key or mark, children)

    def _scalar(self, event: ScalarEvent) -> str | None:
        if not event.style:
            return None if event.value in _NULLS else event.value
        if event.style == '"' and (code := forbidden_escape(event.value)):
            self._fault(event.start_mark, f"holds the control character {code}", "remove it")
        return event.value

    def _sequence(self) -> tuple[list[Any], list[_Place]]:
        data: list[Any] = []
        children: list[_Place] = []
        self.trail.append(0)
        while type(event := self._next()) is not SequenceEndEvent:
            self.trail[-1] = len(data)
            value, place = self._node(event)
            data.append(value)
            children.append(place)
        self.trail.pop()
        return data, children

    def _mapping(self) -> tuple[dict[str, Any], dict[str, _Place]]:
        data: dict[str, Any] = {}
        children: dict[str, _Place] = {}
        self.trail.append("?")
        while type(event := self._next()) is not MappingEndEvent:
            name = self.trail[-1] = event.value if type(event) is ScalarEvent else "?"
            self._node(event)
            self._check_key(event, children)
            value, place = self._node(self._next(), event.start_mark)
            if name not in data:
                data[name] = value
                children[name] = place
        self.trail.pop()
        return data, children

    def _check_key(self, event: Any, seen: dict[str, _Place]) -> None:
        mark = event.start_mark
        if type(event) is AliasEvent:
            return
        if type(event) is not ScalarEvent:
            self._fault(mark, "a key must be a plain word, not a list or a mapping", "quote the text")
        elif not event.style and event.value == "<<":
            self._fault(mark, "`<<` merges mappings, which is not allowed", "write the keys out")
        elif not event.style and not event.value:
            self._fault(mark, "a key is missing before `:`", "write it as `key: value`")
        elif event.value in seen:
            first = seen[event.value].key.line + 1
            message = f"the key {shown(event.value)} is given twice, first on line {first}"
            self._fault(mark, message, "keep one of them")

    def _position(self, mark: Any) -> Position:
        return Position(self.path, mark.line + 1, mark.column + 1)

    def _all_faults(self) -> list[Fault]:
        """Return the first MOST_FAULTS faults, and one fault that counts the others."""
        rest = [more_faults(self.uncounted, self.faults[-1].position)] if self.uncounted else []
        return [*self.faults, *rest]

    def _fault(self, mark: Any, message: str, hint: str) -> None:
        if len(self.faults) >= MOST_FAULTS:
            self.uncounted += 1
            return
        self.faults.append(Fault(message, dotted(self.trail), hint, self._position(mark)))

    def _stop(self, mark: Any, message: str, hint: str) -> None:
        """Raise ContractError with this fault and all before it, without parsing the rest."""
        self._fault(mark, message, hint)
        raise ContractError(*self._all_faults())
