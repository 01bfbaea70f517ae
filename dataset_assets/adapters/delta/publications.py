"""Find the publications in a Delta warehouse: their records and rows, also of earlier table versions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from typing_extensions import override

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.current_files import files_of_small_log
from dataset_assets.adapters.delta.folder import DatasetFolder, read_json
from dataset_assets.adapters.delta.history import History, PastPublication, past_publication
from dataset_assets.adapters.delta.log import history, open_table, relation_source
from dataset_assets.adapters.delta.log_commits import read_commit
from dataset_assets.adapters.delta.open_tables import OpenTables
from dataset_assets.adapters.delta.past_rows import past_publications
from dataset_assets.adapters.delta.stored_record import period_start, stored_record
from dataset_assets.adapters.parquet.relation import DataFile
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.retention import Retention
from dataset_assets.ports.samples import SAMPLE_DAYS
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Record, Warehouse, no_such_version
from dataset_assets.text.digest import digest


@dataclass(frozen=True)
class DeltaPublications(Warehouse):
    """The reading half of a warehouse of Delta tables in the folder `root`."""

    root: Path
    retention: Retention | None = None
    sample_days: int = SAMPLE_DAYS
    kind: ClassVar[str] = "deltalake"
    keeps_rows: ClassVar[bool] = True
    open_tables: OpenTables = field(default_factory=OpenTables, init=False, repr=False, compare=False)

    @override
    def version(self, dataset: str, session: Session) -> int | None:
        table = self.table(DatasetFolder.of(self.root, dataset))
        return table.version() if table else None

    @override
    def publications(self, query: PublicationQuery, session: Session) -> list[Publication]:
        """Return the Periods' publications. Raises ResolveError also if the record of rows is missing."""
        folder = DatasetFolder.of(self.root, query.dataset)
        newest = self.table(folder)
        if newest is None:
            return []
        table, history = newest, History(folder)
        if query.version is not None and query.version != newest.version():
            if 0 <= query.version <= history.until:
                return past_publications(history, query, session)
            table = self.table(folder, query.version) or newest
        data = ((period, delta_periods.files(table, folder.path, period)) for period in query.periods)
        return [self._publication(folder, table, period, files, session) for period, files in data if files]

    def _publication(
        self,
        folder: DatasetFolder,
        table: DeltaTable,
        period: str | None,
        files: Sequence[DataFile],
        session: Session,
    ) -> Publication:
        dataset = folder.path.name
        rows = relation_source(table, files, session)
        paths = [each.path.relative_to(folder.path).as_posix() for each in files]
        relation = Relation(rows.source, rows.columns, digest(paths), delta_periods.row_count(table, period))
        record = folder.record_path(files[0].path)
        if not record.exists():
            message = f"the rows of {dataset!r} were rewritten by another tool: their snapshot is gone"
            hint = f"restore an earlier version of {dataset}, or move its folder away"
            raise ResolveError(Fault(message, hint=hint))
        return Publication(dataset, period, table.version(), read_json(record), relation)

    @override
    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Record]:
        """Return the newest records of each Period. Rows that another tool rewrote have none."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self.table(folder)
        if table is None:
            return []
        files = delta_periods.first_files(table)
        published = [period for period in periods if period in files]
        past = History(folder)
        return [
            record
            for period in published
            for record in islice(_recent_records(past, table, period, folder.path / files[period]), last)
        ]

    @override
    def periods(self, dataset: str, session: Session) -> list[str | None]:
        return list(self.records(dataset, session))

    @override
    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:
        """Return each Period's record, ordered by its `period_start`, then by the Period's id."""
        folder = DatasetFolder.of(self.root, dataset)
        found = [(period, stored_record(path)) for period, path in folder.records(self._first_files(folder))]
        return dict(sorted(found, key=lambda each: (period_start(each[1]), each[0] or "")))

    def _first_files(self, folder: DatasetFolder) -> dict[str | None, str]:
        """Return the path of the first data file of each Period; none if nothing was published yet."""
        files = files_of_small_log(folder.path)
        if files is not None:
            return files
        table = self.table(folder)
        return delta_periods.first_files(table) if table else {}

    @override
    def record_marks(self, datasets: Sequence[str], session: Session, before: RecordMarks) -> RecordMarks:
        """Return the times of the two folders that each publication and each confirmation writes to."""
        marks = ((each, DatasetFolder.of(self.root, each).record_mark()) for each in datasets)
        return RecordMarks({dataset: mark for dataset, mark in marks if mark})

    @override
    def published_by(self, dataset_id: str, session: Session) -> list[str]:
        """Return the tables one of whose records has this id. A table that cannot be read is skipped."""
        tables = sorted(each.parent for each in self.root.glob("*/_delta_log"))
        return [path.name for path in tables if _dataset_id_of(DatasetFolder(path)) == dataset_id]

    def history(self, dataset: str) -> list[dict[str, Any]]:
        """Return the table's commits, the newest first: version, timestamp (ms), period, run, ..."""
        table = self.table(DatasetFolder.of(self.root, dataset))
        names = ("version", "timestamp", "operation", "period", "run_id", "dataset_version")
        return [{name: entry.get(name) for name in names} for entry in history(table)] if table else []

    @override
    def location(self, dataset: str) -> str:
        return DatasetFolder.of(self.root, dataset).path.as_uri()

    @override
    def table_name(self, dataset: str) -> str:
        return DatasetFolder.of(self.root, dataset).path.name

    def table(self, folder: DatasetFolder, version: int | None = None) -> DeltaTable | None:
        """Return the Delta table, or None if nothing was published yet.

        Raises ResolveError if the version does not exist. The version is compared with the newest one first,
        because deltalake searches the log for a far greater version for minutes.
        """
        if not (folder.path / "_delta_log").is_dir():
            return None
        try:
            table = self.open_tables.newest(folder.path)
        except TableNotFoundError:
            return None
        if version is None or version == table.version():
            return table
        if 0 <= version < table.version():
            with suppress(DeltaError):
                return open_table(folder.path, version)
        raise ResolveError(no_such_version(folder.path.name, version, table.version()))


def _dataset_id_of(folder: DatasetFolder) -> str | None:
    with suppress(DeltaError, DatasetAssetsError, OSError, ValueError):
        files = files_of_small_log(folder.path) or delta_periods.first_files(open_table(folder.path))
        for _, path in folder.records(files):
            return stored_record(path).get("dataset_id")
    return None


def _recent_records(past: History, table: DeltaTable, period: str | None, current: Path) -> Iterator[Record]:
    """Yield the record of the current data file, then those of earlier publications, newest first.

    Earlier ones are those of the commits in the log, then those in the history. The records of publications
    whose rows are gone have the key `expired_at`.
    """
    folder = past.folder
    if record := read_json(folder.record_path(current)):
        yield record
    for each in chain(_in_log(past, table, period), past.newest_first(period)):
        data = past.data_path(each)
        if data != current and (record := past.record(each)):
            yield record


def _in_log(past: History, table: DeltaTable, period: str | None) -> Iterator[PastPublication]:
    """Yield the publications of a Period that the history lacks, the newest first, as they are asked for."""
    for version in range(table.version(), past.until, -1):
        commit = read_commit(past.folder.path / "_delta_log", version)
        if commit and commit.token and commit.path and commit.period == period:
            yield past_publication(commit)
