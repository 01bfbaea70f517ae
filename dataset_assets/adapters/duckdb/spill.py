"""Create the folders that DuckDB sessions spill to, and remove those of sessions that were killed."""

import shutil
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def spill_folder(root: Path) -> Generator[Path, None, None]:
    """Create a folder below `root` with a lock, which the kernel releases when the process dies."""
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(list(root.glob("*.lock")))
    folder = root / uuid.uuid4().hex
    lock = FileLock(folder.with_suffix(".lock"))
    with lock:
        folder.mkdir()
        try:
            yield folder
        finally:
            _remove(folder)


def _remove_abandoned(locks: Sequence[Path]) -> None:
    """Remove the spill folders whose lock no process holds."""
    for path in locks:
        try:
            with FileLock(path, timeout=0):
                _remove(path.with_suffix(""))
        except Timeout:
            continue


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".lock").unlink(missing_ok=True)
