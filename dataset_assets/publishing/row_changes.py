"""The changes of published rows by hand: a row operation, and a rollback to earlier rows.

To add a change, write one class. `row_operations.py` publishes what it selects.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Datasets, Scope
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.rows.operations import TOUCHED, RowOperation, changed_rows, restored_rows, touched_rows
from dataset_assets.rows.stamping import timestamp
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.sql.build import column
from dataset_assets.sql.where.where import Where, parse_where


@dataclass(frozen=True)
class ChangedRows:
    """The rows of one Period after a change: the query that selects them, and how many of them differ.

    `record` is that of the rows. `measured_anew` says whether its figures have to be computed again, because
    other rows are visible.
    """

    query: exp.Query
    touched: int
    record: Record
    measured_anew: bool


class Change(ABC):
    """A change of the rows of one publication."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the change in records and reports."""

    @abstractmethod
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        """Return the rows after the change; no row is written."""

    @abstractmethod
    def story(self, present: Publication) -> Mapping[str, Any]:
        """Return what the record says of the change beside its name, time, author and number of rows."""


@dataclass(frozen=True)
class Operate(Change):
    """Apply a row operation. `datasets` finds nested datasets, whose columns may be sensitive."""

    operation: RowOperation
    datasets: Datasets

    @property
    @override
    def name(self) -> str:
        return self.operation.kind

    @override
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        source = touched_rows(present.relation.source, self.operation, self._where(present))
        marked = source.subquery("marked")
        touched = _count(session, marked, column(TOUCHED))
        names = [each["name"] for each in present.record["columns"]]
        query = changed_rows(marked, names, self.operation, now)
        return ChangedRows(query, touched, present.record, measured_anew=self.operation.hides_rows)

    @override
    def story(self, present: Publication) -> Mapping[str, Any]:
        """Return condition and settings; a condition on sensitive columns is not told (BR-206)."""
        where = self._where(present)
        columns = recorded_columns(present.record, self.datasets).stored
        hidden = [each.name for each in columns if each.sensitive and each.name in where.columns]
        shown = f"(a condition on sensitive columns: {', '.join(hidden)})" if hidden else where.text
        return {"where": shown, **self.operation.settings()}

    def _where(self, present: Publication) -> Where:
        return parse_where(self.operation.where, recorded_where_types(present.record))


@dataclass(frozen=True)
class Rollback(Change):
    """Publish the rows of earlier publications again; `earlier` has them by Period."""

    earlier: Mapping[str | None, Publication]

    @property
    @override
    def name(self) -> str:
        return "rollback"

    @override
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        earlier = self.earlier[present.period]
        columns = earlier.record["columns"]
        query = restored_rows(
            earlier.relation.source,
            present.relation.source,
            [each["name"] for each in columns],
            now,
            same_columns=columns == present.record["columns"],
        )
        updated = exp.EQ(this=column("_updated_at"), expression=timestamp(now))
        touched = _count(session, query.subquery("restored"), updated)
        kept = exp.select(column("_row_id")).from_(earlier.relation.source.copy())
        is_kept = exp.In(this=column("_row_id"), query=kept.subquery())
        touched += _count(session, present.relation.source, exp.not_(is_kept))
        return ChangedRows(query, touched, earlier.record, measured_anew=False)

    @override
    def story(self, present: Publication) -> Mapping[str, Any]:
        return {"to": self.earlier[present.period].version}


def recorded_columns(record: Record, datasets: Datasets) -> PublishedColumns:
    """Return the published columns of the definition in a record; `datasets` finds nested datasets."""
    return PublishedColumns(Scope(Dataset.model_validate(record["definition"]), datasets))


def _count(session: Session, rows: exp.Expr, condition: exp.Expr) -> int:
    """Return the number of rows for which a condition is true."""
    count = exp.select(exp.alias_(exp.Count(this=exp.Star()), "row_count"))
    return int(session.rows(count.from_(rows.copy()).where(condition))[0]["row_count"])
