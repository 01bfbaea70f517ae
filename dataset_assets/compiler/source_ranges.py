"""The time ranges that a dataset reads of its sources; they choose the pieces of tables stored by Period."""

from datetime import UTC, datetime, timedelta

from dataset_assets.contract.model import Dataset, LookupDef
from dataset_assets.contract.scope import Source
from dataset_assets.ports.resolver import TimeRange

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


def source_range(dataset: Dataset, source: Source, main_range: TimeRange | None) -> TimeRange | None:
    """Return the time range that is read of a source; `main_range` is that of the main table.

    The result is None for all rows. A lookup that is stored by Period is a series of snapshots, of which the
    last one before as-of is read. With `as_of` it is a history of which each Period is a part.
    """
    if source.lookup is None or main_range is None:
        return main_range
    if source.as_of is None:
        return snapshot_range(main_range)
    return history_range(dataset, source.lookup, main_range)


def snapshot_range(main_range: TimeRange) -> TimeRange:
    """Return the time range of the last snapshot before the end of the main table's range."""
    return TimeRange(main_range.end - timedelta(microseconds=1), main_range.end)


def history_range(dataset: Dataset, lookup: LookupDef, main_range: TimeRange) -> TimeRange | None:
    """Return the time range of the rows of a lookup that can be known at the time of some row (BR-132).

    The result is None if the time of a row is not the one that the range of the main table limits. The rows
    of a bitemporal snapshot have any times, but what was loaded after its Period was not known in it.
    """
    if dataset.main_table.bitemporal:
        return TimeRange(_BEGINNING, main_range.end)
    if not _is_limited(dataset, lookup):
        return None
    before = history_before(dataset, lookup)
    return TimeRange(_BEGINNING if before is None else main_range.start - before, main_range.end)


def history_before(dataset: Dataset, lookup: LookupDef) -> timedelta | None:
    """Return how long before the main table's range a lookup with `as_of` is read; None if there is no limit.

    That is a day more than `max_age`: a date is the first instant of its day in UTC, which can be before the
    first instant of that day in the zone of the range.
    """
    oldest = lookup.as_of.oldest if lookup.as_of and not dataset.main_table.bitemporal else None
    return oldest + _ONE_DAY if oldest and _is_limited(dataset, lookup) else None


def _is_limited(dataset: Dataset, lookup: LookupDef) -> bool:
    """Return whether the main table's range limits the time of a row: it does not limit other columns."""
    return dataset.column_mapping is None or dataset.row_time(lookup) == dataset.column_mapping.timestamp
