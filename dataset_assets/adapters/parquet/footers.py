"""Read the footer of a Parquet file: its columns, and what its statistics prove about their values.

Each footer is read once, with pyarrow; only `has_nanoseconds` and `is_all_null` read rows.
"""

# ruff: noqa: PLC0415 - pyarrow loads when a file is read, not when a target is read

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataset_assets.adapters.parquet.types import FileType, file_type
from dataset_assets.adapters.shared.fingerprint import Fingerprint
from dataset_assets.ports.relation import PhysicalType

_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895
"""0001-01-02 and 9999-12-30 as days since 1970: they are within the years 1 to 9999 in every zone."""
_UNITS_A_DAY = {"milliseconds": 86_400_000, "microseconds": 86_400_000_000, "nanoseconds": 86_400_000_000_000}


@dataclass(frozen=True)
class FooterColumn:
    """A column of one file. Nested columns have the type OTHER.

    `nulls` is None if the statistics do not count NULLs. `in_range` means that the statistics prove all dates
    and times to be within the years 1 to 9999 in every zone. `position` is the index in `Footer.names`.
    """

    name: str
    position: int
    kind: FileType
    nulls: int | None
    all_null: bool
    in_range: bool


@dataclass(frozen=True)
class Footer:
    """The footer of one file. `columns` are the requested columns, `names` the names of all columns."""

    path: Path
    rows: int
    names: tuple[str, ...]
    columns: tuple[FooterColumn, ...]

    @property
    def has_duplicate_names(self) -> bool:
        """Whether two of the requested columns have names that are equal or differ only in case."""
        return len({each.name.lower() for each in self.columns}) < len(self.columns)


def read_footer(path: Path, requested: frozenset[str] | None = None) -> Footer:
    """Return the footer with the columns whose lower-case names are in `requested`; None for all columns.

    Raises OSError for a file that is not readable Parquet, such as one that is still being written.
    """
    return _read(path, requested, Fingerprint.of(path))


@lru_cache(maxsize=4096)
def _read(path: Path, requested: frozenset[str] | None, fingerprint: Fingerprint) -> Footer:  # noqa: ARG001 - a key
    from pyarrow import ArrowException, parquet

    try:
        metadata = parquet.read_metadata(path)
        leaves = [metadata.schema.column(each) for each in range(metadata.num_columns)]
        tops = list(_top_level(leaves))
        names = tuple(name for name, start in tops if start)
        columns = tuple(_columns(metadata, leaves, tops, requested))
    except (ArrowException, ValueError, KeyError):
        raise OSError(0, "is not a whole Parquet file", str(path)) from None
    return Footer(path, metadata.num_rows, names, columns)


def _top_level(leaves: Sequence[Any]) -> Iterator[tuple[str, bool]]:
    """Yield the column that each leaf of the schema belongs to, and whether it is the column's first leaf."""
    last = None
    for leaf in leaves:
        name, path = leaf.name, leaf.path
        outer = None if path == name else path.partition(".")[0]
        yield outer or name, outer is None or outer != last
        last = outer


def _columns(
    metadata: Any, leaves: Sequence[Any], tops: Sequence[tuple[str, bool]], requested: frozenset[str] | None
) -> Iterator[FooterColumn]:
    position = -1
    for index, (leaf, (name, is_first)) in enumerate(zip(leaves, tops, strict=True)):
        position += is_first
        if not is_first or (requested is not None and name.lower() not in requested):
            continue
        chunks = [metadata.row_group(each).column(index) for each in range(metadata.num_row_groups)]
        statistics = [each.statistics for each in chunks]
        yield _column(name, position, leaf, statistics, metadata.num_rows)


def _column(name: str, position: int, leaf: Any, statistics: Sequence[Any], rows: int) -> FooterColumn:
    kind = file_type(leaf)
    is_counted = all(each is not None and each.has_null_count for each in statistics)
    nulls = rows if kind.is_null else sum(each.null_count for each in statistics) if is_counted else None
    if leaf.path != leaf.name or leaf.max_repetition_level:
        nulls = None
    return FooterColumn(name, position, kind, nulls, nulls == rows, _in_range(kind, leaf, statistics))


def _in_range(kind: FileType, leaf: Any, statistics: Sequence[Any]) -> bool:
    if kind.type not in {PhysicalType.DATE, PhysicalType.DATETIME, PhysicalType.TIMESTAMP}:
        return True
    if leaf.physical_type == "INT96":
        return False
    units = 1 if kind.type is PhysicalType.DATE else _UNITS_A_DAY[_unit(leaf)]
    return all(each is not None and _is_proven(each, units) for each in statistics)


def _is_proven(statistics: Any, units: int) -> bool:
    if not statistics.has_min_max:
        return statistics.has_null_count and not statistics.num_values
    return _FIRST_DAY * units <= statistics.min_raw <= statistics.max_raw < _LAST_DAY * units


def _unit(leaf: Any) -> str:
    return json.loads(leaf.logical_type.to_json())["timeUnit"]


def is_all_null(footer: Footer, column: FooterColumn) -> bool:
    """Return whether a column contains only NULL. Reads the column if the statistics do not count NULLs."""
    from pyarrow import parquet

    if column.nulls is not None or column.kind.native == "nested":
        return column.all_null
    file = parquet.ParquetFile(footer.path)
    columns = (each.column(0) for each in file.iter_batches(columns=[column.name]))
    return all(each.null_count == len(each) for each in columns)


def has_nanoseconds(path: Path, column: str) -> bool:
    """Return whether a column has a time that is not a whole number of microseconds.

    Reads the column once.
    """
    return _has_nanoseconds(path, column, Fingerprint.of(path))


@lru_cache(maxsize=100_000)
def _has_nanoseconds(path: Path, column: str, fingerprint: Fingerprint) -> bool:  # noqa: ARG001 - a key
    from pyarrow import parquet

    # 96-bit times beyond the year 2262 wrap as nanoseconds; the difference to their microseconds does not.
    exact = parquet.ParquetFile(path, coerce_int96_timestamp_unit="ns")
    is_int96 = any(
        each.name == column and each.physical_type == "INT96"
        for each in map(exact.schema.column, range(len(exact.schema)))
    )
    if not is_int96:
        return any((fine % 1000).any() for fine in _integers(exact, column))
    whole = parquet.ParquetFile(path, coerce_int96_timestamp_unit="us")
    both = zip(_integers(exact, column), _integers(whole, column), strict=True)
    return any((fine - micros * 1000).any() for fine, micros in both)


def _integers(file: Any, column: str) -> Iterator[Any]:
    """Yield the times of a column as numpy arrays of integers, with 0 for NULL.

    Batches need a tenth of the memory and of the CPU of a whole row group.
    """
    for batch in file.iter_batches(columns=[column]):
        yield batch.column(0).cast("int64").fill_null(0).to_numpy(zero_copy_only=False)
