"""Read the record of a publication from its file, when something of it is asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from dataset_assets.adapters.delta.folder import read_json
from dataset_assets.cached_property import cached_property

_HEAD = 1024
_PERIOD_START = re.compile(
    rb'\{"dataset": "[^"\\]*", "dataset_id": "[^"\\]*", "version": \d+, "sha256": "[^"\\]*", '
    rb'"period": (?:null|"[^"\\]*"), "period_start": (?:null|"(?P<start>[^"\\]*)")[,}]'
)
"""The first keys of a record, in the order in which they are written."""


@dataclass(frozen=True)
class StoredRecord(Mapping[str, Any]):
    """The record in a file, which is read at the first access to a key.

    A dataset can have thousands of Periods, of which most readers need the last. `period_start` is known from
    the first bytes of the file.
    """

    path: Path
    period_start: str

    @cached_property
    def _record(self) -> Mapping[str, Any]:
        return read_json(self.path)

    @override
    def __getitem__(self, key: str) -> Any:
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
        with path.open("rb") as file:
            head = _PERIOD_START.match(file.read(_HEAD))
    except FileNotFoundError:
        return {}
    if head is None:
        return read_json(path)
    return StoredRecord(path, (head["start"] or b"").decode())


def period_start(record: Mapping[str, Any]) -> str:
    """Return the first instant of the record's Period; empty without one."""
    if isinstance(record, StoredRecord):
        return record.period_start
    return str(record.get("period_start") or "")
