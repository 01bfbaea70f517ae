"""Everything that can go wrong, as values a person can act on.

A `Fault` is one thing wrong in one place. Code below the boundary raises a `DatasetAssetsError` that
carries every fault it found; only the boundary (the CLI, a Dagster op) catches it and prints the text.
"""

import errno
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

MOST_FAULTS = 20
"""Faults that are told of one file; of the others only their number is."""

_LONGEST = 1_000
"""Characters of one part of a fault: more are cut, whatever value or name the part holds."""


def visible(text: str) -> str:
    """Return the text on one line, every character of it to be seen.

    Line ends, control characters, escape sequences of terminals, zero-width characters and marks that turn
    the direction of writing become escapes, as Python writes them.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def near(path: Path | str) -> str:
    """A path as people are shown it: from the current directory on when it is below that, else as it is."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file: `line` and `column` count from 1. Its text names the file as `near` does."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{near(self.file)}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, in which field, what with which value, and what would do.

    `field` is the dotted path in the file (`dataset.main_table.columns[2].type`), empty for the whole file.
    `more` is zero, or the number of faults that this one stands for, because they are not told one by one.
    The text is one line, whatever the parts hold: a value cannot make a line of its own.
    """

    message: str
    field: str = ""
    hint: str = ""
    position: Position | None = None
    more: int = 0

    def __str__(self) -> str:
        parts = [str(part) for part in (self.position, self.field) if part]
        text = f"{_cut(self.message)}; {_cut(self.hint)}" if self.hint else _cut(self.message)
        return visible(": ".join([*map(_cut, parts), text]))


class DatasetAssetsError(Exception):
    """What this package raises for anything a user can fix. `faults` holds all of them, never none."""

    transient: ClassVar[bool] = False
    """Whether it passes by itself, so that the same work may well be done a while later."""

    def __init__(self, *faults: Fault) -> None:
        if not faults:
            raise ValueError("an error needs at least one fault")
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class ContractError(DatasetAssetsError):
    """A file of `definitions/` or a target file breaks a rule."""


class PeriodError(DatasetAssetsError):
    """A Period identifier, a calendar or a rollup that does not exist."""


class ResolveError(DatasetAssetsError):
    """A table cannot be found, or does not have the declared schema."""


class ChangedError(ResolveError):
    """A source changed while it was read; nothing was published."""

    transient = True


class DataError(DatasetAssetsError):
    """A value in the data does not fit the type it is declared as."""


class UnsupportedError(DatasetAssetsError):
    """An engine was asked for something that it declares it cannot do."""


class BudgetError(DatasetAssetsError):
    """A query would be billed for more bytes than the target allows the dataset; nothing was run."""


class AccessError(DatasetAssetsError):
    """No credentials, a missing role, or a limit of the engine's owner stands in the way."""


class UnavailableError(AccessError):
    """What is needed does not answer at the moment: a network, or a service that is out of order."""

    transient = True


class DeniedError(AccessError):
    """Who asks has not got the role for it; `dataset-assets doctor` says which one."""


class SupersededError(DatasetAssetsError):
    """A later run took over this Period; this one may not publish any more (BR-202)."""


class PublishError(DatasetAssetsError):
    """The warehouse refused a publication."""


class LockError(DatasetAssetsError):
    """The lock of a Dataset's versions is missing, stale, edited, or names two structures by one number."""


class LockedMeanwhileError(LockError):
    """Another run locked a Dataset for the first time while this one was at work: it has the id now."""

    transient = True


def first_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The first faults of one file, at most MOST_FAULTS, and one that says how many more there are."""
    found = tuple(faults)
    told = [fault for fault in found if not fault.more]
    more = sum(fault.more for fault in found) + len(told[MOST_FAULTS:])
    if not more:
        return found
    last = (told[:MOST_FAULTS] or list(found))[-1]
    return (*told[:MOST_FAULTS], more_faults(more, last.position))


def more_faults(count: int, position: Position | None) -> Fault:
    """A fault that stands for `count` others of a file."""
    message = f"and {count:,} more fault{'s' * (count != 1)} in this file"
    return Fault(message, hint="fix those above first", position=position, more=count)


def fault_count(faults: Iterable[Fault]) -> int:
    """How many faults these are, with those that are not told one by one."""
    return sum(fault.more or 1 for fault in faults)


def system_reason(error: OSError) -> str:
    """The operating system's reason in words, beginning with a small letter."""
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
    """One sentence for what the operating system refused: the path, the reason, and what would do."""
    where = f"{near(os.fsdecode(error.filename))}: " if isinstance(error.filename, str | bytes) else ""
    return Fault(f"{where}{system_reason(error)}", hint=_REMEDIES.get(error.errno or 0, ""))


_NUMBERED = re.compile(r"\(os error (\d+)\)")
"""How a library names the operating system's error in a text of its own."""


def system_error(error: Exception, path: Path | str) -> OSError | None:
    """The operating system's error that a library's error tells of, at a path; None where there is none."""
    number = getattr(error, "errno", None)
    if number is None and (found := _NUMBERED.search(str(error))):
        number = int(found[1])
    if not number:
        return None
    return OSError(number, os.strerror(number), getattr(error, "filename", None) or str(path))


@contextmanager
def at_path(path: Path | str) -> Generator[None]:
    """Gives an error of the operating system the path that it was about, where it does not tell any."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno:
            error.filename = str(path)
        raise


@contextmanager
def telling_system_faults() -> Generator[None]:
    """Raises DatasetAssetsError in place of what the operating system refused, but for a closed pipe."""
    try:
        yield
    except OSError as error:
        if error.errno in (None, 0, errno.EPIPE):
            raise
        raise DatasetAssetsError(system_fault(error)) from error


def raise_all(error: type[DatasetAssetsError], faults: Iterable[Fault]) -> None:
    """Raises `error` with every fault, or does nothing when there are none."""
    found = tuple(faults)
    if found:
        raise error(*found)
