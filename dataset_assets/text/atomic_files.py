"""Write files that several processes share: one process at a time, and each file whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from dataset_assets.errors import Fault, LockError, ReadOnlyError

_TIMEOUT_SECONDS = 60
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def write_lock(path: Path) -> Generator[None]:
    """Exclude other processes from writing `path` during the block, by a lock on `.<name>.guard`.

    Raises LockError if the folder cannot be written to, or if another process holds the lock for a minute.
    """
    guard = path.with_name(f".{path.name}.guard")
    try:
        with FileLock(guard, timeout=_TIMEOUT_SECONDS):
            yield
    except TimeoutError:
        message = f"{path} has been held by another process for {_TIMEOUT_SECONDS} s"
        raise LockError(Fault(message, hint="try again")) from None
    except OSError as error:
        kind = ReadOnlyError if error.errno in _READ_ONLY else LockError
        raise kind(Fault(f"{path} cannot be written: {error.strerror or error}")) from None


def exact_text(path: Path) -> str:
    """Read a UTF-8 file without changing its line ends."""
    return path.read_bytes().decode("utf-8")


def replace_text(path: Path, text: str) -> None:
    """Replace the text of a file in one step, so that a crash leaves the old text or the new one."""
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
