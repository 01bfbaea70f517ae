"""Why a publication is stale, and the stale publication with its estimates and obstacles."""

from dataclasses import dataclass
from enum import StrEnum

from dataset_assets.contract.scope import NamedDataset
from dataset_assets.errors import Fault
from dataset_assets.periods.period import Period


class StalenessReason(StrEnum):
    """The kinds of reasons for which a publication must be made, in the words that people read."""

    NEW = "never published"
    VERSION = "new version"
    NOT_REUSABLE = "may not stay"
    WINDOW = "its window has moved"
    SOURCE = "source changed"
    NESTED = "nested dataset changed"
    UNKNOWN_VERSION = "source does not say whether it changed"
    REQUESTED = "asked for"


@dataclass(frozen=True)
class Reason:
    """One reason, with its details: the source, the old and new version, or why rows cannot be reused."""

    why: StalenessReason
    details: str = ""

    def __str__(self) -> str:
        return f"{self.why}: {self.details}" if self.details else str(self.why)


@dataclass(frozen=True)
class StalePublication:
    """A publication that a run would create or replace.

    `rows` and `size_bytes` are estimates, None if unknown. `obstacles` are the faults for which a run would
    be refused. `nested` are the publications of other datasets that it reads.
    """

    period: Period | None
    reasons: tuple[Reason, ...]
    rows: int | None = None
    size_bytes: int | None = None
    obstacles: tuple[Fault, ...] = ()
    nested: tuple[tuple[NamedDataset, Period | None], ...] = ()
