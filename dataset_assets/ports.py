"""What the core asks of the outside: an Engine to run SQL, Resolvers to find tables, a Warehouse.

Adapters in `resources/` implement these; the core, and everything that a test needs, knows only them
(DESIGN sections 5 and 7).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlglot import exp

from dataset_assets.access import Finding, fine
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.sql.dialect import Dialect


class PhysicalType(StrEnum):
    """What a column is in its store, as far as a contract can tell types apart (DESIGN section 7)."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """An instant."""
    DATETIME = "datetime"
    """A timestamp without a zone; UTC, unless the resolver declares another (decision 28)."""
    OTHER = "other"


@dataclass(frozen=True)
class PhysicalColumn:
    """A column as its store has it. `native` is the store's own name of the type, for messages."""

    name: str
    type: PhysicalType
    native: str
    has_nulls: bool | None = None
    """Whether NULLs are known to be there, from metadata; None where metadata does not say."""


@dataclass(frozen=True)
class Relation:
    """What a Resolver answers: something the engine can put in FROM, with its physical schema."""

    source: exp.Expr
    columns: tuple[PhysicalColumn, ...]
    version: str
    """Changes when the data does: the source version that a materialization records. Empty where metadata
    cannot tell, as of a view over tables that nobody may look at."""
    row_count: int | None = None
    zone: str = "UTC"
    """The zone of DATETIME columns (decision 28)."""


@dataclass(frozen=True)
class TableState:
    """What cheap metadata says of a table; nothing is scanned for it."""

    version: str
    row_count: int | None
    modified_at: datetime | None
    unknown: str = ""
    """Why there is no version, in words for people."""


@dataclass(frozen=True)
class Extent:
    """A half-open stretch of time that a table is asked for, as UTC instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Errand:
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
    def receive(self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: "Moved") -> exp.Expr:
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
        """The bytes that one query of this errand may be billed for; None where nothing is."""
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
    def connect(self, errand: Errand | None = None) -> AbstractContextManager[Session]:
        """Opens a session that can reach the target's own roots and nothing else (promise 5)."""

    def examine(self) -> Iterator[Finding]:
        """Whether it can be asked anything. Raises AccessError where nothing more can be asked of it."""
        yield from ()


class Resolver(ABC):
    """Locates the physical data of tables (Entity: Resolver). `name` is what `resolver_id` refers to."""

    name: str
    reads_with: ClassVar[str]
    """The dialect of the engines that can put its relations in FROM; to others they are moved (BR-004)."""

    @abstractmethod
    def engine(self) -> Engine:
        """An engine that reads its relations, for a target whose own does not."""

    @abstractmethod
    def resolve(self, table: str, extent: Extent | None, session: Session) -> Relation:
        """The table, or for one that is stored by Period the parts that `extent` touches.

        Raises ResolveError for a table that is not there, a hole among its Periods, or a path that
        leaves the resolver's root.
        """

    @abstractmethod
    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        """What `state` says, of each Period that a table which is stored by Period has a piece of, by its id.

        Of a table in one piece the key is None. A hole among the Periods is no error here. A piece of which
        nothing can be told has no version, and its `unknown` says why. Raises ResolveError for a table that
        is not there at all.
        """

    @abstractmethod
    def state(self, table: str) -> TableState:
        """What cheap metadata says of the table now. Raises ResolveError as `resolve` does."""

    @abstractmethod
    def survey(self, table: str) -> "Survey":
        """What answers `state` of the parts that an extent touches; metadata of each part is asked for once.

        For many extents at once: versions are those that `resolve` answers. Raises ResolveError for a table
        that is not there at all, and what is returned raises as `resolve` does.
        """

    @abstractmethod
    def cadence(self, table: str) -> str | None:
        """The cadence ("month") by which the table is stored, or None where it is one piece."""

    def examine(self, table: str, session: Session) -> Iterator[Finding]:  # noqa: ARG002
        """What metadata says of a table. Raises as `state` does."""
        state = self.state(table)
        rows = "rows are not counted" if state.row_count is None else f"{state.row_count:,} rows"
        modified = f", modified {state.modified_at:%Y-%m-%d %H:%M} UTC" if state.modified_at else ""
        yield fine(f"table {self.name}/{table}", f"{rows}{modified}")

    def role(self, table: str) -> str:  # noqa: ARG002
        """What would let somebody read the table who may not."""
        return ""


@dataclass(frozen=True)
class PublishedColumn:
    """A column of a published table."""

    name: str
    type: ColumnType
    nullable: bool
    description: str = ""
    sensitive: bool = False
    identifies: bool = False
    """Whether its values only tell things apart: they are counted and listed, not measured."""


@dataclass(frozen=True)
class Claim:
    """The right to publish one Period of a dataset, until a later run claims it (promise 2).

    `token` grows with every claim of the same Period: it is the fence.
    """

    dataset: str
    period: str | None
    token: int
    run_id: str


@dataclass(frozen=True)
class Publication:
    """One atomic replacement of a dataset's rows for a Period, as it stands in the warehouse.

    `version` is the warehouse table's own number for time travel; `record` is the snapshot that was
    stored with the rows (decision 16), plain JSON values.
    """

    dataset: str
    period: str | None
    version: int
    record: Mapping[str, Any]
    relation: Relation
    """All published columns, system columns included, of this Period alone."""


class Staged(ABC):
    """Rows that are written, and that no reader can see yet."""

    relation: Relation

    @abstractmethod
    def size_bytes(self) -> int | None:
        """Bytes the rows take where they are staged, where that is known."""


@dataclass(frozen=True)
class Leftover:
    """Rows in the warehouse that no reader sees: how it calls them, and when they were written last."""

    name: str
    left_at: datetime
    size_bytes: int | None = None


class Warehouse(ABC):
    """Where published datasets live. One table a dataset, one partition a Period.

    `kind` is what its tables are, in one word that people know.
    """

    kind: ClassVar[str]

    @abstractmethod
    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Takes the Period over for `run_id`: every earlier claim of it can no longer publish."""

    @abstractmethod
    def confirm(self, claim: Claim, session: Session) -> None:
        """Raises SupersededError when a later run took the Period over."""

    @abstractmethod
    def current(
        self, dataset: str, period: str | None, session: Session, version: int | None = None
    ) -> Publication | None:
        """The publication a reader sees now, or saw at table version `version`; None when there is none."""

    @abstractmethod
    def latest(self, dataset: str, session: Session) -> Publication | None:
        """The publication of the dataset's last Period (or of its only, unpartitioned one)."""

    @abstractmethod
    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Mapping[str, Any]]:
        """The records of the `last` publications of each Period, in the order given, the newest first.

        The first of each is what a reader sees now; a Period without a publication has none. `[None]` of an
        unpartitioned dataset. Records outlive what time travel can read.
        """

    @abstractmethod
    def stage(self, claim: Claim, query: exp.Query, session: Session) -> Staged:
        """Runs the query and keeps its rows where no reader sees them."""

    @abstractmethod
    def publish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn],
        record: Mapping[str, Any],
        session: Session,
    ) -> int:
        """Makes the staged rows the Period's rows, in one commit; answers the table's new version.

        Raises SupersededError when a later run claimed the Period, PublishError when the table's
        published columns cannot hold the new ones.
        """

    @abstractmethod
    def affirm(self, claim: Claim, before: Publication, record: Mapping[str, Any], session: Session) -> None:
        """Gives the Period's publication another record; its rows stay as they are.

        Raises SupersededError when a later run claimed the Period.
        """

    @abstractmethod
    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:
        """Removes staged rows that will not be published."""

    @abstractmethod
    def leftovers(self, session: Session) -> Iterator["Leftover"]:
        """What runs that did not come to their end have left, of all datasets, and of runs that go on yet."""

    @abstractmethod
    def remove(self, leftover: "Leftover", session: Session) -> bool:
        """Removes it unless it has come to be published since; whether it was there to be removed."""

    @abstractmethod
    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """The Periods that have a publication now, in order; `[None]` for an unpartitioned dataset."""

    @abstractmethod
    def records(self, dataset: str, session: Session) -> Mapping[str | None, Mapping[str, Any]]:
        """`Publication.record` of each Period that `periods` answers, in that order, without its rows.

        Empty where the record is gone.
        """

    @abstractmethod
    def location(self, dataset: str) -> str:
        """A URI of the published table, for people and other tools."""

    @abstractmethod
    def table_name(self, dataset: str) -> str:
        """The table's name as the warehouse's users write it."""

    def examine(self, session: Session) -> Iterator[Finding]:  # noqa: ARG002
        """Whether it is there, and a run may do in it what it has to."""
        yield from ()


Survey = Callable[[Extent | None], TableState]
"""Told a stretch of time; None for all there is."""
Moved = Callable[[int, int], None]
"""Told how many rows have come so far, and how many bytes they are as Arrow; from any thread."""
Progress = Callable[[str], None]
"""Told one short sentence when a step begins that a person may wait for."""
