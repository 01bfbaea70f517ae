"""What is published in a folder of Delta tables, read back by version, with its records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Publication, Record, Warehouse
from resources import delta_periods
from resources.delta_folder import DatasetFolder, read_json
from resources.delta_tables import history, open_table, relation_source
from resources.resolvers.base import digest


@dataclass(frozen=True)
class DeltaPublications(Warehouse):
    """The half of a Delta warehouse that reads."""

    root: Path
    kind: ClassVar[str] = "deltalake"

    def current(
        self, dataset: str, period: str | None, session: Session, version: int | None = None
    ) -> Publication | None:
        """As the port says. Raises ResolveError for a version that the table does not have."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self.table(folder, version)
        files = delta_periods.files(table, folder.path, period) if table else []
        if table is None or not files:
            return None
        found = relation_source(table, files, session)
        stems = [each.path.relative_to(folder.path).as_posix() for each in files]
        relation = Relation(found.source, found.columns, digest(stems), delta_periods.rows(table, period))
        record = folder.record(files[0].path)
        if not record.exists():
            message = f"the rows of {dataset!r} were rewritten by another tool: their snapshot is gone"
            mend = f"restore an earlier version of {folder.path.name}, or move its folder away"
            raise ResolveError(Fault(message, mend=mend))
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
        """None where nothing was published yet. Raises ResolveError for a version that there is not."""
        if not (folder.path / "_delta_log").is_dir():
            return None
        try:
            return open_table(folder.path, version)
        except TableNotFoundError:
            return None
        except DeltaError:
            newest = open_table(folder.path).version()
            message = f"{folder.path.name!r} has no version {version}"
            raise ResolveError(Fault(message, mend=f"it has 0 to {newest}")) from None


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
