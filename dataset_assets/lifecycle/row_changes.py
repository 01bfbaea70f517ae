"""The changes of published rows by hand: a row operation, and a rollback to earlier rows.

To add a change, write one class. `change_rows.py` publishes what it selects.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlglot import exp
from typing_extensions import override

from dataset_assets.contract.row_operations import DeleteRows, LabelRows, RowOperation
from dataset_assets.contract.system_columns import recorded_system_columns
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.loaded_periods import loads_of, visible_row_count
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.rows.counting import count_rows
from dataset_assets.rows.operations import (
    IS_THERE,
    IS_VISIBLE,
    TOUCHED,
    changed_rows,
    restored_rows,
    touched_rows,
    without_marks,
)
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.sql.build import column
from dataset_assets.sql.where.where import Where, parse_where
from dataset_assets.text.wording import dotted, listed

_MOST_LISTED = 12


@dataclass(frozen=True)
class ChangedRows:
    """The rows of one Period after a change: the query that selects them, and how many of them differ.

    `touched` counts all rows that differ, come back or go, `counts` those of them that readers see. `record`
    is that of the rows. `hides_rows` says whether its figures have to be computed again.
    """

    query: exp.Query
    touched: int
    counts: RefreshCounts
    record: Record
    hides_rows: bool = False


class RowChange(ABC):
    """A change of the rows of one publication."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the change in records and reports."""

    @abstractmethod
    def check(self, present: Publication) -> None:
        """Raise DatasetAssetsError if the change cannot be applied to this publication."""

    @abstractmethod
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        """Return the rows after the change; nothing is published."""

    @abstractmethod
    def record_fields(self, present: Publication, sensitive: Collection[str]) -> Mapping[str, Any]:
        """Return what the record says of the change beside its name, author and number of rows.

        `sensitive` are the columns whose values may not be shown.
        """

    def remark(self, present: Publication) -> str:  # noqa: ARG002
        """Return a sentence that the author of the change should read; empty if there is none."""
        return ""


@dataclass(frozen=True)
class ApplyOperation(RowChange):
    """Apply an operation to the rows."""

    operation: RowOperation

    @property
    @override
    def name(self) -> str:
        return self.operation.kind

    @override
    def check(self, present: Publication) -> None:
        self._where(present)

    @override
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        marked = touched_rows(present.relation.source, self.operation, self._where(present))
        source = marked.subquery("_marked")
        touched = count_rows(session, source, {"touched": column(TOUCHED)})["touched"]
        visible = visible_row_count(present.record)
        left = visible - touched if self.operation.hides_rows else visible
        changed = 0 if self.operation.hides_rows else touched
        names = [each["name"] for each in present.record["columns"]]
        return ChangedRows(
            query=changed_rows(source, names, self.operation, now, recorded_system_columns(present.record)),
            touched=touched,
            counts=RefreshCounts.compared(left, left, changed, visible),
            record=present.record,
            hides_rows=self.operation.hides_rows,
        )

    @override
    def record_fields(self, present: Publication, sensitive: Collection[str]) -> Mapping[str, Any]:
        return {"where": self._where(present).reported(sensitive), **self.operation.settings()}

    def _where(self, present: Publication) -> Where:
        return parse_where(self.operation.where, recorded_where_types(present.record))


@dataclass(frozen=True)
class Rollback(RowChange):
    """Publish the rows of earlier publications again; `earlier` has them by Period."""

    earlier: Mapping[str | None, Publication]

    @property
    @override
    def name(self) -> str:
        return "rollback"

    @override
    def check(self, present: Publication) -> None:
        """Earlier rows can always be published again."""

    @override
    def apply(self, present: Publication, now: datetime, session: Session) -> ChangedRows:
        earlier = self.earlier[present.period]
        columns, system = earlier.record["columns"], recorded_system_columns(earlier.record)
        names = [each["name"] for each in columns]
        marked = restored_rows(
            earlier.relation.source,
            present.relation.source,
            names,
            now,
            system,
            same_columns=columns == present.record["columns"],
        ).subquery("_marked")
        is_shown, touched = exp.not_(column("_deleted")), column(TOUCHED)
        conditions = {
            "touched": touched,
            "there": column(IS_THERE),
            "shown": is_shown,
            "kept": exp.and_(is_shown, column(IS_VISIBLE)),
            "changed": exp.and_(is_shown, column(IS_VISIBLE), touched),
        }
        n = count_rows(session, marked, conditions)
        visible = visible_row_count(present.record)
        gone = visible + deleted_rows(present.record) - n["there"]
        return ChangedRows(
            query=without_marks(marked, names, system),
            touched=n["touched"] + gone,
            counts=RefreshCounts.compared(n["shown"], n["kept"], n["changed"], visible),
            record=earlier.record,
        )

    @override
    def record_fields(self, present: Publication, sensitive: Collection[str]) -> Mapping[str, Any]:
        return {"to": self.earlier[present.period].version}

    @override
    def remark(self, present: Publication) -> str:
        earlier = self.earlier[present.period]
        if gone := loads_of(present.record).keys() - loads_of(earlier.record):
            return (
                f"no longer loaded: {listed(sorted(gone), _MOST_LISTED)}; the next refresh loads what is due"
            )
        if earlier.record["sha256"] == present.record["sha256"]:
            return ""
        period = f"{present.period}: " if present.period else ""
        advice = "restore the definition as well, or the next refresh replaces them"
        return f"{period}the rows have an earlier structure; {advice}"


def label_operation(where: str, set_: Mapping[str, str], remove: Sequence[str]) -> LabelRows:
    """Return the operation that sets and removes labels. Raises DatasetAssetsError if it does nothing."""
    with _faults_of_settings():
        return LabelRows(where=where, set=dict(set_), remove=tuple(remove))


def delete_operation(where: str) -> DeleteRows:
    """Return the operation that deletes rows. Raises DatasetAssetsError for an empty condition."""
    with _faults_of_settings():
        return DeleteRows(where=where)


@contextmanager
def _faults_of_settings() -> Generator[None]:
    """Raise DatasetAssetsError with a sentence for each setting that is refused."""
    try:
        yield
    except ValidationError as error:
        faults = (
            Fault(each["msg"].removeprefix("Value error, "), dotted(each["loc"]) or "the operation")
            for each in error.errors()
        )
        raise DatasetAssetsError(*faults) from None
