"""Publish datasets as Delta Lake tables on disk, one folder a dataset.

DuckDB writes a Parquet file that no reader sees; one Delta commit then replaces the Period's rows with it.
Any Delta reader can read the tables, and every publication can be read back by version.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from deltalake import DeltaTable
from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.delta import (
    leftovers as delta_leftovers,
)
from dataset_assets.adapters.delta import (
    periods as delta_periods,
)
from dataset_assets.adapters.delta import (
    samples as delta_samples,
)
from dataset_assets.adapters.delta import (
    schema as delta_schema,
)
from dataset_assets.adapters.delta.commit import commit, put_in_place
from dataset_assets.adapters.delta.erasures import DeltaErasures
from dataset_assets.adapters.delta.folder import DatasetFolder
from dataset_assets.adapters.delta.history import History
from dataset_assets.adapters.delta.log import check_path
from dataset_assets.adapters.delta.periods import PERIOD
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.engine import WrittenFile, duckdb_session
from dataset_assets.adapters.shared.publish_errors import partitioning_changed
from dataset_assets.contract.system_columns import system_columns
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.access import AccessFinding, fine, missing
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.samples import SampleRecord, StoredSample
from dataset_assets.ports.warehouse import Claim, Leftover, Publication, PublishedColumn, Record, Staged
from dataset_assets.sql.build import identifier


@dataclass(eq=False)
class StagedFile(Staged):
    """Staged rows in a Parquet file in `_staging`."""

    relation: Relation
    written: WrittenFile

    @override
    def size_bytes(self) -> int:
        return self.written.size_bytes


@dataclass(frozen=True)
class DeltaWarehouse(DeltaErasures):
    """A warehouse of Delta tables in the folder `root`, which needs DuckDB sessions.

    A lock serializes the commits of one dataset, which take milliseconds.
    """

    @override
    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Claim the Period and remove the files that earlier claims left."""
        folder = DatasetFolder.of(self.root, dataset)
        check_path(folder.path)
        with folder.locked():
            last = folder.newest_claim(dataset, period)
            claim = Claim(dataset, period, last.token + 1 if last else 1, run_id)
            if last:
                delta_leftovers.remove_of_claim(folder, last, self.table(folder))
            folder.write_claim(claim)
        return claim

    @override
    def confirm(self, claim: Claim, session: Session) -> None:
        folder = DatasetFolder.of(self.root, claim.dataset)
        with folder.locked():
            folder.check_newest(claim)

    @override
    def stage(self, claim: Claim, query: exp.Query, session: Session) -> StagedFile:
        """Write the rows to a staged file, without `_period`, whose value the partition holds."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        path = folder.staging_path(claim)
        path.parent.mkdir(parents=True, exist_ok=True)
        if claim.period is not None:
            without = exp.Star(except_=[identifier(PERIOD)])
            query = exp.select(without).from_(query.copy().subquery("staged", copy=False))
        try:
            written = duckdb_session(session).write_parquet(query, path)
            return StagedFile(_staged_relation(claim, written, session), written)
        except DatasetAssetsError:
            self.confirm(claim, session)  # a later claim removes the file: then SupersededError is the cause
            raise

    @override
    def publish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn],
        record: Record,
        session: Session,
    ) -> int:
        """Publish the staged rows. Publishing the same claim again returns the version that it has."""
        if not isinstance(staged, StagedFile):
            raise TypeError("rows of another warehouse")
        folder = DatasetFolder.of(self.root, claim.dataset)
        names = [each.name for each in staged.relation.columns]
        fields = delta_schema.fields(columns, system_columns(names))
        delta_schema.check_rows(fields, staged.relation.columns)
        with folder.locked():
            folder.check_newest(claim)
            table = self.table(folder)
            if table and folder.data_path(claim) in _paths(folder, table, claim.period):
                return delta_periods.version_of(table, claim, History(folder).publications.values())
            schema = delta_schema.evolve(fields, table, _other_periods(table, claim))
            action = put_in_place(folder, claim, staged.written, record)
            self.open_tables.forget(folder.path)  # the Delta library changes the table that commits
            return commit(folder, table, claim, action, schema, record)

    @override
    def confirm_unchanged(self, claim: Claim, before: Publication, record: Record, session: Session) -> None:
        """Replace the record of the Period's publication; while the claim holds, that is `before`."""
        folder = DatasetFolder.of(self.root, claim.dataset)
        with folder.locked():
            folder.check_newest(claim)
            table = self.table(folder)
            for path in _paths(folder, table, claim.period)[:1] if table else []:
                folder.write_record(path, record)

    @override
    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:
        DatasetFolder.of(self.root, claim.dataset).staging_path(claim).unlink(missing_ok=True)

    @override
    def leftovers(self, session: Session) -> Iterator[Leftover]:
        return chain(delta_leftovers.find_leftovers(self.root), delta_samples.unfinished_samples(self.root))

    @override
    def remove(self, leftover: Leftover, session: Session) -> bool:
        if delta_samples.is_of_samples(leftover.name):
            return delta_samples.remove_file(self.root, leftover.name)
        return delta_leftovers.remove_leftover(self.root, leftover)

    @override
    def write_sample(self, record: SampleRecord, query: exp.Query, session: Session) -> StoredSample:
        return delta_samples.write_sample(self.root, record, query, session)

    @override
    def samples(self, session: Session) -> list[StoredSample]:
        return list(delta_samples.stored_samples(self.root))

    @override
    def sample_rows(self, sample: StoredSample, session: Session) -> Relation:
        return delta_samples.sample_rows(self.root, sample, session)

    @override
    def remove_sample(self, sample: StoredSample, session: Session) -> bool:
        return delta_samples.remove_file(self.root, sample.name)

    @override
    def examine(self, session: Session) -> Iterator[AccessFinding]:
        """Check that the folder, or its nearest existing parent, is writable; the first run creates it."""
        existing = next(each for each in (self.root, *self.root.parents) if each.exists())
        if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
            yield fine("warehouse", f"{self.root} may be written")
        else:
            yield missing("warehouse", f"{existing} may not be written", "let this user write there")


def _other_periods(table: DeltaTable | None, claim: Claim) -> list[str]:
    """Return the Periods that keep their rows. Raises PublishError if the partitioning changed."""
    if table is None:
        return []
    if delta_periods.filters(table, claim.period) is None:
        hint = "move the table's folder away and publish again, or give the dataset's file another name"
        raise partitioning_changed(claim, hint)
    return [each for each in delta_periods.periods(table) if each is not None and each != claim.period]


def _paths(folder: DatasetFolder, table: DeltaTable, period: str | None) -> list[Path]:
    return [each.path for each in delta_periods.files(table, folder.path, period)]


def _staged_relation(claim: Claim, written: WrittenFile, session: Session) -> Relation:
    files = duckdb_nodes.read_parquet([written.path])
    constants = [
        exp.alias_(exp.cast(exp.Literal.string(value), "VARCHAR"), name, quoted=True)
        for name, value in delta_periods.constants(claim.period).items()
    ]
    source = exp.select(exp.Star(), *constants).from_(files).subquery()
    nulls = {**written.nulls, **dict.fromkeys(delta_periods.constants(claim.period), 0)}
    described = tuple(
        replace(column, has_nulls=nulls[column.name] > 0 if column.name in nulls else None)
        for column in session.describe(source)
    )
    return Relation(source, described, written.path.stem, written.rows)
