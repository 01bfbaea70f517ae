"""Write the YAML text of a dataset as a person would: keys in the usual order, short values on one line."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import yaml

from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import visible
from dataset_assets.text.wording import dotted

WIDTH = 110
"""The length of a line that is not exceeded, except by a single long text."""

_BLOCKS = frozenset({"main_table", "columns", "lookups", "column_mapping", "filters"})
"""Keys whose values are written with each item on a line of its own, however short they are."""
_ALWAYS_WRITTEN = ("status",)

Comments = Mapping[str, str]
"""Dotted path of a key (`dataset.split_config`) → the comment above it."""


def file_text(dataset: Dataset, comments: Comments | None = None, heading: str = "") -> str:
    """Return the text of a dataset's file. Loading it gives the dataset back.

    Settings that equal their defaults are left out, except the status. `heading` is the comment above all.
    """
    data = dataset.model_dump(mode="python", exclude_defaults=True)
    for key in _ALWAYS_WRITTEN:
        data[key] = getattr(dataset, key)
    ordered = {key: data[key] for key in Dataset.model_fields if key in data}
    writer = _Writer(comments or {})
    lines = [*_comment(heading, 0), f"{ROOT}:", *writer.mapping(ordered, (ROOT,), 2)]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, comments: Comments) -> None:
        self.comments = comments

    def mapping(self, data: Mapping[str, Any], path: tuple[str | int, ...], indent: int) -> Iterator[str]:
        """Yield the lines of a mapping in block style."""
        for key, value in _in_order(data):
            here = (*path, key)
            yield from _comment(self.comments.get(dotted(here), ""), indent)
            yield from self.pair(key, value, here, indent)

    def pair(self, key: str, value: Any, path: tuple[str | int, ...], indent: int) -> Iterator[str]:
        """Yield the lines of one key: its value on the same line if it is short, else below."""
        line = f"{' ' * indent}{key}: {flow(value)}"
        if not _is_collection(value) or (len(line) <= WIDTH and not _is_block(key, value)):
            yield line
            return
        yield f"{' ' * indent}{key}:"
        yield from self.block(value, path, indent + 2)

    def block(self, value: Any, path: tuple[str | int, ...], indent: int) -> Iterator[str]:
        """Yield the lines of a mapping or a list below its key."""
        if isinstance(value, Mapping):
            yield from self.mapping(value, path, indent)
            return
        for number, item in enumerate(value):
            line = f"{' ' * indent}- {flow(item)}"
            if not isinstance(item, Mapping) or (len(line) <= WIDTH and not _is_nested(item)):
                yield line
                continue
            first, *rest = self.mapping(item, (*path, number), indent + 2)
            yield f"{' ' * indent}- {first.lstrip()}"
            yield from rest


def _in_order(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the items with the key that chooses a kind first, as in `{type: rolling, months: 6}`."""
    chooses = "type" in data and ("name" not in data or "columns" in data)
    if chooses:
        yield "type", data["type"]
    yield from ((key, value) for key, value in data.items() if not (chooses and key == "type"))


def _is_block(key: str, value: Any) -> bool:
    return bool(value) and (key in _BLOCKS or (isinstance(value, Mapping) and _is_nested(value)))


def _is_nested(item: Mapping[str, Any]) -> bool:
    """Return whether a mapping contains mappings or lists of them, which read badly on one line."""
    values = list(item.values())
    return any(isinstance(each, Mapping) for each in values) or any(
        isinstance(each, list | tuple) and any(isinstance(inner, Mapping) for inner in each)
        for each in values
    )


def _is_collection(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def flow(value: Any) -> str:
    """Return a value on one line, with lists in `[ ]` and mappings in `{ }`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in _in_order(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Return a value as YAML on one line; a text is quoted where anything else could be read instead."""
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return _text(str(value.value))
        case datetime():
            return f'"{value.isoformat().replace("+00:00", "Z")}"'
        case Decimal():
            return f"{value:f}"
        case str():
            return _text(value)
    return str(value)


def _text(value: str) -> str:
    """Return a text that is safe in a list or a mapping on one line; line ends are escaped."""
    lines = "\n" in value or "\r" in value or not value.isprintable()
    style = '"' if lines else None
    options: dict[str, Any] = {"default_flow_style": True, "allow_unicode": True, "width": float("inf")}
    return yaml.safe_dump([value], default_style=style, **options).strip()[1:-1]


def _comment(text: str, indent: int) -> Iterator[str]:
    """Yield the lines of a comment, broken between words."""
    for paragraph in text.splitlines():
        for line in textwrap.wrap(visible(paragraph), WIDTH - indent - 2, break_long_words=False):
            yield f"{' ' * indent}# {line}"
