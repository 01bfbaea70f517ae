"""The part of a warehouse's interface that keeps samples, apart from everything that is published (BR-138).

There is one sample for a dataset, a Period and a share; a later one replaces it in one step. No reader of
publications sees it, and no claim, record or version is written for it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlglot import exp

from dataset_assets.errors import Fault, ResolveError
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation

SAMPLE_DAYS = 7
"""Days after which a sample is removed if the target has no setting of its own."""


class SampleRecord(Model):
    """The description of a sample: `sample` is its share, such as `1%`; `sha256` identifies the structure.

    `sensitive` are the columns that were sensitive when it was written.
    """

    dataset: str
    period: str | None
    sample: str
    as_of: Instant
    sha256: str
    made_at: Instant
    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredSample:
    """A sample in a warehouse. `name` identifies it there, `location` is for people and other tools."""

    name: str
    location: str
    record: SampleRecord
    size_bytes: int | None = None

    def expires_at(self, days: int) -> datetime:
        """Return the instant from which the sample is removed, by the time in its record."""
        return self.record.made_at + timedelta(days=days)


class SampleKeeper(ABC):
    """Keeps samples for some days."""

    @property
    @abstractmethod
    def sample_days(self) -> int:
        """The number of days after which a sample is removed, by the time in its record."""

    @abstractmethod
    def write_sample(self, record: SampleRecord, query: exp.Query, session: Session) -> StoredSample:
        """Write the rows of a query as a sample; it replaces an earlier one in one step."""

    @abstractmethod
    def samples(self, session: Session) -> list[StoredSample]:
        """Return all samples of the warehouse, in the order of their names."""

    @abstractmethod
    def sample_rows(self, sample: StoredSample, session: Session) -> Relation:
        """Return the rows of a sample. Raises ResolveError if it was removed."""

    @abstractmethod
    def remove_sample(self, sample: StoredSample, session: Session) -> bool:
        """Remove a sample. Return whether it was there."""


def sample_gone(sample: StoredSample) -> ResolveError:
    """Return the error of a sample that was removed."""
    message = f"the sample {sample.record.sample} of {sample.record.dataset} was removed"
    return ResolveError(Fault(message, hint="materialize it again"))
