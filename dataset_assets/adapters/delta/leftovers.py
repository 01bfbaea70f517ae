"""Find and remove the files that unfinished runs left in the folders of published Delta tables.

Rows are staged, then moved to their final path, then committed. A run that dies before the commit leaves a
file that no reader sees. The next run of the same Period removes it, or the cleanup sensor.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.history import History
from dataset_assets.adapters.delta.log import open_table
from dataset_assets.ports.warehouse import Claim, Leftover


def find_leftovers(root: Path) -> Iterator[Leftover]:
    """Yield the leftovers of all datasets in `root`, including the files of runs that are still running."""
    for path in sorted(root.glob("*/_staging/*/*.parquet")):
        yield from _leftover(root, path)
    for claims in sorted(root.glob("*/_claims")):
        folder = DatasetFolder(claims.parent)
        for path in _uncommitted(folder, folder.claims()):
            yield from _leftover(root, path)


def remove_leftover(root: Path, leftover: Leftover) -> bool:
    """Remove a leftover and return True; return False if it is gone or was published in the meantime."""
    path = root / leftover.name
    folder = DatasetFolder(root / Path(leftover.name).parts[0])
    with folder.locked():
        is_staged = "_staging" in path.relative_to(root).parts
        if not path.exists() or not (is_staged or _is_uncommitted(folder, path)):
            return False
        _remove(folder, path)
    return True


def remove_of_claim(folder: DatasetFolder, last: Claim, table: DeltaTable | None) -> None:
    """Remove the leftovers of the last claim's Period; the caller holds the lock.

    `table` is the newest version of the folder's table, None if nothing is published. Only the last claim of
    a Period can have a file at its final path that was not committed.
    """
    for path in folder.staging_path(last).parent.glob("*"):
        path.unlink(missing_ok=True)
    for path in _uncommitted_of(folder, {folder.data_path(last): last}, table):
        _remove(folder, path)


def _is_uncommitted(folder: DatasetFolder, path: Path) -> bool:
    return path in _uncommitted(
        folder, (claim for claim in folder.claims() if folder.data_path(claim) == path)
    )


def _uncommitted(folder: DatasetFolder, claims: Iterable[Claim]) -> Iterator[Path]:
    """Yield the claims' files that belong to no version of the table, not even an earlier one.

    The table is opened once for all claims, because there may be hundreds of Periods.
    """
    paths = {folder.data_path(claim): claim for claim in claims}
    existing = {path: claim for path, claim in paths.items() if path.exists()}
    if existing:
        yield from _uncommitted_of(folder, existing, _open_or_none(folder))


def _uncommitted_of(
    folder: DatasetFolder, claims: Mapping[Path, Claim], table: DeltaTable | None
) -> Iterator[Path]:
    current = delta_periods.file_names(table) if table else set()
    past = History(folder)
    others = (path for path in claims if path.relative_to(folder.path).as_posix() not in current)
    for path in sorted(path for path in others if path.exists()):
        if table is None or not delta_periods.was_committed(table, claims[path], past.publications.values()):
            yield path


def _open_or_none(folder: DatasetFolder) -> DeltaTable | None:
    try:
        return open_table(folder.path)
    except TableNotFoundError:
        return None


def _remove(folder: DatasetFolder, path: Path) -> None:
    path.unlink(missing_ok=True)
    folder.record_path(path).unlink(missing_ok=True)


def _leftover(root: Path, path: Path) -> Iterator[Leftover]:
    with suppress(FileNotFoundError):  # published or removed in this moment
        state = path.stat()
        written = datetime.fromtimestamp(state.st_mtime, UTC)
        yield Leftover(path.relative_to(root).as_posix(), written, state.st_size)
