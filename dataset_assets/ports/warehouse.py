"""What the core asks of where published datasets live."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import Fault
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.text.wording import shown

Record = Mapping[str, Any]
"""The snapshot that stays with a publication's rows (BR-116), plain JSON values."""


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
    """The right to publish one Period of a dataset, until a later run claims it (BR-202).

    `token` grows with every claim of the same Period: it is the fence.
    """

    dataset: str
    period: str | None
    token: int
    run_id: str


@dataclass(frozen=True)
class Publication:
    """One atomic replacement of a dataset's rows for a Period, as it stands in the warehouse.

    `version` is the warehouse table's own number for time travel.
    """

    dataset: str
    period: str | None
    version: int
    record: Record
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
    keeps_rows: ClassVar[bool] = False
    """Whether the relation of a publication goes on having its rows while a later one is published."""

    @abstractmethod
    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Takes the Period over for `run_id`: every earlier claim of it can no longer publish."""

    @abstractmethod
    def confirm(self, claim: Claim, session: Session) -> None:
        """Raises SupersededError when a later run took the Period over."""

    @abstractmethod
    def version(self, dataset: str, session: Session) -> int | None:
        """Return the newest version of the dataset's table; None when nothing is published."""

    @abstractmethod
    def publications(
        self,
        dataset: str,
        periods: Sequence[str | None],
        session: Session,
        version: int | None = None,
    ) -> list[Publication]:
        """Return the publications of several Periods in the order given.

        A Period that has no publication is left out. Without `version` they are those that a reader sees now.
        With it they are those of one version of the table, so that no later publication is mixed in.
        Raises ResolveError if the table does not have this version.
        """

    def current(
        self, dataset: str, period: str | None, session: Session, version: int | None = None
    ) -> Publication | None:
        """The publication a reader sees now, or saw at table version `version`; None when there is none."""
        found = self.publications(dataset, [period], session, version)
        return found[0] if found else None

    def latest(self, dataset: str, session: Session) -> Publication | None:
        """The publication of the dataset's last Period (or of its only, unpartitioned one)."""
        periods = self.periods(dataset, session)
        return self.current(dataset, periods[-1], session) if periods else None

    @abstractmethod
    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Record]:
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
        record: Record,
        session: Session,
    ) -> int:
        """Makes the staged rows the Period's rows, in one commit; answers the table's new version.

        Raises SupersededError when a later run claimed the Period, PublishError when the table's
        published columns cannot hold the new ones.
        """

    @abstractmethod
    def confirm_unchanged(self, claim: Claim, before: Publication, record: Record, session: Session) -> None:
        """Gives the Period's publication another record; its rows stay as they are.

        Raises SupersededError when a later run claimed the Period.
        """

    @abstractmethod
    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:
        """Removes staged rows that will not be published."""

    @abstractmethod
    def leftovers(self, session: Session) -> Iterator[Leftover]:
        """What runs that did not come to their end have left, of all datasets, and of runs that go on yet."""

    @abstractmethod
    def remove(self, leftover: Leftover, session: Session) -> bool:
        """Removes it unless it has come to be published since; whether it was there to be removed."""

    @abstractmethod
    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """The Periods that have a publication now, in order; `[None]` for an unpartitioned dataset."""

    @abstractmethod
    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:
        """`Publication.record` of each Period that `periods` answers, in that order, without its rows.

        Empty where the record is gone.
        """

    @abstractmethod
    def published_by(self, dataset_id: str, session: Session) -> list[str]:
        """Return the names of all tables that the dataset with this id has published, in order."""

    @abstractmethod
    def location(self, dataset: str) -> str:
        """A URI of the published table, for people and other tools."""

    @abstractmethod
    def table_name(self, dataset: str) -> str:
        """The table's name as the warehouse's users write it."""

    def examine(self, session: Session) -> Iterator[AccessFinding]:  # noqa: ARG002
        """Whether it is there, and a run may do in it what it has to."""
        yield from ()


def no_such_version(dataset: str, version: int, newest: int | None) -> Fault:
    """A fault for a table version that was asked for and does not exist. `newest` is the last there is."""
    hint = "nothing is published" if newest is None else f"it has 0 to {newest}"
    return Fault(f"{dataset!r} has no version {shown(version)}", hint=hint)
