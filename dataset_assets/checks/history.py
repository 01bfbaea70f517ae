"""Select the earlier publications with which the drift checks compare a publication.

Only their records are read, not their rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dataset_assets.ports.warehouse import Record
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class EarlierPublication:
    """An earlier publication: its Period or day as its name, and the statistics of its rows."""

    name: str
    statistics: Statistics


@dataclass(frozen=True)
class History:
    """Records of earlier publications, newest first; without Periods they include the current one."""

    records: Sequence[Record] = ()
    limit: int = 0

    def before(self, record: Record) -> tuple[EarlierPublication, ...]:
        """Return at most `limit` publications before the one with this record, the oldest first."""
        earlier = [each for each in self.records if not _is_same(each, record)][: self.limit]
        return tuple(
            EarlierPublication(
                each["period"] or each["published_at"][:10], Statistics.model_validate(each["statistics"])
            )
            for each in reversed(earlier)
        )


def _is_same(one: Record, other: Record) -> bool:
    """Return whether two records are of one publication: those of one Period differ in their instant."""
    return (one["period"], one["published_at"]) == (other["period"], other["published_at"])
