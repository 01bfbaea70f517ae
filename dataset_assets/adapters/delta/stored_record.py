"""Read the record of a publication from its file, and only the parts of it that are asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from typing_extensions import override

from dataset_assets.adapters.delta.folder import read_json
from dataset_assets.cached_property import cached_property
from dataset_assets.ports.record_marks import CONFIRMATION, LOADED_PERIODS

_PERIOD_START = re.compile(
    rb'\{"dataset": "[^"\\]*", "dataset_id": "[^"\\]*", "version": \d+, "sha256": "[^"\\]*", '
    rb'"period": (?:null|"[^"\\]*"), "period_start": (?:null|"(?P<start>[^"\\]*)")[,}]'
)
"""The first keys of a record, in the order in which they are written."""

_LARGE_PARTS = (
    (b', "definition": {', b', "counts": {'),
    (b', "statistics": {', b', "%s": {' % CONFIRMATION.encode()),
)
"""The parts of a record that few readers need, each by how it begins and how what follows begins."""


_OPTIONAL = (CONFIRMATION, LOADED_PERIODS)
"""Keys that many records lack: if they are not outside of the large parts, they are nowhere."""


@dataclass(frozen=True)
class StoredRecord(Mapping[str, Any]):
    """The record in a file, of which the large parts are read when one of their keys is accessed.

    A warehouse can have a hundred thousand of them, of which most readers need figures and versions.
    `period_start` is known without parsing anything.
    """

    path: Path
    period_start: str
    _small_part: bytes | None = field(repr=False)

    @cached_property
    def _small(self) -> Mapping[str, Any]:
        """The record without its large parts; empty if they cannot be separated."""
        try:
            found = from_json(self._small_part) if self._small_part else {}
        except ValueError:
            return {}
        return found if found.get("counts") else {}

    @cached_property
    def _record(self) -> Mapping[str, Any]:
        return read_json(self.path)

    @override
    def __getitem__(self, key: str) -> Any:
        small = self._small
        if key in small:
            return small[key]
        if small and key in _OPTIONAL:
            raise KeyError(key)
        return self._record[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    @override
    def __len__(self) -> int:
        return len(self._record)

    def __bool__(self) -> bool:
        """Return True without reading the record: a lost record is an empty mapping of another type."""
        return True


def stored_record(path: Path) -> Mapping[str, Any]:
    """Return the record in a file; an empty one if there is no file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    head = _PERIOD_START.match(text)
    if head is None:
        return from_json(text)
    return StoredRecord(path, (head["start"] or b"").decode(), _without_large_parts(text))


def _without_large_parts(text: bytes) -> bytes | None:
    """Return the JSON of a record without its large parts; None if it has none of them.

    A quotation mark within a text is escaped, so that a key is never found in one.
    """
    (definition, counts), (statistics, confirmation) = _LARGE_PARTS
    first = text.find(definition)
    second = text.find(counts, first)
    third = text.find(statistics, second)
    if min(first, second, third) < 0:
        return None
    last = text.rfind(confirmation, third)
    return text[:first] + text[second:third] + (text[last:] if last >= 0 else b"}")


def period_start(record: Mapping[str, Any]) -> str:
    """Return the first instant of the record's Period; empty without one."""
    if isinstance(record, StoredRecord):
        return record.period_start
    return str(record.get("period_start") or "")
