"""Publish datasets as tables in one BigQuery dataset.

A run stages its rows in a table whose name only this run knows; one transaction then replaces the Period's
rows with them.
"""

# ruff: noqa: PLC0415 - a code location only uses a warehouse's names: Google's libraries load in a run

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.bigquery.erasures import BigQueryErasures
from dataset_assets.adapters.bigquery.ledger_tables import SCHEMAS
from dataset_assets.adapters.bigquery.names import create_with_expiration, staging_name, transfer_prefix
from dataset_assets.adapters.bigquery.publications import bigquery_session
from dataset_assets.adapters.bigquery.sample_tables import (
    create_sample,
    sample_name,
    stored_sample,
    stored_samples,
)
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.contract.system_columns import system_columns
from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, ResolveError
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.samples import SAMPLE_DAYS, SampleRecord, StoredSample, sample_gone
from dataset_assets.ports.warehouse import (
    Claim,
    Leftover,
    Publication,
    PublishedColumn,
    Record,
    Staged,
    superseded_error,
)

if TYPE_CHECKING:
    from google.cloud import bigquery

    from dataset_assets.adapters.bigquery.session import BigQuerySession

_STAGE_ATTEMPTS = 20
"""How often a continued run repeats a staging job whose table was removed since."""

_TEMPORARY_PREFIXES = ("_staged_", "_moved_")
"""Prefixes of the tables that exist for one run."""


@dataclass(eq=False)
class StagedTable(Staged):
    """Staged rows in a table whose name only this run knows. `size` is in bytes before compression."""

    relation: Relation
    source: exp.Table
    size: int | None

    @override
    def size_bytes(self) -> int | None:
        return self.size


@dataclass(frozen=True)
class BigQueryWarehouse(BigQueryErasures):
    """A warehouse in one BigQuery dataset, which needs BigQuery sessions.

    BigQuery's time travel keeps the rows of earlier versions for a week.
    """

    staging_hours: int = 24
    sample_days: int = SAMPLE_DAYS
    policy_tag: str | None = None
    """The policy tag of sensitive columns; without one, tags that tables have are kept."""
    has_views: ClassVar[bool] = True

    @override
    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Claim the Period and drop what earlier claims left. A run that claims twice gets the same claim."""
        opened = bigquery_session(session)
        self._create_ledger(opened)
        statements = self.ledger.claim(dataset, period, run_id, self.staging_hours)
        rows = opened.fetch_rows(opened.write(statements, "claim"))
        claims = [Claim(dataset, period, row["token"], row["run_id"]) for row in rows]
        claim = max((each for each in claims if each.run_id == run_id), key=_rank)
        self._drop_superseded(claim, [each for each in claims if _rank(each) < _rank(claim)], opened)
        return claim

    @override
    def confirm(self, claim: Claim, session: Session) -> None:
        rows = session.rows(self.ledger.newest(claim.dataset, claim.period))
        if not rows or (rows[0]["token"], rows[0]["run_id"]) != _rank(claim):
            raise superseded_error(claim, rows[0]["run_id"] if rows else None)

    @override
    def stage(self, claim: Claim, query: exp.Query, session: Session) -> StagedTable:
        opened, source = bigquery_session(session), self._staging_table(claim)
        create = create_with_expiration(source, query, self.staging_hours)
        try:
            table = self._create_staged(create, claim, opened)
        except BaseException:
            self._drop(source.name, opened)
            raise
        columns = tuple(map(physical_column, table.schema))
        relation = Relation(source, columns, str(table.etag), int(table.num_rows or 0))
        return StagedTable(relation, source, table.num_bytes)

    def _create_staged(
        self, create: exp.Create, claim: Claim, session: "BigQuerySession"
    ) -> "bigquery.Table":
        """Create and return the table, again if the table of this run's finished job was removed since."""
        for _ in range(_STAGE_ATTEMPTS):
            session.write([create], "stage")
            table = session.tables.find(create.this)
            if table is not None:
                return table
            self.confirm(claim, session)
        raise PublishError(Fault(f"the staged rows {create.this.name} are gone", hint="run again"))

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
        from dataset_assets.adapters.bigquery.table_schema import OtherPeriods, PublishedTableSchema

        if not isinstance(staged, StagedTable):
            raise TypeError("rows of another warehouse")
        opened = bigquery_session(session)
        system = system_columns([each.name for each in staged.relation.columns])
        table = self.ledger.table(claim.dataset)
        schema = PublishedTableSchema(table, tuple(columns), system, opened, self.policy_tag)
        others = OtherPeriods(lambda: self.periods(claim.dataset, session), claim, record)
        schema.prepare(staged.relation, others, str(record["definition"].get("description", "")))
        statements = self.ledger.publish(claim, staged.source, schema.names, record)
        version = self._commit(statements, claim, opened)
        self.discard(claim, staged, session)
        return version

    @override
    def protect(self, dataset: str, columns: Sequence[PublishedColumn], session: Session) -> None:
        """Set the policy tag on the sensitive columns of a table that have none (BR-146)."""
        sensitive = [each.name for each in columns if each.sensitive]
        self._protect(self.ledger.table(dataset), sensitive, bigquery_session(session))

    def _protect(self, table: exp.Table, sensitive: Sequence[str], session: "BigQuerySession") -> None:
        from dataset_assets.adapters.bigquery.table_schema import protect_columns

        if self.policy_tag:
            protect_columns(session.tables, table, {name.lower() for name in sensitive}, self.policy_tag)

    def _commit(self, statements: Sequence[exp.Expr], claim: Claim, session: "BigQuerySession") -> int:
        """Run the transaction of `publish` and return the published version."""
        try:
            rows = session.fetch_rows(session.write(statements, "publish"))
        except ResolveError:  # the staged table is gone: the rows are published, or another run took over
            rows = session.rows(self.ledger.published(claim))
            if not rows:
                self.confirm(claim, session)
                raise
        if not rows:
            self.confirm(claim, session)
            message = f"{claim.dataset!r} was published by another run since this one read what was there"
            raise PublishError(Fault(message, hint="run again"))
        return rows[0]["version"]

    @override
    def confirm_unchanged(self, claim: Claim, before: Publication, record: Record, session: Session) -> None:
        """Insert a publication with a new version and the rows of the one before."""
        opened = bigquery_session(session)
        statements = self.ledger.confirm_unchanged(claim, before.version, record)
        if not opened.fetch_rows(opened.write(statements, "confirm")):
            self.confirm(claim, session)

    @override
    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:
        """Drop the staged table. If that fails, the next claim drops it, or it expires."""
        self._drop(self._staging_table(claim).name, bigquery_session(session))

    @override
    def whole_table(self, dataset: str) -> exp.Expr:
        return self.ledger.table(dataset)

    @override
    def create_view(self, name: str, query: exp.Query, session: Session) -> None:
        opened, view = bigquery_session(session), self.ledger.table(name)
        existing = opened.tables.find(view)
        text = opened.render(query)
        if existing is None or existing.view_query != text:
            opened.write([exp.Create(this=view, kind="VIEW", replace=True, expression=query)], "view")

    @override
    def leftovers(self, session: Session) -> Iterator[Leftover]:
        """Yield the tables of single runs, which also expire by themselves after some hours."""
        opened = bigquery_session(session)
        if self.has_ledger(opened):
            for name, created_at in opened.tables.creation_times(self.project, self.dataset):
                if name.startswith(_TEMPORARY_PREFIXES):
                    yield Leftover(name, created_at)

    @override
    def remove(self, leftover: Leftover, session: Session) -> bool:
        bigquery_session(session).tables.drop(self.ledger.table(leftover.name))
        return True

    @override
    def write_sample(self, record: SampleRecord, query: exp.Query, session: Session) -> StoredSample:
        """Create a table that BigQuery itself removes when its days are over."""
        opened, table = bigquery_session(session), self.ledger.table(sample_name(record))
        opened.write([create_sample(table, query, record, 24 * self.sample_days)], "sample")
        self._protect(table, record.sensitive, opened)
        return stored_sample(table, record, opened.tables.get(table).num_bytes)

    @override
    def samples(self, session: Session) -> list[StoredSample]:
        opened = bigquery_session(session)
        try:
            names = opened.tables.names(self.project, self.dataset)
        except ResolveError:  # the warehouse does not exist yet
            return []
        return list(stored_samples(self.ledger.table, names, opened.tables))

    @override
    def sample_rows(self, sample: StoredSample, session: Session) -> Relation:
        source = self.ledger.table(sample.name)
        found = bigquery_session(session).tables.find(source)
        if found is None:
            raise sample_gone(sample)
        return Relation(source, tuple(map(physical_column, found.schema)), "", int(found.num_rows or 0))

    @override
    def remove_sample(self, sample: StoredSample, session: Session) -> bool:
        bigquery_session(session).tables.drop(self.ledger.table(sample.name))
        return True

    @override
    def examine(self, session: Session) -> Iterator[AccessFinding]:
        """Check the BigQuery dataset. A table is created for the check and dropped again."""
        from dataset_assets.adapters.bigquery.access import WarehouseAccess

        return WarehouseAccess(bigquery_session(session), self.project, self.dataset).findings()

    def _staging_table(self, claim: Claim) -> exp.Table:
        return self.ledger.table(staging_name(claim))

    def _drop_superseded(self, claim: Claim, earlier: Sequence[Claim], session: "BigQuerySession") -> None:
        """Drop the tables that were staged by, or loaded for, runs that can no longer publish."""
        if not earlier:
            return
        staged = {self._staging_table(each).name for each in earlier}
        loaded = tuple(transfer_prefix(each.dataset, each.period, each.run_id) for each in (claim, *earlier))
        for name in session.tables.names(self.project, self.dataset):
            if name in staged or name.startswith(loaded):
                self._drop(name, session)

    def _drop(self, name: str, session: "BigQuerySession") -> None:
        from dataset_assets.adapters.bigquery.clients import CLEANUP_SECONDS

        with suppress(DatasetAssetsError):
            session.tables.drop(self.ledger.table(name), CLEANUP_SECONDS)

    def _create_ledger(self, session: "BigQuerySession") -> None:
        if self.has_ledger(session):
            return
        session.tables.dataset(self.project, self.dataset)  # raises ResolveError if it does not exist
        for name in SCHEMAS:
            self.create_ledger_table(name, session)


def _rank(claim: Claim) -> tuple[int, str]:
    return claim.token, claim.run_id
