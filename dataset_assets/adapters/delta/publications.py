"""What is published in a folder of Delta tables, read back by version, with its records."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.folder import DatasetFolder, read_json
from dataset_assets.adapters.delta.log import history, open_table, relation_source
from dataset_assets.adapters.parquet.relation import DataFile
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Record, Warehouse, no_such_version
from dataset_assets.text.digest import digest


@dataclass(frozen=True)
class DeltaPublications(Warehouse):
    """The half of a Delta warehouse that reads."""

    root: Path
    kind: ClassVar[str] = "deltalake"
    keeps_rows: ClassVar[bool] = True

    def version(self, dataset: str, session: Session) -> int | None:  # noqa: ARG002
        """The version of the Delta table."""
        table = self.table(DatasetFolder.of(self.root, dataset))
        return table.version() if table else None

    def publications(self, query: PublicationQuery, session: Session) -> list[Publication]:
        """The table is opened once. Raises ResolveError for rows whose record is gone as well."""
        folder = DatasetFolder.of(self.root, query.dataset)
        table = self.table(folder, query.version)
        if table is None:
            return []
        found = ((period, delta_periods.files(table, folder.path, period)) for period in query.periods)
        return [self._publication(folder, table, period, files, session) for period, files in found if files]

    def _publication(
        self,
        folder: DatasetFolder,
        table: DeltaTable,
        period: str | None,
        files: Sequence[DataFile],
        session: Session,
    ) -> Publication:
        dataset = folder.path.name
        found = relation_source(table, files, session)
        stems = [each.path.relative_to(folder.path).as_posix() for each in files]
        relation = Relation(found.source, found.columns, digest(stems), delta_periods.rows(table, period))
        record = folder.record(files[0].path)
        if not record.exists():
            message = f"the rows of {dataset!r} were rewritten by another tool: their snapshot is gone"
            hint = f"restore an earlier version of {dataset}, or move its folder away"
            raise ResolveError(Fault(message, hint=hint))
        return Publication(dataset, period, table.version(), read_json(record), relation)

    def recent(
        self,
        dataset: str,
        periods: Sequence[str | None],
        session: Session,  # noqa: ARG002
        last: int = 1,
    ) -> list[Record]:
        """As the port says. The records of rows that another tool rewrote are gone."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self.table(folder)
        if table is None:
            return []
        now = delta_periods.by_period(table)
        there = [period for period in periods if period in now]
        return [
            record
            for period in there
            for record in islice(_recent(folder, table, period, folder.path / now[period]), last)
        ]

    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """As the port says. By their records' `period_start`, by id where there is none."""
        return list(self.records(dataset, session))

    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:  # noqa: ARG002
        """As the port says."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self.table(folder)
        files = delta_periods.by_period(table) if table else {}
        found = {period: read_json(folder.record(folder.path / path)) for period, path in files.items()}
        return {period: found[period] for period in sorted(found, key=lambda each: _order(each, found[each]))}

    def published_by(self, dataset_id: str, session: Session) -> list[str]:  # noqa: ARG002
        """By one record of each table. A table that cannot be read is nobody's."""
        tables = sorted(each.parent for each in self.root.glob("*/_delta_log"))
        return [path.name for path in tables if _made_by(DatasetFolder(path)) == dataset_id]

    def history(self, dataset: str) -> list[dict[str, Any]]:
        """What happened to the table, the newest first: version, timestamp (ms), period, run, ..."""
        table = self.table(DatasetFolder.of(self.root, dataset))
        names = ("version", "timestamp", "operation", "period", "run_id", "dataset_version")
        return [{name: entry.get(name) for name in names} for entry in history(table)] if table else []

    def location(self, dataset: str) -> str:
        """The folder."""
        return DatasetFolder.of(self.root, dataset).path.as_uri()

    def table_name(self, dataset: str) -> str:
        """The folder's name."""
        return DatasetFolder.of(self.root, dataset).path.name

    def table(self, folder: DatasetFolder, version: int | None = None) -> DeltaTable | None:
        """The Delta table; None where nothing was published yet.

        Raises ResolveError for a version that there is not. Versions are counted first: deltalake looks for
        the log of a version that is far away for minutes.
        """
        if not (folder.path / "_delta_log").is_dir():
            return None
        try:
            table = open_table(folder.path)
        except TableNotFoundError:
            return None
        if version is None or version == table.version():
            return table
        if 0 <= version < table.version():
            with suppress(DeltaError):
                return open_table(folder.path, version)
        raise ResolveError(no_such_version(folder.path.name, version, table.version()))


def _made_by(folder: DatasetFolder) -> str | None:
    with suppress(DeltaError, DatasetAssetsError, OSError, ValueError):
        for path in delta_periods.by_period(open_table(folder.path)).values():
            return read_json(folder.record(folder.path / path)).get("dataset_id")
    return None


def _order(period: str | None, record: Record) -> tuple[str, str]:
    return str(record.get("period_start") or ""), period or ""


def _recent(
    folder: DatasetFolder, table: DeltaTable, period: str | None, now: Path
) -> Iterator[dict[str, Any]]:
    """Of what a reader sees now, then of what the table's log knows, each once, the newest first."""
    earlier = map(folder.data, delta_periods.claims(table, folder.path.name, period))
    seen = set[Path]()
    for data in chain([now], earlier):
        record = read_json(folder.record(data)) if data not in seen else {}
        seen.add(data)
        if record:
            yield record
