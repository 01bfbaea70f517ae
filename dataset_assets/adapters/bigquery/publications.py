"""Find the publications in BigQuery: their records and rows, also of earlier table versions."""

# ruff: noqa: PLC0415 - a code location only uses a warehouse's names: Google's libraries load in a run

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from dataset_assets.adapters.bigquery.ledger import Ledger
from dataset_assets.adapters.bigquery.ledger_tables import PUBLICATIONS
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.errors import Fault, ResolveError, UnsupportedError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Record, Warehouse, no_such_version

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession


@dataclass(frozen=True)
class BigQueryPublications(Warehouse):
    """The reading half of a warehouse in the BigQuery dataset `project.dataset`."""

    project: str
    dataset: str
    kind: ClassVar[str] = "bigquery"

    @cached_property
    def ledger(self) -> Ledger:
        """Return the builder of the warehouse's statements."""
        return Ledger(self.project, self.dataset)

    @override
    def version(self, dataset: str, session: Session) -> int | None:
        if not self.has_ledger(bigquery_session(session)):
            return None
        return max((row["version"] for row in session.rows(self.ledger.periods(dataset))), default=None)

    @override
    def publications(self, query: PublicationQuery, session: Session) -> list[Publication]:
        dataset, periods, opened = query.dataset, query.periods, bigquery_session(session)
        if not periods or not self.has_ledger(opened):
            return []
        if query.version is not None:
            self._check_version(dataset, query.version, session)
        rows = session.rows(self.ledger.publications(dataset, periods, query.version))
        if not rows:
            return []
        columns = tuple(map(physical_column, opened.tables.get(self.ledger.table(dataset)).schema))
        rows.sort(key=lambda row: periods.index(row["period"] or None))
        return [self._publication(dataset, row, columns) for row in rows]

    def _publication(
        self, dataset: str, row: Mapping[str, Any], columns: tuple[PhysicalColumn, ...]
    ) -> Publication:
        period, version, record = row["period"] or None, row["version"], json.loads(row["record"])
        source = self.ledger.rows(dataset, period, row["until"])
        relation = Relation(source, columns, str(version), record["counts"]["rows"])
        return Publication(dataset, period, version, record, relation)

    @override
    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Record]:
        if not periods or not self.has_ledger(bigquery_session(session)):
            return []
        rows = session.rows(self.ledger.recent(dataset, periods, last))
        rows.sort(key=lambda row: (periods.index(row["period"] or None), -row["version"]))
        return [json.loads(row["record"]) for row in rows]

    @override
    def periods(self, dataset: str, session: Session) -> list[str | None]:
        if not self.has_ledger(bigquery_session(session)):
            return []
        return [row["period"] or None for row in session.rows(self.ledger.periods(dataset))]

    @override
    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:
        if not self.has_ledger(bigquery_session(session)):
            return {}
        rows = session.rows(self.ledger.records(dataset))
        return {row["period"] or None: json.loads(row["record"]) for row in rows}

    @override
    def published_by(self, dataset_id: str, session: Session) -> list[str]:
        if not self.has_ledger(bigquery_session(session)):
            return []
        return [row["dataset"] for row in session.rows(self.ledger.published_by(dataset_id))]

    @override
    def location(self, dataset: str) -> str:
        return f"bigquery://{self.project}/{self.dataset}/{dataset}"

    @override
    def table_name(self, dataset: str) -> str:
        return f"{self.project}.{self.dataset}.{dataset}"

    def has_ledger(self, session: "BigQuerySession") -> bool:
        """Return whether the ledger exists, which its last created table proves."""
        return session.tables.find(self.ledger.table(PUBLICATIONS)) is not None

    def _check_version(self, dataset: str, version: int, session: Session) -> None:
        newest = self.version(dataset, session)
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(dataset, version, newest))


def bigquery_session(session: Session) -> "BigQuerySession":
    """Return the session itself. Raises UnsupportedError if it belongs to another engine."""
    from dataset_assets.adapters.bigquery.session import BigQuerySession

    if not isinstance(session, BigQuerySession):
        raise UnsupportedError(Fault("only the BigQuery engine publishes to a BigQuery warehouse"))
    return session
