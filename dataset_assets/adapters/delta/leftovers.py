"""What runs that did not come to their end have left in the folders of datasets.

Rows are staged, then put in place, then committed. A run that dies before the last leaves a file that no
reader sees, until the next run of the same Period, or the janitor, removes it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.log import data_files, open_table
from dataset_assets.ports.warehouse import Claim, Leftover


def found(root: Path) -> Iterator[Leftover]:
    """Of all datasets in `root`; those of runs that go on yet are among them."""
    for path in sorted(root.glob("*/_staging/*/*.parquet")):
        yield from _seen(root, path)
    for claims in sorted(root.glob("*/_claims")):
        folder = DatasetFolder(claims.parent)
        for path in _uncommitted(folder, folder.claims()):
            yield from _seen(root, path)


def removed(root: Path, leftover: Leftover) -> bool:
    """Whether it was there, and is no more. One that was published since stays."""
    path = root / leftover.name
    folder = DatasetFolder(root / Path(leftover.name).parts[0])
    with folder.locked():
        is_staged = "_staging" in path.relative_to(root).parts
        if not path.exists() or not (is_staged or _is_left_in_place(folder, path)):
            return False
        _remove(folder, path)
    return True


def remove_all(folder: DatasetFolder, last: Claim) -> None:
    """Of one Period, whose lock is held. Only its last claim can have a file that is in place."""
    for path in folder.staging(last).parent.glob("*"):
        path.unlink(missing_ok=True)
    for path in _uncommitted(folder, [last]):
        _remove(folder, path)


def _is_left_in_place(folder: DatasetFolder, path: Path) -> bool:
    return path in _uncommitted(folder, (claim for claim in folder.claims() if folder.data(claim) == path))


def _uncommitted(folder: DatasetFolder, claims: Iterable[Claim]) -> Iterator[Path]:
    """Their files that are in no version of the table: of an earlier one, time travel needs them.

    The table is opened once: there may be hundreds of Periods, and all is well with nearly all.
    """
    there = {folder.data(claim): claim for claim in claims if folder.data(claim).exists()}
    table = _table(folder) if there else None
    current = {each.path for each in data_files(table, folder.path)} if table else set()
    for path in sorted(there.keys() - current):
        if table is None or not delta_periods.was_committed(table, there[path]):
            yield path


def _table(folder: DatasetFolder) -> DeltaTable | None:
    try:
        return open_table(folder.path)
    except TableNotFoundError:
        return None


def _remove(folder: DatasetFolder, path: Path) -> None:
    path.unlink(missing_ok=True)
    folder.record(path).unlink(missing_ok=True)


def _seen(root: Path, path: Path) -> Iterator[Leftover]:
    with suppress(FileNotFoundError):  # published or removed in this moment
        state = path.stat()
        written = datetime.fromtimestamp(state.st_mtime, UTC)
        yield Leftover(path.relative_to(root).as_posix(), written, state.st_size)
