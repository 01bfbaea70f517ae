"""Everything that can go wrong, as values a person can act on.

A `Fault` is one thing wrong in one place. Code below the boundary raises a `DatasetAssetsError` that
carries every fault it found; only the boundary (the CLI, a Dagster op) catches it and prints the text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


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
    """

    message: str
    field: str = ""
    mend: str = ""
    position: Position | None = None

    def __str__(self) -> str:
        parts = [str(part) for part in (self.position, self.field) if part]
        text = f"{self.message}; {self.mend}" if self.mend else self.message
        return ": ".join([*parts, text])


class DatasetAssetsError(Exception):
    """What this package raises for anything a user can mend. `faults` holds all of them, never none."""

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
    """A later run took over this Period; this one may not publish any more (promise 2)."""


class PublishError(DatasetAssetsError):
    """The warehouse refused a publication."""


class LockError(DatasetAssetsError):
    """The lock of a Dataset's versions is missing, stale, edited, or names two structures by one number."""


class LockedMeanwhileError(LockError):
    """Another run locked a Dataset for the first time while this one was at work: it has the id now."""

    transient = True


def raise_all(error: type[DatasetAssetsError], faults: Iterable[Fault]) -> None:
    """Raises `error` with every fault, or does nothing when there are none."""
    found = tuple(faults)
    if found:
        raise error(*found)
