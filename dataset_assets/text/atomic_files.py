"""Files that several processes write: one at a time, and whole or not at all."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from dataset_assets.errors import Fault, LockError

_PATIENCE_SECONDS = 60


@contextmanager
def guarded(path: Path) -> Generator[None]:
    """Excludes every other process from writing `path`. The guard is `.<name>.guard` beside it.

    Raises LockError when the folder cannot be written to.
    """
    guard = path.with_name(f".{path.name}.guard")
    try:
        with FileLock(guard, timeout=_PATIENCE_SECONDS):
            yield
    except TimeoutError:
        message = f"{path} has been held by another process for {_PATIENCE_SECONDS} s"
        raise LockError(Fault(message, hint="try again")) from None
    except OSError as error:
        raise LockError(Fault(f"{path} cannot be written: {error.strerror or error}")) from None


def exact_text(path: Path) -> str:
    """What a UTF-8 file holds, with its own line ends."""
    return path.read_bytes().decode("utf-8")


def replace_text(path: Path, text: str) -> None:
    """The new text takes the place of the old one at once; a crash leaves the old one."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
