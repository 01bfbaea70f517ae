"""Read the Periods of a published Delta table from its log: files, row counts and commits."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

from dataset_assets.adapters.delta.history import PastPublication
from dataset_assets.adapters.delta.log import add_actions, data_files, history
from dataset_assets.adapters.parquet.relation import DataFile
from dataset_assets.ports.warehouse import Claim

PERIOD = "_period"
_LAST = 8


def constants(period: str | None) -> dict[str, str]:
    """Return the columns, with their values, that a Period's files leave to the partition."""
    return {} if period is None else {PERIOD: period}


def filters(table: DeltaTable, period: str | None) -> list[tuple[str, str, str]] | None:
    """Return deltalake's partition filters of a Period; None if only one of the two has Periods."""
    if bool(table.metadata().partition_columns) != (period is not None):
        return None
    return [(PERIOD, "=", period)] if period is not None else []


def files(table: DeltaTable, folder: Path, period: str | None) -> list[DataFile]:
    """Return the data files of a Period, or of an unpartitioned table, below the table's folder."""
    if filters(table, period) is None:
        return []
    return data_files(table, folder, constants(period))


def first_files(table: DeltaTable) -> dict[str | None, str]:
    """Return the path of the first data file of each Period, as the log has it."""
    actions = table.get_add_actions(flatten=True)
    paths = actions.column("path").to_pylist()
    if not table.metadata().partition_columns:
        return {None: min(paths)} if paths else {}
    first: dict[str | None, str] = {}
    for period, path in zip(actions.column(f"partition.{PERIOD}").to_pylist(), paths, strict=True):
        first[period] = min(path, first.get(period, path))
    return first


def row_count(table: DeltaTable, period: str | None) -> int | None:
    """Return the row count of a Period; None if the log does not have it."""
    counts = add_actions(table, constants(period)).column("num_records").to_pylist()
    return None if None in counts else sum(counts)


def file_names(table: DeltaTable) -> set[str]:
    """Return the paths of all data files of a table, relative to its folder."""
    return set(map(unquote, table.get_add_actions().column("path").to_pylist()))


def periods(table: DeltaTable) -> list[str | None]:
    """Return the Periods that have files; `[None]` for an unpartitioned table."""
    if not table.metadata().partition_columns:
        return list(first_files(table))
    return list(dict.fromkeys(add_actions(table, {}).column(f"partition.{PERIOD}").to_pylist()))


def version_of(table: DeltaTable, claim: Claim, past: Iterable[PastPublication] = ()) -> int:
    """Return the table version that a claim's commit created; `past` are the publications of the history."""
    return next(_versions(table, claim, past))


def was_committed(table: DeltaTable, claim: Claim, past: Iterable[PastPublication]) -> bool:
    """Return whether any version of the table has the claim's rows."""
    return any(True for _ in _versions(table, claim, past))


def _versions(table: DeltaTable, claim: Claim, past: Iterable[PastPublication]) -> Iterator[int]:
    """Yield the versions that a claim committed; the same version can be yielded twice.

    The last commits are read first, because the version is nearly always one of them.
    """
    key = (str(claim.token), claim.period or "")
    for limit in (_LAST, None):
        for entry in history(table, limit):
            if (entry.get("token"), entry.get("period")) == key:
                yield entry["version"]
    yield from (each.version for each in past if (each.token, each.period or "") == key)
