"""What tells whether a file is the one that was there before.

Size, modification time, inode and inode change time identify a file's content: a write moves the inode change
time, which no tool can set back. Two writes within one grain of the file system's clock have the same time,
so a file that was written just now is looked at again a moment later.
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
    """What a file is told by. `content` is its digest where the times cannot tell, else empty."""

    size: int
    modified: int
    changed: int
    inode: int
    content: str = ""

    def __str__(self) -> str:
        found = (self.size, self.modified, self.changed, self.inode, self.content)
        return "\0".join(str(each) for each in found if each != "")

    @classmethod
    def of(cls, path: Path) -> "Fingerprint":
        """Return the fingerprint of a file by metadata alone. Raises OSError."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def unsettled(self, now: int) -> int:
        """Return the nanoseconds after which a later write is sure to show; 0 where it would show already."""
        grain = GRAIN if self.changed % SECOND else COARSE_GRAIN
        return max(0, self.changed + grain - now)


def fingerprints(
    paths: Iterable[Path],
    clock: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[Path, Fingerprint]:
    """Return the fingerprint of each file, in the order given.

    Waits for a few hundredths of a second where a file was written just now; where waiting does not help,
    because the file's time lies in the future or it is being written on and on, its content is read. Raises
    OSError for a file that cannot be read.
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
