"""Tell by a record whether a dataset would read other rows of a publication that is nested in it."""

from datetime import datetime

from dataset_assets.contract.scope import Source
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.text.digest import digest


def nested_version(record: Record, source: Source, read: TimeRange | None) -> str:
    """Return the version of what a dataset reads of a nested publication; equal versions mean equal rows.

    It is the digest of the rows. Of a bitemporal table that is read as known, loads of Periods after the time
    range that is read change nothing, so that the version is made of the digests of the loads before. Which
    rows were deleted by hand no load says: then the digest of the whole table counts.
    """
    if not source.is_as_known or read is None or deleted_rows(record):
        return record["digest"]
    loads = loads_of(record).items()
    known = (
        (id_, load["digest"])
        for id_, load in loads
        if datetime.fromisoformat(load["period_start"]) < read.end
    )
    return digest([part for pair in known for part in pair])
