"""Published datasets as Delta Lake tables on disk (DESIGN section 7).

DuckDB writes a Parquet file that no reader sees; one Delta commit then makes it the Period's rows. Any
Delta reader can read the tables, and every publication can be read back by version.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions
from sqlglot import exp

from dataset_assets.access import Finding, fine, missing
from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, ResolveError, UnsupportedError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Claim, Leftover, Publication, PublishedColumn, Staged, Warehouse
from resources import delta_leftovers, delta_periods, delta_schema, duckdb_nodes
from resources.delta_folder import DatasetFolder, flush, move, read_json, write_json
from resources.delta_periods import PERIOD
from resources.delta_tables import relation_source
from resources.duckdb_engine import DuckDBSession, Written
from resources.resolvers.base import digest

FOREVER = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    "delta.enableExpiredLogCleanup": "false",
}
"""Every publication stays readable by its version for ten years."""


@dataclass(eq=False)
class StagedFile(Staged):
    """A Parquet file in `_staging`."""

    relation: Relation
    written: Written

    def size_bytes(self) -> int:
        """Of the file."""
        return self.written.size_bytes


@dataclass(frozen=True)
class DeltaWarehouse(Warehouse):
    """Needs sessions of DuckDB. Commits of one dataset wait for one another, for milliseconds."""

    root: Path
    kind: ClassVar[str] = "deltalake"

    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:  # noqa: ARG002
        """Also removes what earlier claims of the Period left behind."""
        folder = DatasetFolder.of(self.root, dataset)
        with folder.locked():
            last = folder.newest(dataset, period)
            claim = Claim(dataset, period, last.token + 1 if last else 1, run_id)
            if last:
                delta_leftovers.remove_all(folder, last)
            folder.write_claim(claim)
        return claim

    def confirm(self, claim: Claim, session: Session) -> None:  # noqa: ARG002
        """As the port says."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        with folder.locked():
            folder.check(claim)

    def current(
        self, dataset: str, period: str | None, session: Session, version: int | None = None
    ) -> Publication | None:
        """As the port says. Raises ResolveError for a version that the table does not have."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self._table(folder, version)
        paths = delta_periods.files(table, period) if table else []
        if table is None or not paths:
            return None
        source = relation_source(table, paths, session, delta_periods.constants(period))
        stems = [path.relative_to(folder.path).as_posix() for path in paths]
        relation = Relation(
            source, session.describe(source), digest(stems), delta_periods.rows(table, period)
        )
        record = folder.record(paths[0])
        if not record.exists():
            message = f"the rows of {dataset!r} were rewritten by another tool: their snapshot is gone"
            mend = f"restore an earlier version of {folder.path.name}, or move its folder away"
            raise ResolveError(Fault(message, mend=mend))
        return Publication(dataset, period, table.version(), read_json(record), relation)

    def latest(self, dataset: str, session: Session) -> Publication | None:
        """As the port says; Periods are ordered by when they begin."""
        periods = self.periods(dataset, session)
        return self.current(dataset, periods[-1], session) if periods else None

    def recent(
        self,
        dataset: str,
        periods: Sequence[str | None],
        session: Session,  # noqa: ARG002
        last: int = 1,
    ) -> list[Mapping[str, Any]]:
        """As the port says. The records of rows that another tool rewrote are gone."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self._table(folder)
        if table is None:
            return []
        now = delta_periods.by_period(table)
        there = [period for period in periods if period in now]
        return [
            record
            for period in there
            for record in islice(_recent(folder, table, period, folder.path / now[period]), last)
        ]

    def stage(self, claim: Claim, query: exp.Query, session: Session) -> StagedFile:
        """As the port says. `_period` is left out of a Period's file: the partition says it."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        path = folder.staging(claim)
        path.parent.mkdir(parents=True, exist_ok=True)
        if claim.period is not None:
            without = exp.Star(except_=[exp.to_identifier(PERIOD)])
            query = exp.select(without).from_(query.copy().subquery("staged", copy=False))
        try:
            written = _duckdb(session).write_parquet(query, path)
            return StagedFile(_staged_relation(claim, written, session), written)
        except DatasetAssetsError:
            self.confirm(claim, session)  # a later claim removes the file: that is then the reason to tell
            raise

    def publish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn],
        record: Mapping[str, Any],
        session: Session,  # noqa: ARG002
    ) -> int:
        """As the port says. Publishing the same claim again answers the version that it has."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        fields = delta_schema.fields(columns)
        delta_schema.check_rows(fields, staged.relation.columns)
        with folder.locked():
            folder.check(claim)
            table = self._table(folder)
            if table and folder.data(claim) in delta_periods.files(table, claim.period):
                return delta_periods.version_of(table, claim)
            _check_partitioning(table, claim)
            others = (
                [p for p in delta_periods.periods(table) if p is not None and p != claim.period]
                if table
                else []
            )
            schema = delta_schema.evolved(fields, table, others)
            action = _place(folder, claim, staged, record)
            return _commit(folder, table, claim, action, schema, record)

    def affirm(
        self,
        claim: Claim,
        before: Publication,  # noqa: ARG002 - while the claim holds it is the Period's
        record: Mapping[str, Any],
        session: Session,  # noqa: ARG002
    ) -> None:
        """As the port says."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        with folder.locked():
            folder.check(claim)
            table = self._table(folder)
            for path in delta_periods.files(table, claim.period)[:1] if table else []:
                write_json(folder.record(path), record)

    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:  # noqa: ARG002
        """As the port says."""
        DatasetFolder.of(self.root, claim.dataset).staging(claim).unlink(missing_ok=True)

    def leftovers(self, session: Session) -> Iterator[Leftover]:  # noqa: ARG002
        """As the port says."""
        return delta_leftovers.found(self.root)

    def remove(self, leftover: Leftover, session: Session) -> bool:  # noqa: ARG002
        """As the port says."""
        return delta_leftovers.removed(self.root, leftover)

    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """As the port says. By their records' `period_start`, by id where there is none."""
        return list(self.records(dataset, session))

    def records(self, dataset: str, session: Session) -> Mapping[str | None, Mapping[str, Any]]:  # noqa: ARG002
        """As the port says."""
        folder = DatasetFolder.of(self.root, dataset)
        table = self._table(folder)
        files = delta_periods.by_period(table) if table else {}
        found = {period: read_json(folder.record(folder.path / path)) for period, path in files.items()}
        return {period: found[period] for period in sorted(found, key=lambda each: _order(each, found[each]))}

    def history(self, dataset: str) -> list[dict[str, Any]]:
        """What happened to the table, the newest first: version, timestamp (ms), period, run, ..."""
        table = self._table(DatasetFolder.of(self.root, dataset))
        names = ("version", "timestamp", "operation", "period", "run_id", "dataset_version")
        return [{name: entry.get(name) for name in names} for entry in table.history()] if table else []

    def examine(self, session: Session) -> Iterator[Finding]:  # noqa: ARG002
        """As the port says. The folder itself is made by the first run."""
        there = next(each for each in (self.root, *self.root.parents) if each.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            yield fine("warehouse", f"{self.root} may be written")
        else:
            yield missing("warehouse", f"{there} may not be written", "let this user write there")

    def location(self, dataset: str) -> str:
        """The folder."""
        return DatasetFolder.of(self.root, dataset).path.as_uri()

    def table_name(self, dataset: str) -> str:
        """The folder's name."""
        return DatasetFolder.of(self.root, dataset).path.name

    def _table(self, folder: DatasetFolder, version: int | None = None) -> DeltaTable | None:
        if not (folder.path / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(folder.path, version=version)
        except TableNotFoundError:
            return None
        except DeltaError:
            newest = DeltaTable(folder.path).version()
            message = f"{folder.path.name!r} has no version {version}"
            raise ResolveError(Fault(message, mend=f"it has 0 to {newest}")) from None


def _order(period: str | None, record: Mapping[str, Any]) -> tuple[str, str]:
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


def _duckdb(session: Session) -> DuckDBSession:
    if not isinstance(session, DuckDBSession):
        raise UnsupportedError(Fault("only the DuckDB engine publishes to a Delta warehouse"))
    return session


def _staged_relation(claim: Claim, written: Written, session: Session) -> Relation:
    files = duckdb_nodes.read_parquet([written.path])
    columns = {column.name: duckdb_nodes.quoted(column.name) for column in session.describe(files)}
    constants = [
        exp.alias_(exp.cast(exp.Literal.string(value), "VARCHAR"), name, quoted=True)
        for name, value in delta_periods.constants(claim.period).items()
    ]
    source = exp.select(*columns.values(), *constants).from_(files).subquery()
    nulls = {**written.nulls, **dict.fromkeys(delta_periods.constants(claim.period), 0)}
    found = tuple(
        replace(column, has_nulls=nulls[column.name] > 0 if column.name in nulls else None)
        for column in session.describe(source)
    )
    return Relation(source, found, written.path.stem, written.rows)


def _check_partitioning(table: DeltaTable | None, claim: Claim) -> None:
    if table and delta_periods.filters(table, claim.period) is None:
        was = "by Period" if claim.period is None else "as one piece"
        raise PublishError(
            Fault(
                f"{claim.dataset!r} was published {was} before, and no longer is",
                mend="move the table's folder away and publish anew, or give the dataset's file another name",
            )
        )


def _place(folder: DatasetFolder, claim: Claim, staged: Staged, record: Mapping[str, Any]) -> AddAction:
    """Puts record and rows where the commit will find them; until then no reader does."""
    if not isinstance(staged, StagedFile):
        raise TypeError("rows of another warehouse")
    data, staging = folder.data(claim), folder.staging(claim)
    write_json(folder.record(data), record)
    if not data.exists():
        if not staging.exists():
            raise PublishError(Fault(f"the staged rows {staging} are gone", mend="run again"))
        move(staging, data)
    stats = {"numRecords": staged.written.rows, "nullCount": staged.written.nulls}
    stat = data.stat()
    path = data.relative_to(folder.path).as_posix()
    return AddAction(
        path,
        stat.st_size,
        dict(delta_periods.constants(claim.period)),
        int(stat.st_mtime * 1000),
        True,
        json.dumps(stats),
    )


def _commit(
    folder: DatasetFolder,
    table: DeltaTable | None,
    claim: Claim,
    action: AddAction,
    schema: Any,
    record: Mapping[str, Any],
) -> int:
    named = {"run_id": claim.run_id, "period": claim.period or "", "token": str(claim.token)}
    properties = CommitProperties({**named, "dataset_version": str(record.get("version", ""))})
    by = list(delta_periods.constants(claim.period))
    try:
        if table is None:
            create_table_with_add_actions(
                str(folder.path), schema, [action], "error", by,
                configuration=FOREVER, commit_properties=properties,
            )  # fmt: skip
        else:
            filters = delta_periods.filters(table, claim.period) or None
            table.create_write_transaction(
                [action], "overwrite", schema, by, filters, commit_properties=properties
            )
    except DeltaError as error:
        raise PublishError(Fault(f"the Delta table refused the commit: {error}", mend="run again")) from error
    if table is None:
        table = DeltaTable(folder.path)
    else:
        table.update_incremental()
    version = delta_periods.version_of(table, claim)
    flush(folder.path / "_delta_log" / f"{version:020}.json")
    flush(folder.path / "_delta_log")
    return version
