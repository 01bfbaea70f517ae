"""The interface of an engine, which runs SQL, and of its sessions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.sql.dialect import Dialect

TransferCallback = Callable[[int, int], None]
"""Receives the number of rows loaded so far and their bytes as Arrow; may be called from any thread."""


@dataclass(frozen=True)
class JobContext:
    """The purpose of a session; an engine that lists its jobs uses it for their names and labels.

    `attempt` counts the attempts of one run.
    """

    dataset: str
    period: str | None = None
    version: int | None = None
    run_id: str = ""
    attempt: int = 0


class Session(ABC):
    """An open connection to an Engine, for one publication. Queries are ASTs, never text."""

    @abstractmethod
    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        """Run a query with a small result, and return its rows as Python values by column name."""

    @abstractmethod
    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        """Return the physical schema of an expression for FROM, without reading its rows."""

    @abstractmethod
    def arrow(self, query: exp.Query) -> Any:
        """Run a query and return its result as a pyarrow Table."""

    @abstractmethod
    def batches(self, query: exp.Query) -> Any:
        """Run a query and return a pyarrow RecordBatchReader, to be read while the session is open."""

    @abstractmethod
    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        """Load rows of another engine for the lifetime of the session, and return an expression for FROM.

        `batches` is the result of the other engine's `batches`: exactly these columns, with their declared
        types. `name` is the source's name for people. `moved` receives the progress. Errors of the other
        engine are raised unchanged (BR-004).
        """

    def store(self, name: str, query: exp.Query) -> exp.Expr:  # noqa: ARG002
        """Keep the rows of a query for the lifetime of the session, and return an expression for FROM.

        An engine that may not write returns the query itself, which runs again wherever it is read.
        """
        return query.subquery()

    def computed_once(self, query: exp.Query, names: Collection[str]) -> exp.Query:  # noqa: ARG002
        """Return a query with the same rows, of which the named CTEs are computed once.

        The CTEs are small, are read more than once, and refer to no others. An engine that computes a CTE
        once anyway returns the query itself.
        """
        return query

    def estimate(self, query: exp.Query) -> int | None:  # noqa: ARG002
        """Return the bytes for which the query would be billed; None if reading costs nothing.

        Raises BudgetError if they exceed the target's limit for the dataset.
        """
        return None

    @property
    def budget(self) -> int | None:
        """The bytes for which one query of this run may be billed; None if reading costs nothing."""
        return None

    @property
    def usage(self) -> Mapping[str, int]:
        """The engine's counters of the session so far, such as `bytes_billed`."""
        return {}


class Engine(ABC):
    """Runs SQL. An engine declares what it cannot do, and raises UnsupportedError for it."""

    dialect: Dialect
    bills_bytes: ClassVar[bool] = False
    """Whether each byte that is read costs money; rows are then not read twice to avoid a write."""

    @abstractmethod
    def connect(self, job: JobContext | None = None) -> AbstractContextManager[Session]:
        """Open a session that can read the target's own roots and nothing else (BR-205)."""

    def examine(self) -> Iterator[AccessFinding]:
        """Yield findings on whether the engine is usable. Raises AccessError if no session can be opened."""
        yield from ()
