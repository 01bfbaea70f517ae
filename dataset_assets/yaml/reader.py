"""Read YAML without its surprising features, and keep the position of every node (BR-204).

A scalar is returned as text; the type of a field decides later what it means.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from dataset_assets.cached_property import cached_property
from dataset_assets.errors import ContractError, Fault, Position
from dataset_assets.system_errors import system_reason
from dataset_assets.yaml.plain import MAX_NODES, NotPlainError, plain_data
from dataset_assets.yaml.positions import Place, PositionReader, child_of
from dataset_assets.yaml.syntax import decode, forbidden_character

MAX_BYTES = 1 << 20
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, which is ten times as fast, if PyYAML was built with it. Only events are used."""

_BOM = "\ufeff"


class KnownData(ABC):
    """The data of files that were read before and had no fault, by the SHA-256 of their bytes."""

    @abstractmethod
    def data(self, key: str) -> Any:
        """Return the data of a file, which is a mapping; None if it is not known."""

    @abstractmethod
    def keep_data(self, key: str, data: Any) -> None:
        """Remember the data of a file."""


@dataclass(frozen=True)
class Document:
    """The data of one file with the position of every value. `data` consists of dict, list, str and None.

    `path` is the path that messages show. Positions are read from the text when the first is asked for.
    """

    path: str
    data: Any
    _text: str | bytes = field(repr=False, compare=False)
    _below: tuple[str, ...] = field(default=(), repr=False, compare=False)
    sha256: str = field(default="", repr=False, compare=False)
    """The digest of the file's bytes; empty if it is not known."""

    @cached_property
    def _root(self) -> Place:
        text = self._text.decode() if isinstance(self._text, bytes) else self._text
        place = PositionReader(text.removeprefix(_BOM), self.path, PARSER).places()
        for key in self._below:
            place = child_of(place, key) or place
        return place

    def position(self, loc: Sequence[str | int], key: bool = False) -> Position:
        """Return the position of the value at a path, or of its key.

        If the path does not exist, return the position of its nearest ancestor.
        """
        place = self._root
        for step in loc:
            child = child_of(place, step)
            if child is None:
                key = False
                break
            place = child
        mark = place.key if key else place.mark
        return Position(self.path, mark.line + 1, mark.column + 1)

    def part(self, key: str, *kept: str) -> "Document":
        """Return the value of `key` as a document of its own, with only the `kept` keys of that value."""
        has_part = isinstance(self.data, dict) and key in self.data
        data = self.data[key] if has_part else None
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if name in kept}
        return Document(self.path, data, self._text, (*self._below, key) if has_part else self._below)


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
    decoded = decoded.removeprefix(_BOM)
    forbidden = forbidden_character(decoded, path)
    if forbidden:
        raise ContractError(forbidden)
    return Document(path, _data(decoded, path), decoded)


def _data(text: str, path: str) -> Any:
    """Return the data of a text. Only one that may have a fault is read with positions."""
    if len(text) < MAX_NODES:
        with suppress(NotPlainError):
            return plain_data(text, PARSER)
    return PositionReader(text, path, PARSER).data()


def read_file(path: Path, shown: str | None = None, known: KnownData | None = None) -> Document:
    """Read and parse a file, unless its data is known.

    Raises ContractError with every fault, also if the file cannot be read.
    """
    name = shown or str(path)
    try:
        data = _head(path)
    except (OSError, ValueError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        message = f"cannot be read: {reason}"
        raise ContractError(Fault(message, position=Position(name, 1, 1))) from None
    if known is None:
        return read(data, name)
    key = sha256(data).hexdigest()
    found = known.data(key)
    if found is not None:
        return Document(name, found, data, sha256=key)
    document = replace(read(data, name), sha256=key)
    known.keep_data(key, document.data)
    return document


def _head(path: Path) -> bytes:
    """Read at most one byte more than is allowed. Raises OSError for a pipe or device, which could block."""
    if path.exists() and not path.is_file():
        raise OSError(None, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
