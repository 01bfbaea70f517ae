"""Remove the values of erased rows from what Dagster stores: events, runs, ticks and captured logs.

Dagster has no public interface that changes an event. Its tables and private classes are used in this module
alone. Counts, digests and versions of an event stay; statistics, charts, snapshots and conditions go.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import BulkActionsTable, RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.event_log import open_instance
from dataset_assets.lifecycle.erase import CleanedElsewhere, ErasedValues
from dataset_assets.lifecycle.erased_records import ERASED

_DROPPED = frozenset({"column_statistics", "distributions", "snapshot", "operation", "first_day", "last_day"})
"""Metadata of a dataset's events in which values of rows are."""
_CONDITIONS = frozenset({"where", "set"})
"""Fields of the forms of the jobs that change rows."""
_NAMES = frozenset({"__class__", "run_id", "step_key", "job_name", "partition", "label", "asset_key"})
"""Keys whose texts name things of Dagster."""
_BATCH = 500

CLEANED = "Dagster: events, runs and captured logs of these datasets"
BACKUPS = "Dagster's database: earlier versions of rows until VACUUM, and its backups"
ELSEWHERE = (
    "Dagster's event log, which is in a store that is not SQL: delete the runs of these datasets there"
)


def clean_events(erased: ErasedValues, folder: Path | None) -> CleanedElsewhere:
    """Remove the values from the instance that `open_instance` opens.

    Raises ContractError if the instance cannot be opened.
    """
    with open_instance(folder) as instance:
        events = instance.event_log_storage
        if not isinstance(events, SqlEventLogStorage):
            return CleanedElsewhere((), (ELSEWHERE,))
        cleaning = _Cleaning(instance, events, _EventCleaner(erased))
        cleaning.run()
        return CleanedElsewhere((CLEANED,), () if cleaning.is_sqlite else (BACKUPS,))


@dataclass
class _EventCleaner:
    """Cleans the JSON of events about datasets: drops statistics, and hides values in texts."""

    erased: ErasedValues
    _pattern: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        values = sorted(self.erased.values, key=len, reverse=True)
        among = "|".join(map(re.escape, values))
        self._pattern = re.compile(rf"(?<![\w-])(?:{among})(?![\w-])") if values else None

    @property
    def stems(self) -> tuple[str, ...]:
        """The datasets."""
        return self.erased.datasets

    def clean(self, text: str) -> str:
        """Return the JSON of an event, run or tick without values."""
        try:
            found = json.loads(text)
        except ValueError:
            return self._redacted(text)
        is_ours = any(f'"{stem}"' in text for stem in self.stems)
        cleaned = self._cleaned(found, "", is_ours=is_ours)
        return text if cleaned == found else json.dumps(cleaned)

    def _cleaned(self, value: Any, key: str, *, is_ours: bool) -> Any:
        match value:
            case dict():
                return {name: self._field(name, each, is_ours=is_ours) for name, each in value.items()}
            case list():
                return [
                    self._cleaned(each, key, is_ours=is_ours)
                    for each in value
                    if not _is_dropped(each, is_ours)
                ]
            case str():
                return value if key in _NAMES else self._redacted(value)
            case _:
                return value

    def _field(self, name: str, value: Any, *, is_ours: bool) -> Any:
        if is_ours and name in _CONDITIONS and value:
            return ERASED if isinstance(value, str) else dict.fromkeys(value, ERASED)
        return self._cleaned(value, name, is_ours=is_ours)

    def _redacted(self, text: str) -> str:
        return self._pattern.sub(ERASED, text) if self._pattern else text


def _is_dropped(entry: Any, is_ours: bool) -> bool:
    """Return whether an item of a list is an entry of metadata with values of rows."""
    label = entry.get("label") if is_ours and isinstance(entry, dict) else None
    return isinstance(label, str) and (label in _DROPPED or label.endswith("_mean"))


@dataclass
class _Cleaning:
    """One cleaning of an instance; `_urls` are the SQLite files that were changed."""

    instance: dg.DagsterInstance
    events: SqlEventLogStorage
    cleaner: _EventCleaner
    _urls: dict[str, None] = field(default_factory=dict)
    is_sqlite: bool = True

    def run(self) -> None:
        """Clean the events of every run of the datasets, the tables beside them, and the captured logs."""
        keys = [dataset_key(stem).to_string() for stem in self.cleaner.stems]
        table, index = SqlEventLogStorageTable, self.events.index_connection
        run_ids = self._run_ids(keys)
        self._clean(index, table, "event", table.c.asset_key.in_(keys))
        for run_id in run_ids:
            self._clean(
                lambda run_id=run_id: self.events.run_connection(run_id),
                table,
                "event",
                table.c.run_id == run_id,
            )
            if run_id:
                self.instance.compute_log_manager.delete_logs(prefix=[run_id])
        of_asset = AssetKeyTable.c.asset_key.in_(keys)
        self._clean(index, AssetKeyTable, "last_materialization", of_asset)
        self._clean(index, AssetKeyTable, "cached_status_data", of_asset)
        self._clean(
            index,
            AssetCheckExecutionsTable,
            "evaluation_event",
            AssetCheckExecutionsTable.c.asset_key.in_(keys),
        )
        runs, ticks = self.instance.run_storage, self.instance.schedule_storage
        if isinstance(runs, SqlRunStorage):
            self._clean(runs.connect, RunsTable, "run_body", db.true())
            self._clean(runs.connect, BulkActionsTable, "body", db.true())
        if isinstance(ticks, SqlScheduleStorage):
            self._clean(ticks.connect, JobTickTable, "tick_body", db.true())
        for url in self._urls:
            _compact(url)

    def _run_ids(self, keys: Sequence[str]) -> list[str]:
        """Return the runs that have an event about a dataset, or whose form names one."""
        table = SqlEventLogStorageTable
        with self.events.index_connection() as connection:
            found = connection.execute(
                db.select(table.c.run_id).distinct().where(table.c.asset_key.in_(keys))
            )
            run_ids = {row[0] for row in found}
        runs = self.instance.run_storage
        if isinstance(runs, SqlRunStorage):
            named = [RunsTable.c.run_body.like(f'%"dataset": "{stem}"%') for stem in self.cleaner.stems]
            with runs.connect() as connection:
                run_ids |= {
                    row[0] for row in connection.execute(db.select(RunsTable.c.run_id).where(db.or_(*named)))
                }
        return sorted(run_ids)

    def _clean(
        self,
        connect: Callable[[], AbstractContextManager[Any]],
        table: db.Table,
        name: str,
        condition: Any,
    ) -> None:
        """Clean one column of the rows for which a condition is true."""
        with connect() as connection:
            if connection.dialect.name == "sqlite":
                self._urls[str(connection.engine.url)] = None
            else:
                self.is_sqlite = False
            for ids in _batches(connection, table, condition):
                rows = connection.execute(db.select(table.c.id, table.c[name]).where(table.c.id.in_(ids)))
                for row_id, text in rows.fetchall():
                    cleaned = self.cleaner.clean(text) if text else text
                    if cleaned != text:
                        connection.execute(table.update().where(table.c.id == row_id).values({name: cleaned}))


def _batches(connection: Any, table: db.Table, condition: Any) -> Iterator[list[int]]:
    ids = [row[0] for row in connection.execute(db.select(table.c.id).where(condition))]
    yield from (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def _compact(url: str) -> None:
    """Rewrite a SQLite file and its log, in which replaced rows are kept until their pages are used again."""
    engine = db.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=db.NullPool)
    with engine.connect() as connection:
        connection.execute(db.text("VACUUM"))
        connection.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
