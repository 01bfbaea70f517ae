"""Remove the files of a published Delta table's folder that no publication has, whoever left them."""

from collections.abc import Collection, Iterator
from pathlib import Path

from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.history import History


def remove_remains(folder: DatasetFolder, history: History, current: Collection[str]) -> int:
    """Remove the remains and return their number; the caller holds the lock.

    `current` are the paths of the files that the table has now. The staged rows of the newest claim of each
    Period stay: its run may still publish them. So do the rows of publications that are not expired.
    """
    kept = {folder.path / path for path in current}
    kept |= {history.data_path(each) for each in history.publications.values() if not history.expired(each)}
    kept |= {folder.staging_path(claim) for claim in folder.claims()}
    records = {folder.record_path(path) for path in kept}
    remains = [path for path in _data_files(folder.path) if path not in kept]
    remains += [
        path for path in (folder.path / "_records").rglob("*") if path.is_file() and path not in records
    ]
    for path in remains:
        path.unlink(missing_ok=True)
    return len(remains)


def _data_files(folder: Path) -> Iterator[Path]:
    """Yield the files of rows, staged ones too, and those that were being written."""
    yield from (path for path in folder.iterdir() if path.suffix in (".parquet", ".part"))
    for name in ("_staging", "_period=*", "_ledger/erased"):
        for below in folder.glob(name):
            endings = (".part",) if name == "_ledger/erased" else (".parquet", ".part")
            yield from (path for path in below.rglob("*") if path.suffix in endings)
