"""Read the data of a YAML text that uses none of the features that are refused, without positions.

Nearly all files are of that kind, and positions are only asked for to report a fault.
"""

from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dataset_assets.yaml.syntax import forbidden_escape

MAX_DEPTH = 32
MAX_NODES = 100_000
NULLS = frozenset({"", "~", "null"})
"""The texts without quotation marks that stand for no value."""

_NextEvent = Callable[[], Any]


class NotPlainError(Exception):
    """The text may have a fault: it is to be read with positions."""


def plain_data(text: str, parser: Any) -> Any:
    """Return the data of a text, which consists of dict, list, str and None, by the events of a parser.

    Raises NotPlainError for a text that has a fault, and for an empty one. Nodes are not counted: a text has
    fewer of them than characters.
    """
    try:
        next_event = parser(text).get_event
        next_event()  # the start of the stream
        start = next_event()
        if type(start) is not DocumentStartEvent or start.version or start.tags:
            raise NotPlainError
        data = _value(next_event, next_event(), 0)
        if type(next_event()) is not DocumentEndEvent or type(next_event()) is not StreamEndEvent:
            raise NotPlainError
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise NotPlainError from error
    return data


def _value(next_event: _NextEvent, event: Any, depth: int) -> Any:
    kind = type(event)
    if kind is ScalarEvent:
        value = _scalar(event)
        return None if value in NULLS and not event.style else value
    if kind not in (MappingStartEvent, SequenceStartEvent) or event.anchor or event.tag or depth >= MAX_DEPTH:
        raise NotPlainError
    return (_mapping if kind is MappingStartEvent else _sequence)(next_event, depth + 1)


def _scalar(event: Any) -> str:
    value: str = event.value
    if event.anchor or event.tag or (event.style == '"' and forbidden_escape(value)):
        raise NotPlainError
    return value


def _sequence(next_event: _NextEvent, depth: int) -> list[Any]:
    data: list[Any] = []
    while type(event := next_event()) is not SequenceEndEvent:
        data.append(_value(next_event, event, depth))
    return data


def _mapping(next_event: _NextEvent, depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    while type(event := next_event()) is not MappingEndEvent:
        if type(event) is not ScalarEvent:
            raise NotPlainError
        key = _scalar(event)
        if key in data or (not event.style and key in ("", "<<")):
            raise NotPlainError
        data[key] = _value(next_event, next_event(), depth)
    return data
