"""Compute the fingerprint of a file, which changes whenever the file's content does.

Size, modification time, inode and inode change time identify a file's content: a write moves the inode change
time, which no tool can set back. Two writes within one grain of the file system's clock have the same time,
so the fingerprint of a file that was written just now is computed again a moment later.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SECOND = 1_000_000_000
GRAIN = SECOND // 50
"""Nanoseconds within which two writes can leave the same times on an ordinary file system."""
COARSE_GRAIN = 2 * SECOND
"""The same, on a file system that keeps whole seconds."""
TRIES = 3


@dataclass(frozen=True)
class Fingerprint:
    """The size, times and inode of a file.

    `content` is its SHA-256 if the times can miss a change, else empty.
    """

    size: int
    modified: int
    changed: int
    inode: int
    content: str = ""

    def __str__(self) -> str:
        parts = (self.size, self.modified, self.changed, self.inode, self.content)
        return "\0".join(str(each) for each in parts if each != "")

    @classmethod
    def of(cls, path: Path) -> "Fingerprint":
        """Return the fingerprint of a file by metadata alone. Raises OSError."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def unsettled(self, now: int) -> int:
        """Return the nanoseconds until each later write changes the times; 0 if it does already."""
        grain = GRAIN if self.changed % SECOND else COARSE_GRAIN
        return max(0, self.changed + grain - now)


def fingerprints(
    paths: Iterable[Path],
    clock: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[Path, Fingerprint]:
    """Return the fingerprint of each file, in the order given.

    Waits a few hundredths of a second if a file was written just now. If waiting does not help, because the
    file's time is in the future or the file is written continuously, its content is hashed. Raises OSError
    for a file that cannot be read.
    """
    ordered = list(paths)
    found = {path: Fingerprint.of(path) for path in ordered}
    for _ in range(TRIES):
        wait = max((each.unsettled(clock()) for each in found.values()), default=0)
        if not 0 < wait <= COARSE_GRAIN:
            break
        sleep(wait / SECOND)
        found = {path: Fingerprint.of(path) for path in ordered}
    now = clock()
    return {path: _with_content(path, each) if each.unsettled(now) else each for path, each in found.items()}


def _with_content(path: Path, found: Fingerprint) -> Fingerprint:
    with path.open("rb") as file:
        opened = os.fstat(file.fileno())
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Fingerprint(found.size, found.modified, found.changed, opened.st_ino, content)
