"""What the core asks of where tables are: where their rows stand, and what metadata tells of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from dataset_assets.contract.model import ColumnDef
from dataset_assets.periods.period import Period
from dataset_assets.ports.access import AccessFinding, fine
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.relation import Relation


@dataclass(frozen=True)
class TimeRange:
    """A half-open time range that a table is asked for, as UTC instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class TableState:
    """What cheap metadata says of a table; nothing is scanned for it."""

    version: str
    row_count: int | None
    modified_at: datetime | None
    unknown: str = ""
    """Why there is no version, in words for people."""


@dataclass(frozen=True)
class TableRequest:
    """A table that a Resolver is asked to locate.

    `columns` are the columns that the contract declares, with their types; without them the table is
    described as its store has it. `time_range` is the time range that is needed; None for all rows.
    """

    table: str
    columns: tuple[ColumnDef, ...] = ()
    time_range: TimeRange | None = None


Survey = Callable[[TimeRange | None], TableState]
"""Told a time range; None for all there is."""


class Resolver(ABC):
    """Locates the physical data of tables (Entity: Resolver). `name` is what `resolver_id` refers to."""

    name: str
    reads_with: ClassVar[str]
    """The dialect of the engines that can put its relations in FROM; to others they are moved (BR-004)."""

    @abstractmethod
    def engine(self) -> Engine:
        """An engine that reads its relations, for a target whose own does not."""

    @abstractmethod
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """The table, or for one that is stored by Period the parts that the request's extent touches.

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
    def survey(self, table: str) -> Survey:
        """What answers `state` of the parts that an extent touches; metadata of each part is asked for once.

        For many extents at once: versions are those that `resolve` answers. Raises ResolveError for a table
        that is not there at all, and what is returned raises as `resolve` does.
        """

    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether what `resolve` answered, with that version, can still be read and has not changed.

        True without a version: metadata cannot tell then. Raises ResolveError for a table that is gone.
        """
        return not version or self.survey(request.table)(request.time_range).version == version

    def periods(self, table: str) -> Mapping[str, Period]:  # noqa: ARG002
        """Return the Periods that a table which is stored by Period has pieces of, by id; else none.

        Raises ResolveError as `pieces` does.
        """
        return {}

    @abstractmethod
    def cadence(self, table: str) -> str | None:
        """The cadence ("month") by which the table is stored, or None where it is one piece."""

    def examine(self, table: str, session: Session) -> Iterator[AccessFinding]:  # noqa: ARG002
        """What metadata says of a table. Raises as `state` does."""
        state = self.state(table)
        rows = "rows are not counted" if state.row_count is None else f"{state.row_count:,} rows"
        modified = f", modified {state.modified_at:%Y-%m-%d %H:%M} UTC" if state.modified_at else ""
        yield fine(f"table {self.name}/{table}", f"{rows}{modified}")

    def role(self, table: str) -> str:  # noqa: ARG002
        """What would let somebody read the table who may not."""
        return ""
