"""The entry point of the command. It loads nothing before it can be stopped with a sentence."""

# ruff: noqa: PLC0415 - see above

import contextlib
import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import IO


class _Closed:
    """Stands for an output that was closed before the command began: writing to it is an error."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


class _Stop:
    """Takes Ctrl-C and SIGTERM, and remembers which came: libraries turn what is raised into other errors."""

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        raise KeyboardInterrupt

    @property
    def code(self) -> int:
        """What shells expect of a program that was ended so."""
        return 128 + self.number


def main() -> None:
    """Runs the command and ends the process. What asks it to end is told like Ctrl-C: jobs are stopped."""
    stop = _Stop()
    try:
        _prepare_outputs()
        from dataset_assets.interfaces.cli.app import app

        app()
    except SystemExit as ended:
        # Typer ends the process in its own way when a key is pressed, and says nothing.
        if not stop.number:
            sys.exit(_flushed(ended.code))
    except BaseException:
        if not stop.number:
            raise
    sys.stderr.write("stopped; everything that was published before is as it was\n")
    sys.exit(stop.code)


def _prepare_outputs() -> None:
    """A character that an output cannot show is written as its escape. A closed output stays closed.

    Its number is taken, so that no file that is opened later gets what is written there.
    """
    while os.open(os.devnull, os.O_RDWR) < 3:
        pass
    sys.stdout = _prepared(sys.stdout) or _Closed()
    sys.stderr = _prepared(sys.stderr) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def _prepared(stream: IO[str] | None) -> IO[str] | None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    return stream


def _flushed(code: str | int | None) -> str | int | None:
    """The exit code, of an output that could not be written (a full disk) 1."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.EPIPE:
            return code or 1
        sys.stderr.write(f"the output cannot be written: {error.strerror}\n")
        return 1
    return code
