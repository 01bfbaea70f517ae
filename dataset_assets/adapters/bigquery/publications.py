"""Find the publications in BigQuery: their records and rows, also of earlier table versions."""

# ruff: noqa: PLC0415 - a code location only uses a warehouse's names: Google's libraries load in a run

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from dataset_assets.adapters.bigquery.kept_statements import pin_events, read_events
from dataset_assets.adapters.bigquery.ledger import Ledger
from dataset_assets.adapters.bigquery.ledger_tables import PINS, PUBLICATIONS
from dataset_assets.adapters.bigquery.types import physical_column
from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault, ResolveError, UnsupportedError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import ERASURES
from dataset_assets.ports.record_marks import RecordMarks
from dataset_assets.ports.relation import PhysicalColumn, Relation
from dataset_assets.ports.retention import ExpiredPublication, expired_fault
from dataset_assets.ports.uses import current_pins
from dataset_assets.ports.warehouse import (
    LastRecords,
    Publication,
    PublicationQuery,
    Record,
    Warehouse,
    no_such_version,
)

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession


Snapshots = Mapping[tuple[str | None, int], str]
"""Names of tables that hold the rows of pinned publications, by Period and version."""

MIN_TIME_TRAVEL, MAX_TIME_TRAVEL = timedelta(days=2), timedelta(days=7)
"""The range that BigQuery allows for a dataset's time travel; the most is the default."""


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
        snapshots = self.snapshots(dataset, opened) if any(row["until"] for row in rows) else {}
        raise_all(ResolveError, self.faults_of_gone(dataset, rows, snapshots, opened))
        return [self._publication(dataset, row, columns, snapshots) for row in rows]

    def faults_of_gone(
        self,
        dataset: str,
        rows: Iterable[Mapping[str, Any]],
        snapshots: Snapshots,
        session: "BigQuerySession",
    ) -> Iterator[Fault]:
        """Yield a fault for each publication without a snapshot whose rows are not to be read any more."""
        for row in rows:
            key = row["period"] or None, row["version"]
            if key in snapshots or row["until"] is None:
                continue
            if erased := erased_from(row):
                yield expired_fault(_expired(dataset, row, erased))
            elif since := self.gone_since(row["until"], session):
                yield time_travel_fault(dataset, *key, since)

    def gone_since(self, until: datetime | None, session: "BigQuerySession") -> datetime | None:
        """Return when time travel ended for rows that were replaced at `until`; None if it has not."""
        now = datetime.now(UTC)
        if until is None or now - until < MIN_TIME_TRAVEL:
            return None
        hours = session.tables.dataset(self.project, self.dataset).max_time_travel_hours
        since = until + (timedelta(hours=int(hours)) if hours else MAX_TIME_TRAVEL)
        return since if since <= now else None

    def snapshots(self, dataset: str, session: "BigQuerySession") -> Snapshots:
        """Return the names of the snapshots that hold pinned publications, by Period and version."""
        if session.tables.find(self.ledger.table(PINS)) is None:
            return {}
        pins = current_pins([*read_events(session.rows(pin_events(self.ledger, dataset)))])
        return {(each.period, each.table_version): each.snapshot for each in pins if each.snapshot}

    def _publication(
        self,
        dataset: str,
        row: Mapping[str, Any],
        columns: tuple[PhysicalColumn, ...],
        snapshots: Snapshots,
    ) -> Publication:
        period, version, record = row["period"] or None, row["version"], json.loads(row["record"])
        snapshot = snapshots.get((period, version)) if row["until"] else None
        table, until = (snapshot, None) if snapshot else (dataset, row["until"])
        source = self.ledger.rows(table, period, until, [each.name for each in columns])
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
    def records_of_many(
        self, datasets: Sequence[str], session: Session
    ) -> Mapping[str, Mapping[str | None, Record]]:
        if not datasets:
            return {}
        found: dict[str, dict[str | None, Record]] = {dataset: {} for dataset in datasets}
        if self.has_ledger(bigquery_session(session)):
            for row in session.rows(self.ledger.records(*datasets)):
                found[row["dataset"]][row["period"] or None] = json.loads(row["record"])
        return found

    @override
    def last_records(self, datasets: Sequence[str], session: Session) -> LastRecords:
        """Return the last records of all datasets by one query."""
        if not datasets or not self.has_ledger(bigquery_session(session)):
            return LastRecords({})
        rows = session.rows(self.ledger.last_records(datasets))
        return LastRecords({row["dataset"]: json.loads(row["record"]) for row in rows})

    @override
    def record_marks(self, datasets: Sequence[str], session: Session, before: RecordMarks) -> RecordMarks:
        """Return the last publication of each dataset. The ledger is queried only if its metadata changed."""
        ledger = bigquery_session(session).tables.find(self.ledger.table(PUBLICATIONS))
        store = f"{ledger.modified} {ledger.num_rows}" if ledger else ""
        if before.store == store:
            return before
        rows = session.rows(self.ledger.last_publications()) if ledger else []
        marks = {row["dataset"]: f"{row['publications']} {row['last']}" for row in rows}
        return RecordMarks({dataset: marks[dataset] for dataset in datasets if dataset in marks}, store)

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
        """Return whether the ledger exists, which its last created table proves.

        A ledger that exists is looked for once in a session.
        """
        last = self.ledger.table(PUBLICATIONS)
        if last not in session.known_tables and session.tables.find(last):
            session.known_tables.add(last)
        return last in session.known_tables

    def _check_version(self, dataset: str, version: int, session: Session) -> None:
        newest = self.version(dataset, session)
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(dataset, version, newest))


def erased_from(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a publication's record says of the last erasure that took rows from it; None without one.

    Time travel still has the rows. The record of a publication that was made from it can have the mark too.
    """
    marks = json.loads(row["record"]).get(ERASURES, ())
    own = [each for each in marks if each["version"] == row["version"]]
    return next((each for each in reversed(own) if each["rows"] or each["outcome"] == "removed"), None)


def _expired(dataset: str, row: Mapping[str, Any], erased: Mapping[str, Any]) -> ExpiredPublication:
    return ExpiredPublication(
        dataset=dataset,
        period=row["period"] or None,
        table_version=row["version"],
        replaced_at=row["until"],
        expired_at=erased["at"],
        erasure=erased["id"],
    )


def time_travel_fault(dataset: str, period: str | None, version: int, since: datetime) -> Fault:
    """Return the fault of reading rows that BigQuery no longer has."""
    of = f" of {period}" if period else ""
    message = f"the rows{of} in version {version} of {dataset!r} are gone since {since:%Y-%m-%d %H:%M} UTC"
    hint = "read a later version; `dataset-assets pin` keeps what has to stay"
    return Fault(f"{message}, when BigQuery's time travel for them ended", hint=hint)


def bigquery_session(session: Session) -> "BigQuerySession":
    """Return the session itself. Raises UnsupportedError if it belongs to another engine."""
    from dataset_assets.adapters.bigquery.session import BigQuerySession

    if not isinstance(session, BigQuerySession):
        raise UnsupportedError(Fault("only the BigQuery engine publishes to a BigQuery warehouse"))
    return session
