"""The errors of the library, each with all its faults as sentences that a person can act on.

A `Fault` is one thing that is wrong in one place. The library raises a `DatasetAssetsError` with every fault
that it found; only its boundary (the command line, a Dagster asset) catches the error and prints the text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

MOST_FAULTS = 20
"""The number of faults that are reported for one file; of further faults only the number is reported."""

_LONGEST = 1_000
"""The number of characters of one part of a fault (message, hint, field); the rest is cut off."""


def visible(text: str) -> str:
    """Return the text on one line, with every character that is not printable escaped as Python does.

    Such characters are line ends, control characters, escape sequences of terminals, zero-width characters
    and marks that change the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def near(path: Path | str) -> str:
    """Return a path as people read it: relative to the current directory if it is below, else unchanged."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


@dataclass(frozen=True, order=True)
class Position:
    """A position in a file; `line` and `column` count from 1. Its text shortens the path as `near` does."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{near(self.file)}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: its position, field and message, and a hint what to do about it.

    `field` is the dotted path in the file (`dataset.main_table.columns[2].type`), empty for the whole file.
    `more` is the number of other faults that this one counts instead of listing them, else zero. The text is
    always one line, so that a value cannot start a line of its own.
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
    """The base of all errors that a user can fix. `faults` holds at least one fault."""

    transient: ClassVar[bool] = False
    """Whether the cause can pass by itself, so that a retry can succeed."""

    def __init__(self, *faults: Fault) -> None:
        if not faults:
            raise ValueError("an error needs at least one fault")
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class ContractError(DatasetAssetsError):
    """A file of `definitions/` or the file of a target breaks a rule."""


class NotFoundError(ContractError):
    """A name or an id stands for nothing that exists."""


class InUseError(ContractError):
    """Something else refers to what should be removed, or has the name that was chosen."""


class PeriodError(DatasetAssetsError):
    """A Period, a calendar or a rollup does not exist."""


class ResolveError(DatasetAssetsError):
    """A table cannot be found, or does not have the declared schema."""


class NotStoredError(ResolveError):
    """A store has no table, Period or version of the requested name."""


class ChangedError(ResolveError):
    """A source changed while it was read; nothing was published."""

    transient = True


class DataError(DatasetAssetsError):
    """A value in the data does not fit the type it is declared as."""


class WhereError(DatasetAssetsError):
    """A condition on rows cannot be read, or does not fit their columns."""


class UnsupportedError(DatasetAssetsError):
    """A query or operation needs something that the engine declares it cannot do."""


class BudgetError(DatasetAssetsError):
    """A query would be billed for more bytes than the target allows the dataset; nothing was run."""


class AccessError(DatasetAssetsError):
    """Credentials or a role are missing, or a quota is exceeded."""


class UnavailableError(AccessError):
    """A network or a service does not answer at the moment."""

    transient = True


class DeniedError(AccessError):
    """The account lacks a role; `dataset-assets doctor` names it."""


class SupersededError(DatasetAssetsError):
    """A newer run took over this Period, so that this run must not publish any more (BR-202)."""


class PublishError(DatasetAssetsError):
    """The warehouse refused a publication."""


class LockError(DatasetAssetsError):
    """A lock is missing, stale or edited, or gives one version number to two structures."""


class StaleFileError(LockError):
    """A file is no longer as it was when a change of it was begun; nothing was written."""


class NoSuchVersionError(LockError):
    """The lock of a dataset has no version of the requested number."""


class ReadOnlyError(LockError):
    """The files here are changed in git alone; `patch` is the change, in the form that `git apply` reads."""

    def __init__(self, *faults: Fault, patch: str = "") -> None:
        super().__init__(*faults)
        self.patch = patch


class LockedMeanwhileError(LockError):
    """Another run locked a new Dataset during this run, and the id that it gave holds."""

    transient = True


def first_faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the first MOST_FAULTS faults of one file, and one fault that counts the others, if any."""
    every = tuple(faults)
    single = [fault for fault in every if not fault.more]
    more = sum(fault.more for fault in every) + len(single[MOST_FAULTS:])
    if not more:
        return every
    last = (single[:MOST_FAULTS] or list(every))[-1]
    return (*single[:MOST_FAULTS], more_faults(more, last.position))


def more_faults(count: int, position: Position | None) -> Fault:
    """Return the fault that counts `count` further faults of a file."""
    message = f"and {count:,} more fault{'s' * (count != 1)} in this file"
    return Fault(message, hint="fix those above first", position=position, more=count)


def fault_count(faults: Iterable[Fault]) -> int:
    """Return the number of faults, including those that a fault only counts."""
    return sum(fault.more or 1 for fault in faults)


def raise_all(error: type[DatasetAssetsError], faults: Iterable[Fault]) -> None:
    """Raise `error` with all faults if there are any."""
    every = tuple(faults)
    if every:
        raise error(*every)
