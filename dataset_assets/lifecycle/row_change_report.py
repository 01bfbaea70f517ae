"""The request for a change of rows by hand, and the report of what it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dataset_assets.model import Instant, Model
from dataset_assets.ports.warehouse import Record


@dataclass(frozen=True)
class ChangeRequest:
    """Who changes rows of which dataset, and when. `partition` is a Period; all published ones if None."""

    dataset: str
    run_id: str
    now: datetime
    by: str | None = None
    partition: str | None = None
    dry_run: bool = False


class ChangedPeriod(Model):
    """One Period: its rows that are not deleted, before the change, and how many rows the change touches.

    The others are None if nothing was published: the version of the table and the digest of the rows that
    are not deleted, and the instant of the publication.
    """

    period: str | None
    rows: int
    touched: int
    table_version: int | None = None
    digest: str | None = None
    published_at: Instant | None = None


class ChangeReport(Model):
    """The result of a change, or of its dry run. `remarks` are sentences that its author should read."""

    dataset: str
    operation: str
    dry_run: bool
    periods: tuple[ChangedPeriod, ...]
    remarks: tuple[str, ...] = ()

    @property
    def touched(self) -> int:
        """Number of rows that the change touches in all Periods."""
        return sum(each.touched for each in self.periods)


OnPublished = Callable[[ChangedPeriod, Record], object]
"""Function that is called for each Period when it is published, with the record of the publication."""
