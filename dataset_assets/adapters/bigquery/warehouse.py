"""Published datasets as BigQuery tables.

A run writes its rows to a table that only it knows; one transaction then makes them the Period's rows.
"""

# ruff: noqa: PLC0415 - a code location asks a warehouse for names alone: Google's libraries load in a run

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger import DESCRIPTIONS, SCHEMAS
from dataset_assets.adapters.bigquery.names import mark, moved_prefix
from dataset_assets.adapters.bigquery.publications import BigQueryPublications, of_bigquery
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.errors import (
    DatasetAssetsError,
    Fault,
    PublishError,
    ResolveError,
)
from dataset_assets.ports.access import AccessFinding
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
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

_TAKEN_UP = 20
"""How often a run may be taken up again after its staged rows were removed."""

_PASSING = ("_staged_", "_moved_")
"""How the names of tables begin that are there for one run."""


@dataclass(eq=False)
class StagedTable(Staged):
    """A table whose name nobody else knows."""

    relation: Relation
    source: exp.Table
    size: int | None

    def size_bytes(self) -> int | None:
        """Of the rows before compression, as BigQuery counts them."""
        return self.size


@dataclass(frozen=True)
class BigQueryWarehouse(BigQueryPublications):
    """Tables in one BigQuery dataset. Needs sessions of BigQuery. Versions can be read for a week."""

    staging_hours: int = 24

    def claim(self, dataset: str, period: str | None, run_id: str, session: Session) -> Claim:
        """Also removes what earlier claims of the Period left behind. A run that asks again has the same."""
        opened = of_bigquery(session)
        self._make_ledger(opened)
        statements = self.ledger.claim(dataset, period, run_id, self.staging_hours)
        found = opened.answer(opened.write(statements, "claim"))
        claims = [Claim(dataset, period, row["token"], row["run_id"]) for row in found]
        own = max((each for each in claims if each.run_id == run_id), key=_rank)
        self._clean_up(own, [each for each in claims if _rank(each) < _rank(own)], opened)
        return own

    def confirm(self, claim: Claim, session: Session) -> None:
        """As the port says."""
        found = session.rows(self.ledger.newest(claim.dataset, claim.period))
        if not found or (found[0]["token"], found[0]["run_id"]) != _rank(claim):
            raise superseded_error(claim, found[0]["run_id"] if found else None)

    def stage(self, claim: Claim, query: exp.Query, session: Session) -> StagedTable:
        """As the port says. BigQuery removes the rows by itself if nobody else does."""
        opened, place = of_bigquery(session), self._staging(claim)
        expires = exp.TimestampAdd(
            this=exp.CurrentTimestamp(),
            expression=exp.Literal.number(self.staging_hours),
            unit=exp.var("HOUR"),
        )
        option = exp.Property(this=exp.var("expiration_timestamp"), value=expires)
        properties = exp.Properties(expressions=[option])
        made = exp.Create(
            this=place, kind="TABLE", replace=True, properties=properties, expression=query.copy()
        )
        try:
            found = self._written(made, claim, opened)
        except BaseException:
            self._remove(place.name, opened)
            raise
        relation = Relation(
            place, tuple(map(physical_column, found.schema)), str(found.etag), int(found.num_rows or 0)
        )
        return StagedTable(relation, place, found.num_bytes)

    def _written(self, made: exp.Create, claim: Claim, session: "BigQuerySession") -> "bigquery.Table":
        """The table; the one of a job of this run that is done already may have been removed since."""
        for _ in range(_TAKEN_UP):
            session.write([made], "stage")
            found = session.tables.find(made.this)
            if found is not None:
                return found
            self.confirm(claim, session)
        raise PublishError(Fault(f"the staged rows {made.this.name} are gone", hint="run again"))

    def publish(
        self,
        claim: Claim,
        staged: Staged,
        columns: Sequence[PublishedColumn],
        record: Record,
        session: Session,
    ) -> int:
        """As the port says. Publishing the same claim again answers the version that it has."""
        from dataset_assets.adapters.bigquery.published_table import PublishedTable

        if not isinstance(staged, StagedTable):
            raise TypeError("rows of another warehouse")
        opened = of_bigquery(session)
        others = [period for period in self.periods(claim.dataset, session) if period != claim.period]
        published = PublishedTable(self.ledger.table(claim.dataset), tuple(columns), opened)
        published.prepare(staged.relation, claim, others, str(record["definition"].get("description", "")))
        statements = self.ledger.publish(claim, staged.source, published.names, record)
        try:
            found = opened.answer(opened.write(statements, "publish"))
        except ResolveError:  # the staged rows are gone: they are published, or another run took over
            found = session.rows(self.ledger.published(claim))
            if not found:
                self.confirm(claim, session)
                raise
        if not found:
            self.confirm(claim, session)
            message = f"{claim.dataset!r} was published by another run since this one read what was there"
            raise PublishError(Fault(message, hint="run again"))
        self.discard(claim, staged, session)
        return found[0]["version"]

    def confirm_unchanged(self, claim: Claim, before: Publication, record: Record, session: Session) -> None:
        """As the port says: a version more, with the rows of the one before."""
        opened = of_bigquery(session)
        statements = self.ledger.confirm_unchanged(claim, before.version, record)
        if not opened.answer(opened.write(statements, "confirm")):
            self.confirm(claim, session)

    def discard(self, claim: Claim, staged: Staged, session: Session) -> None:  # noqa: ARG002
        """As the port says; rows that cannot be removed now the next claim removes, or BigQuery."""
        self._remove(self._staging(claim).name, of_bigquery(session))

    def leftovers(self, session: Session) -> Iterator[Leftover]:
        """As the port says. BigQuery removes them by itself as well, some hours after they were made."""
        opened = of_bigquery(session)
        if self.has_ledger(opened):
            for name, made_at in opened.tables.made(self.project, self.dataset):
                if name.startswith(_PASSING):
                    yield Leftover(name, made_at)

    def remove(self, leftover: Leftover, session: Session) -> bool:
        """As the port says."""
        of_bigquery(session).tables.drop(self.ledger.table(leftover.name))
        return True

    def examine(self, session: Session) -> Iterator[AccessFinding]:
        """As the port says. A table is made for it, and removed."""
        from dataset_assets.adapters.bigquery.access import WarehouseAccess

        return WarehouseAccess(of_bigquery(session), self.project, self.dataset).findings()

    def _staging(self, claim: Claim) -> exp.Table:
        name = f"{mark(claim.period)}_{claim.token}_{mark(claim.run_id)}"
        return self.ledger.table(f"_staged_{claim.dataset}_{name}")

    def _clean_up(self, own: Claim, earlier: Sequence[Claim], session: "BigQuerySession") -> None:
        """Removes what was staged by, and moved for, runs that can no longer publish."""
        if not earlier:
            return
        staged = {self._staging(each).name for each in earlier}
        moved = tuple(moved_prefix(each.dataset, each.period, each.run_id) for each in (own, *earlier))
        for name in session.tables.names(self.project, self.dataset):
            if name in staged or name.startswith(moved):
                self._remove(name, session)

    def _remove(self, name: str, session: "BigQuerySession") -> None:
        from dataset_assets.adapters.bigquery.clients import CLEANING

        with suppress(DatasetAssetsError):
            session.tables.drop(self.ledger.table(name), CLEANING)

    def _make_ledger(self, session: "BigQuerySession") -> None:
        from google.cloud import bigquery

        from dataset_assets.adapters.bigquery.tables import path

        if self.has_ledger(session):
            return
        session.tables.dataset(self.project, self.dataset)  # where it is missing this says so
        for name, types in SCHEMAS.items():
            schema = [bigquery.SchemaField(each, kind) for each, kind in types.items()]
            table = bigquery.Table(path(self.ledger.table(name)), schema=schema)
            table.clustering_fields = ["dataset", "period"]
            table.description = DESCRIPTIONS[name]
            session.tables.create(table)


def _rank(claim: Claim) -> tuple[int, str]:
    return claim.token, claim.run_id
