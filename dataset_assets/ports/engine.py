"""What the core asks of what runs SQL."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.sql.dialect import Dialect

TransferCallback = Callable[[int, int], None]
"""Told how many rows have come so far, and how many bytes they are as Arrow; from any thread."""


@dataclass(frozen=True)
class JobContext:
    """What a session is opened for: an engine that keeps a book of its jobs names and labels them by it.

    `attempt` counts the times that one run has tried.
    """

    dataset: str
    period: str | None = None
    version: int | None = None
    run_id: str = ""
    attempt: int = 0


class Session(ABC):
    """One open connection of an Engine, for one materialization. Queries are ASTs, never text."""

    @abstractmethod
    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        """Runs a query whose answer is small and returns it as Python values."""

    @abstractmethod
    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        """The physical schema of something that can stand in FROM, without reading its rows."""

    @abstractmethod
    def arrow(self, query: exp.Query) -> Any:
        """The answer as a pyarrow Table."""

    @abstractmethod
    def batches(self, query: exp.Query) -> Any:
        """The answer as a pyarrow RecordBatchReader that is read while the session is open."""

    @abstractmethod
    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        """Keeps rows of another engine for as long as the session lasts (BR-004).

        `batches` is what that engine's `batches` answered: just these columns, with their declared types.
        Answers what stands in FROM; `name` is for people. What goes wrong where the rows come from is raised
        as it was raised there.
        """

    def estimate(self, query: exp.Query) -> int | None:  # noqa: ARG002
        """The bytes that the query would be billed for; None where reading costs nothing.

        Raises BudgetError for more than the target allows this dataset.
        """
        return None

    @property
    def budget(self) -> int | None:
        """The bytes that one query of this run may be billed for; None where nothing is."""
        return None

    @property
    def usage(self) -> Mapping[str, int]:
        """What the session has used so far, by the engine's own counters, such as `bytes_billed`."""
        return {}


class Engine(ABC):
    """Runs SQL. What it cannot do it declares and raises as UnsupportedError."""

    dialect: Dialect
    bills_bytes: ClassVar[bool] = False
    """Whether each byte that is read costs money: nothing is read once more then only to save a write."""

    @abstractmethod
    def connect(self, job: JobContext | None = None) -> AbstractContextManager[Session]:
        """Opens a session that can reach the target's own roots and nothing else (BR-205)."""

    def examine(self) -> Iterator[AccessFinding]:
        """Whether it can be asked anything. Raises AccessError where nothing more can be asked of it."""
        yield from ()
