"""What is published in a BigQuery dataset, read back by version, with its records."""

# ruff: noqa: PLC0415 - a code location asks a warehouse for names alone: Google's libraries load in a run

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from dataset_assets.adapters.bigquery.ledger import PUBLICATIONS, Ledger
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.errors import Fault, ResolveError, UnsupportedError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.warehouse import Publication, PublicationQuery, Record, Warehouse, no_such_version

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession


@dataclass(frozen=True)
class BigQueryPublications(Warehouse):
    """The half of a BigQuery warehouse that reads."""

    project: str
    dataset: str
    kind: ClassVar[str] = "bigquery"

    @cached_property
    def ledger(self) -> Ledger:
        """Its statements."""
        return Ledger(self.project, self.dataset)

    def version(self, dataset: str, session: Session) -> int | None:
        """The greatest version of any Period."""
        if not self.has_ledger(of_bigquery(session)):
            return None
        return max((row["version"] for row in session.rows(self.ledger.periods(dataset))), default=None)

    def publications(self, query: PublicationQuery, session: Session) -> list[Publication]:
        """One query for all of them."""
        dataset, periods, opened = query.dataset, query.periods, of_bigquery(session)
        if not periods or not self.has_ledger(opened):
            return []
        if query.version is not None:
            self._check_version(dataset, query.version, session)
        found = session.rows(self.ledger.publications(dataset, periods, query.version))
        if not found:
            return []
        columns = tuple(map(physical_column, opened.tables.get(self.ledger.table(dataset)).schema))
        found.sort(key=lambda row: periods.index(row["period"] or None))
        return [self._publication(dataset, row, columns) for row in found]

    def _publication(
        self, dataset: str, row: Mapping[str, Any], columns: tuple[PhysicalColumn, ...]
    ) -> Publication:
        period, version, record = row["period"] or None, row["version"], json.loads(row["record"])
        rows = self.ledger.rows(dataset, period, row["until"])
        relation = Relation(rows, columns, str(version), record["counts"]["rows"])
        return Publication(dataset, period, version, record, relation)

    def recent(
        self, dataset: str, periods: Sequence[str | None], session: Session, last: int = 1
    ) -> list[Record]:
        """As the port says."""
        if not periods or not self.has_ledger(of_bigquery(session)):
            return []
        found = session.rows(self.ledger.recent(dataset, periods, last))
        found.sort(key=lambda row: (periods.index(row["period"] or None), -row["version"]))
        return [json.loads(row["record"]) for row in found]

    def periods(self, dataset: str, session: Session) -> list[str | None]:
        """As the port says. By their records' `period_start`, by id where there is none."""
        if not self.has_ledger(of_bigquery(session)):
            return []
        return [row["period"] or None for row in session.rows(self.ledger.periods(dataset))]

    def records(self, dataset: str, session: Session) -> Mapping[str | None, Record]:
        """As the port says."""
        if not self.has_ledger(of_bigquery(session)):
            return {}
        found = session.rows(self.ledger.records(dataset))
        return {row["period"] or None: json.loads(row["record"]) for row in found}

    def published_by(self, dataset_id: str, session: Session) -> list[str]:
        """As the port says."""
        if not self.has_ledger(of_bigquery(session)):
            return []
        return [row["dataset"] for row in session.rows(self.ledger.published_by(dataset_id))]

    def location(self, dataset: str) -> str:
        """As other tools name it."""
        return f"bigquery://{self.project}/{self.dataset}/{dataset}"

    def table_name(self, dataset: str) -> str:
        """As it stands in SQL."""
        return f"{self.project}.{self.dataset}.{dataset}"

    def has_ledger(self, session: "BigQuerySession") -> bool:
        """By the table that is made last."""
        return session.tables.find(self.ledger.table(PUBLICATIONS)) is not None

    def _check_version(self, dataset: str, version: int, session: Session) -> None:
        newest = self.version(dataset, session)
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(dataset, version, newest))


def of_bigquery(session: Session) -> "BigQuerySession":
    """The same. Raises UnsupportedError for one of another engine."""
    from dataset_assets.adapters.bigquery.session import BigQuerySession

    if not isinstance(session, BigQuerySession):
        raise UnsupportedError(Fault("only the BigQuery engine publishes to a BigQuery warehouse"))
    return session
