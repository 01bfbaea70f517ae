"""Errors of the operating system as faults: with the path, the reason and what to do."""

import errno
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dataset_assets.errors import DatasetAssetsError, Fault, near


def system_reason(error: OSError) -> str:
    """Return the reason of an operating system error as text that begins with a small letter."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason[:1].lower()}{reason[1:]}"


_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EROFS: "use a folder that can be written to",
    errno.EACCES: "let this user read and write there",
    errno.EPERM: "let this user read and write there",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EFBIG: "raise the limit of a file's size: ulimit -f",
    errno.ENAMETOOLONG: "use shorter names",
}


def system_fault(error: OSError) -> Fault:
    """Return an operating system error as a fault with the path, the reason and a hint."""
    where = f"{near(os.fsdecode(error.filename))}: " if isinstance(error.filename, str | bytes) else ""
    return Fault(f"{where}{system_reason(error)}", hint=_REMEDIES.get(error.errno or 0, ""))


_NUMBERED = re.compile(r"\(os error (\d+)\)")
"""Matches the error number that a library quotes in the text of its own error."""


def system_error(error: Exception, path: Path | str) -> OSError | None:
    """Return the operating system error at `path` that caused a library's error; None if there is none."""
    number = getattr(error, "errno", None)
    if number is None and (quoted := _NUMBERED.search(str(error))):
        number = int(quoted[1])
    if not number:
        return None
    return OSError(number, os.strerror(number), getattr(error, "filename", None) or str(path))


@contextmanager
def at_path(path: Path | str) -> Generator[None]:
    """Add the path to an operating system error of the block that names no path."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno:
            error.filename = str(path)
        raise


@contextmanager
def system_errors_as_faults() -> Generator[None]:
    """Convert operating system errors of the block to DatasetAssetsError, except that of a closed pipe."""
    try:
        yield
    except OSError as error:
        if error.errno in (None, 0, errno.EPIPE):
            raise
        raise DatasetAssetsError(system_fault(error)) from error
