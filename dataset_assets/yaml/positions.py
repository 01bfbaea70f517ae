"""Read a YAML text with the position of every node, and report every fault in it (BR-204)."""

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
from dataset_assets.text.wording import dotted, shown
from dataset_assets.yaml.plain import MAX_DEPTH, MAX_NODES, NULLS
from dataset_assets.yaml.syntax import forbidden_escape, syntax_fault


class Place(NamedTuple):
    """The marks of a node and of its key (the parser counts from 0), and the places of the children."""

    mark: Any
    key: Any
    children: "dict[str, Place] | list[Place] | None"


def child_of(place: Place, step: str | int) -> Place | None:
    """Return the place of a key or an index below a place; None if there is none."""
    match place.children:
        case dict() as children if isinstance(step, str):
            return children.get(step)
        case list() as children if isinstance(step, int) and 0 <= step < len(children):
            return children[step]
    return None


class PositionReader:
    """One pass over the events of the parser. `trail` is the path of the node that is being parsed."""

    def __init__(self, text: str, path: str, parser: Any) -> None:
        self.text = text
        self.parser_type = parser
        self.path = path
        self.faults: list[Fault] = []
        self.uncounted = 0
        self.trail: list[str | int] = []
        self.nodes = 0
        self.reached: Any = yaml.Mark(path, 0, 0, 0, None, 0)

    def data(self) -> Any:
        """Parse the text and return its data. Raises ContractError with all faults."""
        return self._read()[0]

    def places(self) -> Place:
        """Parse the text and return the place of its root. Raises ContractError with all faults."""
        return self._read()[1]

    def _read(self) -> tuple[Any, Place]:
        try:
            self.parser = self.parser_type(self.text)
            found = self._document()
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML's own scanner lets int() and chr() fail on absurd versions and escapes.
            reached = self._position(self.reached)
            fault = syntax_fault(error, self.text, self.path, reached)
            raise ContractError(*self._all_faults(), fault) from None
        raise_all(ContractError, self._all_faults())
        return found

    def _document(self) -> tuple[Any, Place]:
        data: Any = None
        place = Place(self.reached, self.reached, None)
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
        return data, place

    def _next(self) -> Event:
        event = self.parser.get_event()
        self.reached = event.start_mark
        return event

    def _node(self, event: Any, key: Any = None) -> tuple[Any, Place]:
        """Return the data and the place of the node that an event begins; `key` is the mark of its key."""
        mark = event.start_mark
        kind = type(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(mark, f"the file has more than {MAX_NODES} values and keys", "split it")
        if kind is AliasEvent:
            self._fault(mark, f"`*{event.anchor}` is an alias", "write the value out, or quote the text")
            return None, Place(mark, key or mark, None)
        if event.anchor:
            self._fault(mark, f"`&{event.anchor}` is an anchor", "remove it, or quote the text")
        if event.tag:
            self._fault(mark, f"has the tag {shown(event.tag)}", "remove it, or quote the text")
        if kind is ScalarEvent:
            return self._scalar(event), Place(mark, key or mark, None)
        if len(self.trail) >= MAX_DEPTH:
            self._stop(mark, f"is nested more than {MAX_DEPTH} levels deep", "use fewer levels")
        build = self._mapping if kind is MappingStartEvent else self._sequence
        data, children = build()
        return data, Place(mark, key or mark, children)

    def _scalar(self, event: ScalarEvent) -> str | None:
        if not event.style:
            return None if event.value in NULLS else event.value
        if event.style == '"' and (code := forbidden_escape(event.value)):
            self._fault(event.start_mark, f"holds the control character {code}", "remove it")
        return event.value

    def _sequence(self) -> tuple[list[Any], list[Place]]:
        data: list[Any] = []
        children: list[Place] = []
        self.trail.append(0)
        while type(event := self._next()) is not SequenceEndEvent:
            self.trail[-1] = len(data)
            value, place = self._node(event)
            data.append(value)
            children.append(place)
        self.trail.pop()
        return data, children

    def _mapping(self) -> tuple[dict[str, Any], dict[str, Place]]:
        data: dict[str, Any] = {}
        children: dict[str, Place] = {}
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

    def _check_key(self, event: Any, seen: dict[str, Place]) -> None:
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
