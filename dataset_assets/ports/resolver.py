"""The interface of a resolver, which locates tables and reads their metadata."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.periods.period import Period
from dataset_assets.ports.access import AccessFinding, fine
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.relation import Relation


@dataclass(frozen=True)
class TimeRange:
    """A half-open time range of UTC instants (BR-130)."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class TableState:
    """The state of a table by its metadata; no rows are read for it."""

    version: str
    row_count: int | None
    modified_at: datetime | None
    unknown: str = ""
    """Why there is no version, for people; empty if there is one."""


@dataclass(frozen=True)
class TableRequest:
    """The request to locate a table.

    `columns` are the declared columns with their types; without them the relation has the stored columns.
    `time_range` limits the pieces that are read; None for all rows.
    """

    table: str
    columns: tuple[ColumnDef, ...] = ()
    time_range: TimeRange | None = None


@dataclass(frozen=True)
class PastVersion:
    """The version of a table that an earlier run read, and the instant at which that run began."""

    version: str
    read_at: datetime


@dataclass(frozen=True)
class TableAddress:
    """The address of a stored table, by the naming of OpenLineage: the store, and the table's name in it."""

    namespace: str
    name: str


@dataclass(frozen=True)
class StoredTable:
    """A table that a resolver's store holds.

    A file of a dataset can use `name` if `location` is empty. Otherwise the name alone does not lead to the
    table: the target needs an entry in the resolver's `tables` with this location.
    """

    name: str
    location: str = ""


Survey = Callable[[TimeRange | None], TableState]
"""Receives a time range, None for all rows; returns the state of the table's pieces in it."""


class Resolver(ABC):
    """Locates the stored data of tables. A dataset refers to its `name` by `resolver_id`."""

    name: str
    reads_with: ClassVar[str]
    """The dialect of the engines that can put its relations in FROM; others need a transfer (BR-004)."""

    @abstractmethod
    def engine(self) -> Engine:
        """Return an engine that reads its relations, for a target whose own engine cannot."""

    def tables(self) -> Sequence[StoredTable]:
        """Return the tables that exist, by their metadata; none if the resolver cannot list them.

        Hidden and empty files and everything outside of the resolver's root are left out (BR-205). Raises
        ResolveError or AccessError if the store cannot be listed.
        """
        return ()

    @abstractmethod
    def resolve(self, request: TableRequest, session: Session) -> Relation:
        """Return the relation of a table; of one stored by Period only the pieces in the time range.

        Raises ResolveError if the table does not exist, a Period within the time range is missing, or a path
        is outside of the resolver's root (BR-205).
        """

    def resolve_past(self, request: TableRequest, past: PastVersion, session: Session) -> Relation:
        """Return the relation of a table as it was in an earlier version.

        By default only the present version can be read. Raises ResolveError if the rows of that version are
        gone, with the instant since when, as far as it is known.
        """
        relation = self.resolve(request, session)
        if relation.version == past.version:
            return relation
        modified = self.survey(request.table)(request.time_range).modified_at
        raise ResolveError(gone(f"{self.name}/{request.table}", past, modified))

    @abstractmethod
    def pieces(self, table: str) -> Mapping[str | None, TableState]:
        """Return the state of each piece of a table, by the id of its Period.

        An unpartitioned table has the one key None. Missing Periods are no error. A piece without readable
        metadata has no version, and its `unknown` says why. Raises ResolveError if the table does not exist.
        """

    @abstractmethod
    def state(self, table: str) -> TableState:
        """Return the state of the whole table now. Raises ResolveError as `resolve` does."""

    @abstractmethod
    def survey(self, table: str) -> Survey:
        """Return a function that gives the state of the table's pieces in a time range.

        The metadata of each piece is read once for many time ranges. Versions equal those that `resolve`
        returns. Raises ResolveError if the table does not exist; the function raises as `resolve` does.
        """

    def holds(self, request: TableRequest, version: str) -> bool:
        """Return whether the rows that `resolve` returned with that version are readable and unchanged.

        The result is True for an empty version. Raises ResolveError if the table no longer exists.
        """
        return not version or self.survey(request.table)(request.time_range).version == version

    def periods(self, table: str) -> Mapping[str, Period]:  # noqa: ARG002
        """Return the Periods that a table has pieces of, by id; none of an unpartitioned table.

        Raises ResolveError as `pieces` does.
        """
        return {}

    @abstractmethod
    def cadence(self, table: str) -> str | None:
        """Return the cadence by which the table is stored, such as "month"; None if unpartitioned."""

    def examine(self, table: str, session: Session) -> Iterator[AccessFinding]:  # noqa: ARG002
        """Yield findings on a table from its metadata. Raises ResolveError as `state` does."""
        state = self.state(table)
        rows = "rows are not counted" if state.row_count is None else f"{state.row_count:,} rows"
        modified = f", modified {state.modified_at:%Y-%m-%d %H:%M} UTC" if state.modified_at else ""
        yield fine(f"table {self.name}/{table}", f"{rows}{modified}")

    def fitting_columns(self, table: str, session: Session) -> tuple[ColumnDef, ...]:  # noqa: ARG002
        """Return the columns with types that fit all values, for a store that has no types.

        The result is empty for a store whose columns have types. Raises ResolveError as `resolve` does.
        """
        return ()

    def stored_name(self, table: str, column: str) -> str:  # noqa: ARG002
        """Return the name in the table's store of a column that a dataset declares."""
        return column

    def address(self, table: str) -> TableAddress:
        """Return where a table is stored, for other programs. The store is not read.

        By default it is the resolver itself, which no other program knows.
        """
        return TableAddress("dataset-assets", f"{self.name}/{table}")

    def role(self, table: str) -> str:  # noqa: ARG002
        """Return the hint which role permits to read the table; empty if unknown."""
        return ""


def gone(table: str, past: PastVersion, since: datetime | None) -> Fault:
    """Return the fault that the rows of a past version cannot be read any more, since when if it is known."""
    when = f" since {since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
    message = f"{table} as of {past.read_at:%Y-%m-%dT%H:%M:%SZ} is gone{when}"
    return Fault(
        message, hint="a store with time travel (Delta, BigQuery) keeps earlier versions for a while"
    )
