"""Earlier publications that one is compared with, as their records describe them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dataset_assets.ports.warehouse import Record
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class Past:
    """An earlier publication: how people call it, and what its record says of its rows."""

    name: str
    statistics: Statistics


@dataclass(frozen=True)
class History:
    """Records of earlier publications, the newest first; without Periods the current one's, too."""

    records: Sequence[Record] = ()
    most: int = 0

    def before(self, record: Record) -> tuple[Past, ...]:
        """Those before the publication that has this record, at most `most`, the oldest first."""
        earlier = [each for each in self.records if not _is_same(each, record)][: self.most]
        return tuple(
            Past(each["period"] or each["published_at"][:10], Statistics.model_validate(each["statistics"]))
            for each in reversed(earlier)
        )


def _is_same(one: Record, other: Record) -> bool:
    """Two publications of one Period are never of the same instant."""
    return (one["period"], one["published_at"]) == (other["period"], other["published_at"])
