"""The part of a warehouse's interface that keeps publications: uses, pins and retention.

A publication is identified by its Period and by a table version at which it is visible; the version that it
wrote itself is its `table_version`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from dataset_assets.errors import Fault
from dataset_assets.model import Instant, Integer, Model
from dataset_assets.ports.engine import Session
from dataset_assets.ports.uses import Pin, PinRequest, Use

GRACE = timedelta(hours=24)
"""Time from the expiry of a publication to the removal of its rows: readers that opened it before still read.

No run may take longer (`max_runtime_seconds` in dagster.yaml).
"""


class Retention(Model):
    """How long a warehouse keeps publications that were replaced.

    `publications` is the number of newest publications of each Period that are kept, the current one
    included. `days` is the number of days for which a replaced publication is kept. With both, a
    publication is kept while either keeps it. Current and pinned publications are always kept (BR-207).
    """

    days: Annotated[Integer, Field(ge=1, le=36_500)] | None = None
    publications: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.days is None and self.publications is None:
            raise ValueError("has neither `days` nor `publications`; leave it out to keep everything")
        return self

    def expires(self, newer: int, replaced_at: datetime, now: datetime) -> bool:
        """Return whether a publication expires that has `newer` newer ones in its Period.

        Replaced means that the next publication of the Period was committed.
        """
        is_beyond = self.publications is None or newer >= self.publications
        is_older = self.days is None or now - replaced_at >= timedelta(days=self.days)
        return newer > 0 and is_beyond and is_older


class ExpiredPublication(Model):
    """A publication that retention expired: it can no longer be read, and its record is kept.

    `replaced_at` is the instant at which the next publication of its Period was committed. `erasure` is the
    id of the erasure that removed the rows, if it was not retention.
    """

    dataset: str
    period: str | None
    table_version: int
    replaced_at: Instant | None
    expired_at: Instant
    erasure: str | None = None


class RetentionReport(Model):
    """What one run of retention did to one dataset, or would do.

    `removed` are the publications whose rows were removed, after the grace for readers. `freed_bytes` is None
    if the warehouse does not know it. `log_files` is the number of removed files of the table's log.
    `snapshots` are the names of removed copies that no pin needs.
    """

    dataset: str
    expired: tuple[ExpiredPublication, ...] = ()
    removed: tuple[ExpiredPublication, ...] = ()
    freed_bytes: int | None = None
    log_files: int = 0
    snapshots: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done."""
        return not (self.expired or self.removed or self.log_files or self.snapshots)


@dataclass(frozen=True)
class RetentionRequest:
    """When retention runs, and how: `dry_run` changes nothing."""

    now: datetime
    grace: timedelta = GRACE
    dry_run: bool = False


@dataclass(frozen=True)
class RecordedPublication:
    """The record of a publication, and since when its rows are gone; None while they are kept."""

    period: str | None
    table_version: int
    record: Mapping[str, Any]
    expired_at: datetime | None = None


class PublicationKeeper(ABC):
    """Keeps the list of uses, the pins and the expired publications of the datasets of a warehouse."""

    @property
    @abstractmethod
    def retention(self) -> Retention | None:
        """How long replaced publications are kept; None: as long as the store itself keeps them."""

    @abstractmethod
    def recorded(
        self, dataset: str, periods: Sequence[str | None], version: int, session: Session
    ) -> list[RecordedPublication]:
        """Return the publications that are visible in a table version, also those whose rows are gone."""

    @abstractmethod
    def record_uses(self, uses: Sequence[Use], session: Session) -> list[Use]:
        """Append uses of one dataset, and return those that were not in the list before."""

    @abstractmethod
    def uses(self, dataset: str, session: Session) -> list[Use]:
        """Return all uses of a dataset, the oldest first."""

    @abstractmethod
    def last_uses(self, datasets: Sequence[str], session: Session) -> Mapping[str, datetime]:
        """Return the time of the last use of each dataset that was used."""

    @abstractmethod
    def pin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        """Pin the Periods' publications that are visible in a table version, and return their pins.

        A publication that expired within its grace is kept again. Raises ResolveError if its rows are gone.
        """

    @abstractmethod
    def unpin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int | None,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        """Remove the pins of the Periods' publications and return them; of every version if it is None."""

    @abstractmethod
    def pins(self, dataset: str, session: Session) -> list[Pin]:
        """Return the pins of a dataset by table version."""

    @abstractmethod
    def expire(self, dataset: str, request: RetentionRequest, session: Session) -> RetentionReport:
        """Expire what the retention of the warehouse does not keep, and remove rows that expired before.

        Current and pinned publications stay. Interrupted at any point, it loses nothing that is kept, and the
        next call finishes.
        """


def expired_fault(expired: ExpiredPublication) -> Fault:
    """Return the fault of reading a publication that is expired."""
    of = f" of {expired.period}" if expired.period else ""
    since = f"{expired.expired_at:%Y-%m-%d %H:%M}"
    rows = f"the rows{of} in version {expired.table_version} of {expired.dataset!r}"
    if expired.erasure:
        message = f"{rows} had erased rows and are gone since {since} UTC"
        return Fault(message, hint=f"read a later version; erasure {expired.erasure}")
    hint = "read a later version; `dataset-assets pin` keeps what has to stay"
    return Fault(f"{rows} expired by retention and are gone since {since} UTC", hint=hint)
