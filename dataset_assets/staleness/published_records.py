"""The records of what a target has published of one dataset."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import LOADED_PERIODS, records_of_loads
from dataset_assets.staleness.compact_record import compact


@dataclass(frozen=True)
class PublishedRecords:
    """The records of a dataset by Period, of a bitemporal table by load and as a `whole`.

    `target` is the name of the target that has them, empty for the own one.
    """

    by_period: dict[str | None, Record]
    whole: Record | None = None
    target: str = ""

    @classmethod
    def of(cls, records: Mapping[str | None, Record]) -> "PublishedRecords":
        """Return what a warehouse has, without the records that are lost."""
        found = {period: compact(record) for period, record in records.items() if record}
        whole = found.get(None)
        is_bitemporal = whole is not None and LOADED_PERIODS in whole
        return cls(dict(records_of_loads(found)), whole if is_bitemporal else None)

    @property
    def digests(self) -> dict[str | None, str]:
        """The digest of each Period, and of a bitemporal table as a whole."""
        found = {period: record["digest"] for period, record in self.by_period.items()}
        return {**found, None: self.whole["digest"]} if self.whole else found
