"""Append lines of JSON to the audit log, each whole and on the disk, in a file of bounded size."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

MOST_BYTES = 10 * 1024 * 1024
"""A file that would grow beyond this is renamed to `<name>.1`, and so on."""
KEPT = 10
"""How many renamed files are kept."""


class AuditLog:
    """The audit log in one file, which several servers can write."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path, self._most = path, most_bytes
        self._lock = Lock()

    def check(self) -> None:
        """Raise OSError if the file cannot be written: a change that leaves no trace is not made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(self._open())

    def append(self, line: Mapping[str, Any]) -> None:
        """Append a line. Raises OSError, and leaves nothing of the line, if the disk is full."""
        data = (json.dumps(line, ensure_ascii=True) + "\n").encode("ascii")
        with self._lock:
            file = self._opened(len(data))
            try:
                size = os.fstat(file).st_size
                if os.write(file, data) < len(data):
                    os.ftruncate(file, size)
                    raise OSError(28, "the disk is full", str(self._path))
                os.fsync(file)
            finally:
                os.close(file)

    def _opened(self, more: int) -> int:
        """Return the open and locked file, after it was renamed if the line no longer fits."""
        while True:
            file = self._open()
            fcntl.flock(file, fcntl.LOCK_EX)
            status = os.fstat(file)
            if not self._is_current(status):
                os.close(file)  # another server renamed it meanwhile
            elif status.st_size and status.st_size + more > self._most:
                self._rotate()
                os.close(file)
            else:
                return file

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._path, flags, 0o600)

    def _is_current(self, status: os.stat_result) -> bool:
        try:
            return os.path.samestat(status, self._path.stat())
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        names = [self._path.with_name(f"{self._path.name}.{number}") for number in range(1, KEPT + 1)]
        for older, newer in reversed(list(zip(names[1:], names, strict=False))):
            if newer.exists():
                newer.replace(older)
        self._path.replace(names[0])
