"""Open the output of a command: a file that is written whole or not at all, a device or a pipe."""

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.cli.console import say
from dataset_assets.interfaces.whole_files import whole_file

_SYSTEM_FOLDERS = (Path("/dev"), Path("/proc"))
"""Files below these folders are never replaced: `/dev/stdout` may be a file that others write to as well."""


@contextmanager
def output_file(path: Path) -> Generator[IO[bytes]]:
    """Open `path` for writing.

    A regular file is replaced once everything is written; links are followed and kept. A device or a pipe is
    written to directly and never replaced. Raises DatasetAssetsError if the path cannot be written.
    """
    try:
        with _written_directly(path) if _is_special(path) else _replaced(path.resolve(), path) as sink:
            yield sink
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{path} cannot be written: {reason}"
        raise DatasetAssetsError(Fault(message, hint="name another file")) from None


def _is_special(path: Path) -> bool:
    if any(path.absolute().is_relative_to(root) for root in _SYSTEM_FOLDERS):
        return not path.is_dir()
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _written_directly(path: Path) -> Generator[IO[bytes]]:
    """Yield a device or a pipe. Like a shell, wait for a pipe until somebody reads it."""
    with os.fdopen(_open_for_writing(path), "wb") as sink:
        yield sink


def _open_for_writing(path: Path) -> int:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO or not stat.S_ISFIFO(path.stat().st_mode):
            raise
        say(f"{path} is a pipe: waiting until somebody reads it")
        return os.open(path, os.O_WRONLY)
    os.set_blocking(handle, True)
    return handle


@contextmanager
def _replaced(path: Path, named: Path) -> Generator[IO[bytes]]:
    """Yield a temporary file beside `path` that replaces it, with its mode, once everything is written."""
    if path.is_dir():
        raise DatasetAssetsError(Fault(f"{named} is a folder", hint="name a file"))
    if not path.parent.is_dir():
        message = f"there is no folder {named.parent if named.parent == path.parent else path.parent}"
        raise DatasetAssetsError(Fault(message, hint="make it, or name another file"))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(named))
    with whole_file(path) as partial:
        with partial.open("wb") as sink:
            yield sink
        if path.exists():
            shutil.copymode(path, partial)
