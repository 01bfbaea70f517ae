"""The interface of a warehouse, which stores published datasets: claim, stage, publish, and read records."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.errors import DatasetAssetsError, Fault, SupersededError
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import ErasureKeeper
from dataset_assets.ports.record_marks import RecordMarker
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.retention import PublicationKeeper
from dataset_assets.ports.samples import SampleKeeper
from dataset_assets.ports.views import ViewCreator
from dataset_assets.text.wording import shown

Record = Mapping[str, Any]
"""The snapshot that is stored with a publication's rows (BR-116), as plain JSON values."""


@dataclass(frozen=True)
class PublishedColumn:
    """A column of a published table, without system columns."""

    name: str
    type: ColumnType
    nullable: bool
    description: str = ""
    sensitive: bool = False
    identifies: bool = False
    """Whether its values only identify things: a profile counts and lists them, and gives no mean."""


@dataclass(frozen=True)
class Claim:
    """The right to publish one Period of a dataset, until a later run claims it (BR-202).

    `token` is the fencing token: each claim of the same Period has a greater one.
    """

    dataset: str
    period: str | None
    token: int
    run_id: str


@dataclass(frozen=True)
class Publication:
    """One published version of a dataset's rows for a Period.

    `version` is the version of the warehouse's table that this publication wrote.
    """

    dataset: str
    period: str | None
    version: int
    record: Record
    relation: Relation
    """The rows of this Period with all published columns, system columns included."""


@dataclass(frozen=True)
class PublicationQuery:
    """The publications of several Periods of a dataset, `[None]` for an unpartitioned dataset.

    Without `version` they are those that a reader sees now, else those of that version of the table.
    """

    dataset: str
    periods: Sequence[str | None]
    version: int | None = None


class Staged(ABC):
    """Rows that are written and not yet visible to readers."""

    relation: Relation

    @abstractmethod
    def size_bytes(self) -> int | None:
        """Return the size of the staged rows in bytes; None if the warehouse does not know it."""


@dataclass(frozen=True)
class Leftover:
    """Rows in the warehouse that no reader sees: their name and the instant of the last write."""

    name: str
    left_at: datetime
    size_bytes: int | None = None


@dataclass(frozen=True)
class LastRecords:
    """The records of the last Periods of several datasets, by dataset, and what could not be read."""

    records: Mapping[str, Record]
    faults: tuple[Fault, ...] = ()


class Warehouse(PublicationKeeper, RecordMarker, ErasureKeeper, ViewCreator, SampleKeeper):
    """Stores published datasets: one table for each dataset, one partition for each Period.

    `kind` is the kind of its tables in one word, such as `deltalake`.
    """

    kind: ClassVar[str]
    keeps_rows: ClassVar[bool] = False
    """Whether the relation of a publication keeps its rows while a later publication is written."""

    @abstractmethod
    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Claim the Period for `run_id`; runs with earlier claims of it can no longer publish (BR-202)."""

    @abstractmethod
    def confirm(self, claim: Claim, session: Session) -> None:
        """Raise SupersededError if a later run claimed the Period."""

    @abstractmethod
    def version(self, dataset: str, session: Session) -> int | None:
        """Return the newest version of the dataset's table; None when nothing is published."""

    @abstractmethod
    def publications(self, query: PublicationQuery, session: Session) -> list[Publication]:
        """Return the publications in the order of the query's Periods, all of one version of the table.

        A Period without a publication is left out. Raises ResolveError if the table has no such version, or
        if the record of published rows is lost.
        """

    def current(
        self, dataset: str, period: str | None, session: Session, version: int | None = None
    ) -> Publication | None:
        """Return the publication of one Period now, or in table version `version`; None if there is none."""
        found = self.publications(PublicationQuery(dataset, [period], version), session)
        return found[0] if found else None

    def latest(self, dataset: str, session: Session) -> Publication | None:
        """Return the publication of the last Period, or the only one if unpartitioned; None without one."""
        periods = self.periods(dataset, session)
        return self.current(dataset, periods[-1], session) if periods else None

    @abstractmethod
    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Record]:
        """Return the records of the `last` publications of each Period, in the order given, newest first.

        The first record of a Period is that of its current publication. An unpartitioned dataset has the
        Periods `[None]`. Records are kept longer than the rows that time travel can read.
        """

    @abstractmethod
    def stage(self, claim: Claim, query: exp.Query, session: Session) -> Staged:
        """Run the query and write its rows where no reader sees them."""

    @abstractmethod
    def publish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn],
        record: Record,
        session: Session,
    ) -> int:
        """Replace the Period's rows by the staged rows in one commit, and return the table's new version.

        Raises SupersededError if a later run claimed the Period, PublishError if the columns of the published
        table cannot hold the new ones.
        """

    @abstractmethod
    def confirm_unchanged(self, claim: Claim, before: Publication, record: Record, session: Session) -> None:
        """Replace the record of the Period's publication and leave its rows unchanged.

        Raises SupersededError if a later run claimed the Period.
        """

    def protect(self, dataset: str, columns: Sequence[PublishedColumn], session: Session) -> None:
        """Restrict the access to the sensitive columns of a published table, if the warehouse can (BR-146).

        A publication does so before its rows are visible; this is for rows that a run leaves as they are.
        """

    @abstractmethod
    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:
        """Delete staged rows that will not be published."""

    @abstractmethod
    def leftovers(self, session: Session) -> Iterator[Leftover]:
        """Yield the unpublished rows of all datasets; those of running runs are among them."""

    @abstractmethod
    def remove(self, leftover: Leftover, session: Session) -> bool:
        """Delete unpublished rows, unless they were published since. Return whether any were deleted."""

    @abstractmethod
    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """Return the published Periods by start, as recorded, then by id; `[None]` if unpartitioned."""

    @abstractmethod
    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:
        """Return the record of each published Period, in the order of `periods`.

        A record that is lost is empty.
        """

    def last_records(self, datasets: Sequence[str], session: Session) -> LastRecords:
        """Return the record of the last Period of each dataset that has one.

        A table that cannot be read is reported, and hides no other.
        """
        records: dict[str, Record] = {}
        faults: dict[Fault, None] = {}
        for dataset in datasets:
            try:
                found = self.records(dataset, session)
            except DatasetAssetsError as error:
                faults |= dict.fromkeys(error.faults)
                continue
            if found:
                records[dataset] = [*found.values()][-1]
        return LastRecords(records, tuple(faults))

    @abstractmethod
    def published_by(self, dataset_id: str, session: Session) -> list[str]:
        """Return the names of all tables that the dataset with this id has published, in order."""

    @abstractmethod
    def location(self, dataset: str) -> str:
        """Return a URI of the published table, for people and other tools."""

    @abstractmethod
    def table_name(self, dataset: str) -> str:
        """Return the table's name as the users of the warehouse write it."""

    def examine(self, session: Session) -> Iterator[AccessFinding]:  # noqa: ARG002
        """Yield findings on whether the warehouse exists and the permissions of a run suffice."""
        yield from ()


def no_such_version(dataset: str, version: int, newest: int | None) -> Fault:
    """Return the fault for a table version that does not exist; `newest` is the last existing version."""
    hint = "nothing is published" if newest is None else f"it has 0 to {newest}"
    return Fault(f"{dataset!r} has no version {shown(version)}", hint=hint)


def superseded_error(claim: Claim, newest_run_id: str | None) -> SupersededError:
    """Return the error of a run whose claim is no longer the newest; `newest_run_id` is None if unknown."""
    run = f"run {newest_run_id!r}" if newest_run_id is not None else "another run"
    period = f" for {claim.period}" if claim.period else ""
    message = f"{run} took over {claim.dataset!r}{period}; run {claim.run_id!r} may not publish"
    return SupersededError(Fault(message, hint="wait for that run, or start this one again"))
