"""The outcome of publishing one Period: its counts, statistics, check results, digest and record."""

from dataclasses import dataclass
from typing import Self

from dataset_assets.checks.results import CheckResult
from dataset_assets.ports.warehouse import Record
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class RefreshCounts:
    """Numbers of rows, compared with the previous publication (BR-118)."""

    rows: int
    added: int
    changed: int
    unchanged: int
    removed: int

    @classmethod
    def compared(cls, rows: int, kept: int, changed: int, earlier: int) -> Self:
        """Return the counts of rows of which `kept` were among the `earlier` ones, some of them `changed`."""
        return cls(rows, rows - kept, changed, kept - changed, earlier - kept)

    @property
    def has_changes(self) -> bool:
        """Whether any row was added, changed or removed."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True)
class PublishOutcome:
    """The published rows: their figures, their record and the version of the table that holds them."""

    counts: RefreshCounts
    statistics: Statistics
    checks: tuple[CheckResult, ...]
    digest: str
    record: Record
    table_version: int
    size_bytes: int | None
