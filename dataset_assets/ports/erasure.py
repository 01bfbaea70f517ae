"""The part of a warehouse's interface that forgets rows: the list of erasures, and what each has to clean.

An erasure is begun before any row goes: from then on publications leave out rows with an erased key. It is
finished when no publication that the warehouse keeps has such rows. Each step can be repeated.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import Session
from dataset_assets.ports.uses import PinRequest
from dataset_assets.text.digest import digest

KEY = "erased_key"
"""The column of a table of erased keys: the salted SHA-256 of the values of an erasure's columns in a row."""
ERASURES = "erasures"
"""The record's key for the erasures that removed rows of the publication: `id`, `at` and `rows` of each."""
ERASED_ROWS = "erased_rows"
"""The record's key for the number of rows that a run selected and left out, because they were erased."""


class ErasedColumn(Model):
    """A published column by whose values rows are erased.

    `reference` is the name by which the dataset's file refers to the source's column, `column` or
    `alias.column`: a later version of the file may publish it under another name, or not at all.
    """

    name: str
    reference: str
    type: ColumnType


class DependentTable(Model):
    """A table with rows or values of an erased dataset: it nests `nests`, or is an output of `output_of`."""

    dataset: str
    nests: str | None = None
    output_of: str | None = None


class Erasure(Model):
    """One erasure in the list of one dataset. It holds no value and no condition.

    `request` is a salted hash of the condition, by which the same command finds what it began. `salt` is that
    of all erased keys of the dataset. `dependents` are the tables to clean besides, which rows that are gone
    no longer show. `certificate` is the dataset's part of the certificate, once finished.
    """

    id: str
    dataset: str
    request: str
    salt: str
    columns: tuple[ErasedColumn, ...]
    dependents: tuple[DependentTable, ...] = ()
    begun_at: Instant
    by: str | None = None
    finished_at: Instant | None = None
    certificate: Mapping[str, Any] | None = None

    @property
    def kind(self) -> str:
        """The name of the set of keys over these columns; erasures by the same columns share it."""
        return digest(f"{each.reference}:{each.type}" for each in self.columns)


@dataclass(frozen=True)
class ErasedKeys:
    """Keys of rows that a selection leaves out; `source` is a query of them, as `erased_key`."""

    columns: tuple[ErasedColumn, ...]
    salt: str
    source: exp.Query


class ErasureKeeper(ABC):
    """Keeps the erasures of the datasets of a warehouse, and removes rows from what was published."""

    @abstractmethod
    def erasing(self) -> AbstractContextManager[None]:
        """Hold the right to erase, if the store has such a lock. Raises PublishError if another has it."""

    @abstractmethod
    def erasures(self, dataset: str, session: Session) -> list[Erasure]:
        """Return the erasures of a dataset, the oldest first; none is read if there was never one."""

    @abstractmethod
    def tables_with_erasures(self, session: Session) -> list[str]:
        """Return the names of the datasets that have erasures; nothing more is read if there are none."""

    @abstractmethod
    def erasures_mark(self, session: Session) -> str:
        """Return a text that differs after each change of a list of erasures; empty without any."""

    @abstractmethod
    def erased_keys(self, erasure: Erasure, session: Session) -> exp.Query:
        """Return the query of all keys that are erased by the columns of this erasure, as `erased_key`.

        `erasure` is the last of the dataset by its columns. A later one gives another query.
        """

    @abstractmethod
    def begin_erasure(self, erasure: Erasure, keys: Sequence[exp.Query], session: Session) -> None:
        """Write the erasure to the list, with the keys that the queries select as `erased_key`.

        Begun again, it adds the keys that it lacks.
        """

    @abstractmethod
    def finish_erasure(self, erasure: Erasure, session: Session) -> None:
        """Write to the list that an erasure is finished, with its certificate."""

    @abstractmethod
    def published_tables(self, session: Session) -> list[str]:
        """Return the names of all published tables, in order; some may have no file any more."""

    @abstractmethod
    def all_records(self, dataset: str, session: Session) -> list[Mapping[str, Any]]:
        """Return the records of all publications of a table, of those without rows too."""

    @abstractmethod
    def claimed_periods(self, dataset: str, session: Session) -> list[str | None]:
        """Return the Periods that a run may be publishing, published or not."""

    @abstractmethod
    def earlier_publications(self, dataset: str, session: Session) -> "list[EarlierPublication]":
        """Return the replaced publications whose rows are kept and can be changed, the oldest first."""

    @abstractmethod
    def remove_earlier(
        self, removed: "Sequence[EarlierPublication]", at: datetime, erasure: str, session: Session
    ) -> None:
        """Remove the rows of earlier publications at once; their `record` replaces the stored one."""

    @abstractmethod
    def rewrite_earlier(
        self, rewritten: "EarlierPublication", rows: exp.Query, note: PinRequest, session: Session
    ) -> None:
        """Replace the rows of a pinned publication by those of a query, and its record by `record`.

        The pin gets the note as a further reason.
        """

    @abstractmethod
    def rewrite_records(self, dataset: str, rewrite: "RewriteRecord", session: Session) -> int:
        """Replace each record that `rewrite` changes, and return how many.

        It receives a record, and whether the rows of the publication can no longer be changed.
        """

    @abstractmethod
    def remove_remains(self, dataset: str, session: Session) -> int:
        """Remove rows that no reader sees, those of expired publications too, and return how many files.

        The rows of a run that may still publish stay: they have no erased key.
        """

    @abstractmethod
    def beyond_reach(self, dataset: str) -> Sequence[str]:
        """Return a sentence for each place of the warehouse in which erased rows are kept for a while."""


RewriteRecord = Callable[[Mapping[str, Any], bool], Mapping[str, Any]]


@dataclass(frozen=True)
class EarlierPublication:
    """A publication that was replaced and whose rows are kept; `pinned` says whether a pin keeps them.

    `stored` is what its rows are stored with, if that is more than its rows.
    """

    dataset: str
    period: str | None
    table_version: int
    record: Mapping[str, Any]
    source: exp.Expr
    pinned: bool
    stored: exp.Expr | None = None


def latest_erasures(erasures: Sequence[Erasure]) -> list[Erasure]:
    """Return the last erasure for each list of columns, in order."""
    return list({each.kind: each for each in erasures}.values())


def merged_erasures(lines: Sequence[Mapping[str, Any]]) -> list[Erasure]:
    """Return the erasures of a list to which each is written when it begins, and when it is finished."""
    return list({line["id"]: Erasure.model_validate(line) for line in lines}.values())
