"""Entry point of the command `dataset-assets`: handle signals and closed outputs, then run the application.

Signal handlers are installed before the application is imported, so that Ctrl-C always prints a sentence.
"""

# ruff: noqa: PLC0415 - see above

import contextlib
import errno
import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import IO


class _ClosedOutput:
    """Replacement for an output that was closed before the command began: writing to it is an error."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def isatty(self) -> bool:
        return False


class _StopSignals:
    """Handler of Ctrl-C and SIGTERM that remembers which was received.

    It has to remember because libraries convert the exception that it raises to other errors.
    """

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        raise KeyboardInterrupt

    @property
    def code(self) -> int:
        """Exit code that shells expect of a program that a signal ended."""
        return 128 + self.number


def main() -> None:
    """Run the command and end the process. SIGTERM is handled like Ctrl-C: running jobs are stopped."""
    stop = _StopSignals()
    try:
        _prepare_outputs()
        # A command keeps what it loads of thousands of files: searching it for garbage repeatedly takes long.
        gc.set_threshold(20_000, 20, 20)
        from dataset_assets.interfaces.cli.app import app

        app()
    except SystemExit as ended:
        # Typer handles Ctrl-C itself and ends the process without a message.
        if not stop.number:
            sys.exit(_flush(ended.code))
    except BaseException:
        if not stop.number:
            raise
    sys.stderr.write("stopped; everything that was published before is as it was\n")
    sys.exit(stop.code)


def _prepare_outputs() -> None:
    """Set the outputs to escape characters that they cannot encode, and replace closed outputs.

    The file numbers of closed outputs are occupied, so that no file that is opened later gets their text.
    """
    while os.open(os.devnull, os.O_RDWR) < 3:
        pass
    sys.stdout = _prepared(sys.stdout) or _ClosedOutput()
    sys.stderr = _prepared(sys.stderr) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends


def _prepared(stream: IO[str] | None) -> IO[str] | None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    return stream


def _flush(code: str | int | None) -> str | int | None:
    """Flush stdout; return the exit code, or 1 if the output cannot be written (a full disk)."""
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
