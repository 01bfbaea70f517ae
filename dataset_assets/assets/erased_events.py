"""Remove what can hold values of erased rows from what Dagster stores: events, forms of jobs, captured logs.

Dagster has no public interface that changes an event. Its tables and private classes are used in this module
and in `event_cleaner` alone. Only events of these assets, and of runs that make them, are changed: no tag,
tick, backfill, schedule or partition, and nothing of other assets.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dataset_assets.assets.asset_keys import published_keys
from dataset_assets.assets.event_cleaner import EventCleaner, UnreadableError
from dataset_assets.assets.event_log import open_instance
from dataset_assets.assets.form_cleaner import FormCleaner
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import Fault, PublishError
from dataset_assets.lifecycle.erase import CleanedElsewhere

_BATCH = 500
_COMPACT_SECONDS = 10.0
"""How long a SQLite file is tried to be rewritten that others read."""

CLEANED = "Dagster: events, forms and captured logs of these assets"
KEPT = "Dagster: tags of runs, ticks, backfills and the events of other assets, which are left as they are"
BACKUPS = "Dagster's database: earlier versions of rows until VACUUM, and its backups"
ELSEWHERE = (
    "Dagster's event log, which is in a store that is not SQL: delete the runs of these datasets there"
)
UNREADABLE = "Dagster: stored texts that cannot be read, or not without values, and were left: "
"""Begins the sentence of a certificate that lists the stored texts which Dagster cannot read."""
IN_USE = "Dagster: free pages of files that other processes read; stop them, then erase again: "
"""Begins the sentence of a certificate that lists the SQLite files which could not be rewritten."""

Connect = Callable[[], AbstractContextManager[Any]]


def clean_events(stems: Sequence[str], catalog: Catalog, folder: Path | None) -> CleanedElsewhere:
    """Clean the assets of these datasets and outputs in the instance that `open_instance` opens.

    Raises ContractError if the instance cannot be opened, and PublishError if its database cannot be changed.
    """
    with open_instance(folder) as instance, _database_errors():
        events = instance.event_log_storage
        if not isinstance(events, SqlEventLogStorage):
            return CleanedElsewhere((), (ELSEWHERE,))
        keys = tuple(key.to_string() for stem in stems for key in published_keys(catalog, stem))
        cleaning = _Cleaning(instance, events, keys, FormCleaner.of(catalog, stems))
        cleaning.run()
        return CleanedElsewhere((CLEANED,), tuple(cleaning.beyond_reach()))


@contextmanager
def _database_errors() -> Generator[None]:
    """Raise PublishError for an error of Dagster's database, such as a lock that another process holds."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        message = f"Dagster's events could not be cleaned: {reason}"
        raise PublishError(Fault(message, hint="run the same `erase` again, which then finishes")) from error


@dataclass
class _Cleaning:
    """One cleaning of an instance: `_urls` are the SQLite files it visited, `_left` the unreadable rows."""

    instance: dg.DagsterInstance
    events: SqlEventLogStorage
    keys: Sequence[str]
    forms: FormCleaner
    _urls: dict[str, None] = field(default_factory=dict)
    _left: dict[str, None] = field(default_factory=dict)
    _in_use: Sequence[str] = ()
    _is_sqlite: bool = True

    def run(self) -> None:
        """Clean the events of every run of the assets, the tables beside them, and the captured logs."""
        for run_id in self._run_ids():
            self._clean_run(run_id)
        self._clean_tables()
        self._in_use = [url for url in self._urls if not _compact(url)]

    def beyond_reach(self) -> Iterator[str]:
        """Yield sentences on what was not cleaned."""
        yield KEPT
        if not self._is_sqlite:
            yield BACKUPS
        if self._left:
            yield UNREADABLE + ", ".join(self._left)
        if self._in_use:
            yield IN_USE + ", ".join(db.make_url(each).database or each for each in self._in_use)

    def _clean_run(self, run_id: str) -> None:
        """Clean the events of a run, or those without a run; SQLite has those of assets in two files."""
        table = SqlEventLogStorageTable
        of_run = table.c.run_id == run_id
        if not run_id:
            of_check = table.c.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
            of_run &= table.c.asset_key.in_(self.keys) | of_check
        places: tuple[Connect, ...] = (
            partial(self.events.run_connection, run_id),
            self.events.index_connection,
        )
        steps = {step for place in places for step in self._steps(place, run_id)}
        cleaner = EventCleaner(self.keys, frozenset(steps))
        for place in places:
            self._clean(place, table, "event", of_run, cleaner.clean)
        if run_id and steps:
            self.instance.compute_log_manager.delete_logs(prefix=[run_id])

    def _steps(self, place: Connect, run_id: str) -> Iterator[str]:
        """Yield the steps of a run that make or check one of the assets, or change its rows."""
        if not run_id:
            return
        cleaner, table = EventCleaner(self.keys), SqlEventLogStorageTable
        query = db.select(table.c.event).where(table.c.run_id == run_id, table.c.step_key.isnot(None))
        with place() as connection:
            texts = [
                row[0] for row in connection.execute(query.where(table.c.dagster_event_type.like("ASSET_%")))
            ]
        for text in texts:
            with suppress(UnreadableError):
                step = cleaner.step_of(text)
                if step:
                    yield step
        run = self.instance.get_run_by_id(run_id)
        yield from self.forms.steps(run.run_config) if run else ()

    def _clean_tables(self) -> None:
        """Clean what is stored beside the events: last events of assets, their checks, and forms of jobs."""
        index, cleaner = self.events.index_connection, EventCleaner(self.keys)
        checks, assets = AssetCheckExecutionsTable, AssetKeyTable
        self._clean(index, checks, "evaluation_event", checks.c.asset_key.in_(self.keys), cleaner.clean)
        of_asset = assets.c.asset_key.in_(self.keys)
        self._clean(index, assets, "last_materialization", of_asset, cleaner.clean)
        with index() as connection:  # Dagster makes it again
            connection.execute(assets.update().where(of_asset).values(cached_status_data=None))
        runs = self.instance.run_storage
        if isinstance(runs, SqlRunStorage):
            self._clean(runs.connect, RunsTable, "run_body", self._has_form(), self.forms.clean)

    def _has_form(self) -> Any:
        """Return the condition that the form of a run can name one of the datasets."""
        return db.or_(*(RunsTable.c.run_body.contains(text, autoescape=True) for text in self.forms.texts))

    def _run_ids(self) -> list[str]:
        """Return the runs that can have an event about an asset; an empty id is that of events without."""
        events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        with self.events.index_connection() as connection:
            found: set[str] = set()
            for table in (events, checks):
                query = db.select(table.run_id).distinct().where(table.asset_key.in_(self.keys))
                found |= {row[0] or "" for row in connection.execute(query)}
        runs = self.instance.run_storage
        if isinstance(runs, SqlRunStorage):
            selected = [RunsTable.c.run_body.contains(f'"path": {key}', autoescape=True) for key in self.keys]
            with runs.connect() as connection:
                query = db.select(RunsTable.c.run_id).where(db.or_(self._has_form(), *selected))
                found |= {row[0] for row in connection.execute(query)}
        return sorted(found)

    def _clean(
        self, connect: Connect, table: db.Table, name: str, condition: Any, clean: Callable[[str], str]
    ) -> None:
        """Clean one column of the rows for which a condition is true; what is unreadable stays."""
        with connect() as connection:
            if connection.dialect.name == "sqlite":
                self._urls[str(connection.engine.url)] = None
            else:
                self._is_sqlite = False
            for ids in _batches(connection, table, condition):
                rows = connection.execute(db.select(table.c.id, table.c[name]).where(table.c.id.in_(ids)))
                for row_id, text in rows.fetchall():
                    try:
                        cleaned = clean(text) if text else text
                    except UnreadableError:
                        self._left[f"{table.name} {row_id}"] = None
                        continue
                    if cleaned != text:
                        connection.execute(table.update().where(table.c.id == row_id).values({name: cleaned}))


def _batches(connection: Any, table: db.Table, condition: Any) -> Iterator[list[int]]:
    ids = [row[0] for row in connection.execute(db.select(table.c.id).where(condition))]
    yield from (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def _compact(url: str) -> bool:
    """Rewrite a SQLite file and its log, in which replaced rows are kept until their pages are used again.

    Return whether that was possible: another process that reads the file keeps its log.
    """
    engine = db.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=db.NullPool)
    end = monotonic() + _COMPACT_SECONDS
    try:
        while True:
            with suppress(OperationalError), engine.connect() as connection:
                connection.execute(db.text("VACUUM"))
                busy, *_ = connection.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
                if not busy:
                    return True
            if monotonic() > end:
                return False
            sleep(0.2)
    finally:
        engine.dispose()
