"""Read from Dagster's event log which tables were reported since, and when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
from typing_extensions import override

from dataset_assets.assets.asset_graph import Table
from dataset_assets.assets.partitions import Partitioning
from dataset_assets.errors import PeriodError
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.publishing.stored_periods import overlaps
from dataset_assets.staleness.due_publication import SourceReports
from dataset_assets.staleness.readers import TableKey

_RESOLUTION = 1e-6
"""Seconds that are looked back further, because Dagster's filter leaves out its own instant."""
_REPORTED = dg.DagsterEventType.ASSET_MATERIALIZATION


class TableReports(SourceReports):
    """The reports of tables as they are now. `before` are the last reports that were seen, by asset key.

    A report is a materialization of the table's asset: by the sensor `sources`, by a program that loads the
    table, or by a run of the asset that makes it.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        tables: Mapping[TableKey, Table],
        before: Mapping[dg.AssetKey, int] | None = None,
    ) -> None:
        self._instance, self._tables, self._before = instance, tables, before
        records = instance.get_asset_records([table.key for table in tables.values()]) if tables else []
        entries = (record.asset_entry for record in records)
        self._partitions: dict[dg.AssetKey, Sequence[Period] | None] = {}
        self._last = {each.asset_key: last for each in entries if (last := each.last_materialization_record)}

    @property
    def seen(self) -> Mapping[dg.AssetKey, int]:
        """The storage id of the last report of each table, to compare later reports with."""
        return {key: record.storage_id for key, record in self._last.items()}

    def changes(self) -> Iterator[tuple[TableKey, Sequence[Period] | None]]:
        """Yield the tables that were reported since, with the Periods of the pieces; None for a whole table.

        Nothing is known without earlier reports, so that nothing is yielded.
        """
        if self._before is None:
            return
        for name, table in self._tables.items():
            before, now = self._before.get(table.key, 0), self.seen.get(table.key)
            if now is not None and now != before:
                yield name, self._pieces(table, before if now > before else 0)

    def _pieces(self, table: Table, after: int) -> Sequence[Period] | None:
        if table.partitioning is None:
            return None
        storage = self._instance.event_log_storage
        reported = storage.get_latest_storage_id_by_partition(table.key, _REPORTED, after_cursor=after)
        return _periods(table.partitioning, reported) or None

    @override
    def last_report(self, resolver: str, table: str, time_range: TimeRange | None) -> datetime | None:
        known, last = self._last_of(resolver, table)
        if known is None or last is None:
            return None
        if known.partitioning is None or time_range is None:
            return datetime.fromtimestamp(last.timestamp, UTC)
        return self._report(known, time_range)

    @override
    def first_report(
        self, resolver: str, table: str, time_range: TimeRange | None, since: datetime
    ) -> datetime | None:
        known, last = self._last_of(resolver, table)
        if known is None or last is None or last.timestamp < since.timestamp():
            return None
        return self._report(known, time_range, since.timestamp())

    def _last_of(self, resolver: str, table: str) -> tuple[Table | None, dg.EventLogRecord | None]:
        known = self._tables.get((resolver, table))
        return known, self._last.get(known.key) if known else None

    def _report(
        self, table: Table, time_range: TimeRange | None, since: float | None = None
    ) -> datetime | None:
        """Return the instant of the first report since a timestamp; without one, of the last report."""
        keys = (
            self._touched(table, table.partitioning, time_range)
            if table.partitioning and time_range
            else None
        )
        if keys == []:
            return None
        after = None if since is None else since - _RESOLUTION
        wanted = dg.AssetRecordsFilter(table.key, asset_partitions=keys, after_timestamp=after)
        found = self._instance.fetch_materializations(wanted, limit=1, ascending=since is not None)
        return datetime.fromtimestamp(found.records[0].timestamp, UTC) if found.records else None

    def _touched(self, table: Table, partitioning: Partitioning, time_range: TimeRange) -> list[str]:
        """Return the keys of the reported partitions that overlap a time range."""
        storage = self._instance.event_log_storage
        if table.key not in self._partitions:
            self._partitions[table.key] = _periods(
                partitioning, storage.get_latest_storage_id_by_partition(table.key, _REPORTED)
            )
        return [each.key for each in self._partitions[table.key] or () if overlaps(each, time_range)]


def _periods(partitioning: Partitioning, keys: Iterable[str]) -> Sequence[Period] | None:
    """Return the Periods of partitions; None if the table's asset has partitions of another kind."""
    try:
        return [partitioning.cadence.from_key(key) for key in keys]
    except PeriodError:
        return None
