"""Keep of a record only what a status needs: thousands of records are in memory at once."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from dataset_assets.cached_property import cached_property
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.warehouse import Record

_STATISTICS = "statistics"
_LARGE = ("definition", "sql", "checks", "columns", _STATISTICS)
"""Keys of a record that no status needs as they are."""
_CONTINUED = ("definition", "columns")
"""Those of them that a status compares with the file if the record is of a bitemporal table."""


def compact(record: Record) -> Record:
    """Return a record whose statistics say only which columns are sensitive, without other large parts.

    A record that is not a dictionary reads its large parts when they are accessed, and continues to do so.
    """
    if not isinstance(record, dict):
        return _CompactRecord(record)
    needed = _CONTINUED if LOADED_PERIODS in record else ()
    kept = {key: value for key, value in record.items() if key in needed or key not in _LARGE}
    return {**kept, _STATISTICS: _sensitivity(record)}


@dataclass(frozen=True, eq=False)
class _CompactRecord(Mapping[str, Any]):
    """A record that reads its large parts when they are accessed, and keeps little of its statistics."""

    record: Record

    @cached_property
    def _statistics(self) -> Mapping[str, Any]:
        return _sensitivity(copy(self.record))  # the copy ends with all that it has read

    @override
    def __getitem__(self, key: str) -> Any:
        return self._statistics if key == _STATISTICS else self.record[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.record)

    @override
    def __len__(self) -> int:
        return len(self.record)

    def __bool__(self) -> bool:
        """Return the truth of the record, which it knows without reading its parts."""
        return bool(self.record)


def _sensitivity(record: Record) -> Mapping[str, Any]:
    """Return the statistics of a record with nothing but the sensitivity of its columns."""
    columns = record.get(_STATISTICS, {}).get("columns", {})
    return {"columns": {name: {"sensitive": each.get("sensitive", False)} for name, each in columns.items()}}
