"""What a published table's log says of its Periods."""

from collections.abc import Iterator
from pathlib import Path

from deltalake import DeltaTable

from dataset_assets.adapters.delta.log import data_files, history
from dataset_assets.adapters.parquet.relation import DataFile
from dataset_assets.ports.warehouse import Claim

PERIOD = "_period"
_LAST = 8


def constants(period: str | None) -> dict[str, str]:
    """The columns whose values a Period's files do not hold."""
    return {} if period is None else {PERIOD: period}


def filters(table: DeltaTable, period: str | None) -> list[tuple[str, str, str]] | None:
    """None where the table has no such partition at all."""
    if bool(table.metadata().partition_columns) != (period is not None):
        return None
    return [(PERIOD, "=", period)] if period is not None else []


def files(table: DeltaTable, folder: Path, period: str | None) -> list[DataFile]:
    """Return the data files of a Period, or of an unpartitioned table, below the table's folder."""
    wanted = filters(table, period)
    if wanted is None:
        return []
    return [each for each in data_files(table, folder) if not wanted or each.values.get(PERIOD) == period]


def by_period(table: DeltaTable) -> dict[str | None, str]:
    """The first data file of each Period, as the log names it."""
    actions = table.get_add_actions(flatten=True)
    paths = actions.column("path").to_pylist()
    if not table.metadata().partition_columns:
        return {None: min(paths)} if paths else {}
    found: dict[str | None, str] = {}
    for period, path in zip(actions.column(f"partition.{PERIOD}").to_pylist(), paths, strict=True):
        found[period] = min(path, found.get(period, path))
    return found


def rows(table: DeltaTable, period: str | None) -> int | None:
    """The row count of a Period, where the log knows it."""
    actions = table.get_add_actions(flatten=True)
    counts = actions.column("num_records").to_pylist()
    if period is not None:
        of = actions.column(f"partition.{PERIOD}").to_pylist()
        counts = [count for count, value in zip(counts, of, strict=True) if value == period]
    return None if None in counts else sum(counts)


def periods(table: DeltaTable) -> list[str | None]:
    """The Periods that have files; `[None]` for an unpartitioned table."""
    return list(by_period(table))


def claims(table: DeltaTable, dataset: str, period: str | None) -> Iterator[Claim]:
    """Those that were published, the newest first."""
    for entry in history(table):
        if entry.get("token") and entry.get("period") == (period or ""):
            yield Claim(dataset, period, int(entry["token"]), entry["run_id"])


def version_of(table: DeltaTable, claim: Claim) -> int:
    """The table's version that a claim's commit made."""
    return next(_versions(table, claim))


def was_committed(table: DeltaTable, claim: Claim) -> bool:
    """Whether any version has the claim's rows."""
    return any(True for _ in _versions(table, claim))


def _versions(table: DeltaTable, claim: Claim) -> Iterator[int]:
    """It may be told twice: nearly always it is one of the last, and all would be many to read."""
    wanted = (str(claim.token), claim.period or "")
    for most in (_LAST, None):
        for entry in history(table, most):
            if (entry.get("token"), entry.get("period")) == wanted:
                yield entry["version"]
