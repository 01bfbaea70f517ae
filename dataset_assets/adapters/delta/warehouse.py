"""Published datasets as Delta Lake tables on disk.

DuckDB writes a Parquet file that no reader sees; one Delta commit then makes it the Period's rows. Any
Delta reader can read the tables, and every publication can be read back by version.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions
from sqlglot import exp

from dataset_assets.adapters.delta import (
    leftovers as delta_leftovers,
)
from dataset_assets.adapters.delta import (
    periods as delta_periods,
)
from dataset_assets.adapters.delta import (
    schema as delta_schema,
)
from dataset_assets.adapters.delta.folder import DatasetFolder, flush, move, write_json
from dataset_assets.adapters.delta.log import check_path, open_table
from dataset_assets.adapters.delta.periods import PERIOD
from dataset_assets.adapters.delta.publications import DeltaPublications
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.engine import DuckDBSession, WrittenFile
from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, UnsupportedError, system_error
from dataset_assets.ports.access import AccessFinding, fine, missing
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Claim, Leftover, Publication, PublishedColumn, Record, Staged
from dataset_assets.sql.build import identifier

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
    written: WrittenFile

    def size_bytes(self) -> int:
        """Of the file."""
        return self.written.size_bytes


@dataclass(frozen=True)
class DeltaWarehouse(DeltaPublications):
    """Needs sessions of DuckDB. Commits of one dataset wait for one another, for milliseconds."""

    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:  # noqa: ARG002
        """Also removes what earlier claims of the Period left behind."""
        folder = DatasetFolder.of(self.root, dataset)
        check_path(folder.path)
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

    def stage(self, claim: Claim, query: exp.Query, session: Session) -> StagedFile:
        """As the port says. `_period` is left out of a Period's file: the partition says it."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        path = folder.staging(claim)
        path.parent.mkdir(parents=True, exist_ok=True)
        if claim.period is not None:
            without = exp.Star(except_=[identifier(PERIOD)])
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
        record: Record,
        session: Session,  # noqa: ARG002
    ) -> int:
        """As the port says. Publishing the same claim again answers the version that it has."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        fields = delta_schema.fields(columns)
        delta_schema.check_rows(fields, staged.relation.columns)
        with folder.locked():
            folder.check(claim)
            table = self.table(folder)
            if table and folder.data(claim) in _paths(folder, table, claim.period):
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

    def confirm_unchanged(
        self,
        claim: Claim,
        before: Publication,  # noqa: ARG002 - while the claim holds it is the Period's
        record: Record,
        session: Session,  # noqa: ARG002
    ) -> None:
        """As the port says."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        with folder.locked():
            folder.check(claim)
            table = self.table(folder)
            for path in _paths(folder, table, claim.period)[:1] if table else []:
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

    def examine(self, session: Session) -> Iterator[AccessFinding]:  # noqa: ARG002
        """As the port says. The folder itself is made by the first run."""
        there = next(each for each in (self.root, *self.root.parents) if each.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            yield fine("warehouse", f"{self.root} may be written")
        else:
            yield missing("warehouse", f"{there} may not be written", "let this user write there")


def _paths(folder: DatasetFolder, table: DeltaTable, period: str | None) -> list[Path]:
    return [each.path for each in delta_periods.files(table, folder.path, period)]


def _duckdb(session: Session) -> DuckDBSession:
    if not isinstance(session, DuckDBSession):
        raise UnsupportedError(Fault("only the DuckDB engine publishes to a Delta warehouse"))
    return session


def _staged_relation(claim: Claim, written: WrittenFile, session: Session) -> Relation:
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
                hint="move the table's folder away and publish anew, or give the dataset's file another name",
            )
        )


def _place(folder: DatasetFolder, claim: Claim, staged: Staged, record: Record) -> AddAction:
    """Puts record and rows where the commit will find them; until then no reader does."""
    if not isinstance(staged, StagedFile):
        raise TypeError("rows of another warehouse")
    data, staging = folder.data(claim), folder.staging(claim)
    write_json(folder.record(data), record)
    if not data.exists():
        if not staging.exists():
            raise PublishError(Fault(f"the staged rows {staging} are gone", hint="run again"))
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
    record: Record,
) -> int:
    named = {"run_id": claim.run_id, "period": claim.period or "", "token": str(claim.token)}
    properties = CommitProperties({**named, "dataset_version": str(record.get("version", ""))})
    by = list(delta_periods.constants(claim.period))
    try:
        if table is None:
            create_table_with_add_actions(
                folder.path.absolute().as_uri(), schema, [action], "error", by,
                configuration=FOREVER, commit_properties=properties,
            )  # fmt: skip
        else:
            filters = delta_periods.filters(table, claim.period) or None
            table.create_write_transaction(
                [action], "overwrite", schema, by, filters, commit_properties=properties
            )
    except (DeltaError, OSError) as error:
        refused = system_error(error, folder.path / "_delta_log")
        if refused:
            raise refused from error
        raise PublishError(Fault(f"the Delta table refused the commit: {error}", hint="run again")) from error
    if table is None:
        table = open_table(folder.path)
    else:
        table.update_incremental()
    version = delta_periods.version_of(table, claim)
    flush(folder.path / "_delta_log" / f"{version:020}.json")
    flush(folder.path / "_delta_log")
    return version
