"""Keep the uses and pins of a BigQuery warehouse in two tables, and pinned rows in snapshots.

A snapshot is a read-only copy of the published table at an instant at which the publications were visible.
It is billed only for the bytes that the table no longer has. BigQuery's time travel keeps all other replaced
rows.
"""

# ruff: noqa: PLC0415 - a code location only uses a warehouse's names: Google's libraries load in a run

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.bigquery import kept_statements as statements
from dataset_assets.adapters.bigquery.ledger_tables import DESCRIPTIONS, KEPT_SCHEMAS, PINS, SCHEMAS, USES
from dataset_assets.adapters.bigquery.names import short_hash
from dataset_assets.adapters.bigquery.publications import (
    BigQueryPublications,
    bigquery_session,
    erased_from,
)
from dataset_assets.errors import ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.retention import RecordedPublication, Retention, RetentionReport, RetentionRequest
from dataset_assets.ports.uses import (
    Pin,
    PinEvent,
    PinRequest,
    Use,
    adds_to,
    current_pins,
    distinct_uses,
    pins_by_version,
)
from dataset_assets.ports.warehouse import no_such_version

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession

_BATCH = 200
"""Rows of one INSERT, whose text BigQuery limits to a megabyte."""


@dataclass(frozen=True)
class BigQueryKeeper(BigQueryPublications):
    """The part of a warehouse in BigQuery that keeps uses and pins."""

    @property
    @override
    def retention(self) -> Retention | None:
        """None: BigQuery itself keeps replaced rows, for its time travel."""
        return None

    @override
    def recorded(
        self, dataset: str, periods: Sequence[str | None], version: int, session: Session
    ) -> list[RecordedPublication]:
        opened = bigquery_session(session)
        rows = self._visible(dataset, periods, version, opened)
        snapshots = self.snapshots(dataset, opened) if any(row["until"] for row in rows) else {}
        found = []
        for row in rows:
            key = row["period"] or None, row["version"]
            since = None if key in snapshots else self._gone_since(row, opened)
            found.append(RecordedPublication(*key, json.loads(row["record"]), since))
        return found

    def _gone_since(self, row: Mapping[str, Any], session: "BigQuerySession") -> datetime | None:
        """Return since when rows are not to be read any more: by an erasure, or as time travel ended."""
        erased = erased_from(row) if row["until"] else None
        return datetime.fromisoformat(erased["at"]) if erased else self.gone_since(row["until"], session)

    @override
    def record_uses(self, uses: Sequence[Use], session: Session) -> list[Use]:
        if not uses:
            return []
        opened = bigquery_session(session)
        self.create_ledger_table(USES, opened)
        known = {each.key for each in self.uses(uses[0].dataset, session)}
        new = [each for each in distinct_uses(uses) if each.key not in known]
        for start in range(0, len(new), _BATCH):
            opened.write([statements.insert_uses(self.ledger, new[start : start + _BATCH])], "use")
        return new

    @override
    def uses(self, dataset: str, session: Session) -> list[Use]:
        if not self._has(USES, bigquery_session(session)):
            return []
        return distinct_uses(statements.read_uses(session.rows(statements.uses_of(self.ledger, dataset))))

    @override
    def last_uses(self, datasets: Sequence[str], session: Session) -> Mapping[str, datetime]:
        if not datasets or not self._has(USES, bigquery_session(session)):
            return {}
        rows = session.rows(statements.last_uses(self.ledger, datasets))
        return {row["dataset"]: row["last"] for row in rows}

    @override
    def pin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        """Pin the publications. Those that are not pinned yet get one snapshot, which holds all of them."""
        opened = bigquery_session(session)
        rows = self._visible(dataset, periods, version, opened)
        self.create_ledger_table(PINS, opened)
        before = self.pins(dataset, session)
        pinned = pins_by_version(before)
        new = [row for row in rows if (row["period"] or None, row["version"]) not in pinned]
        snapshot = self._create_snapshot(dataset, new, request, opened) if new else None
        events = [request.pinned(dataset, row["period"] or None, row["version"], snapshot) for row in rows]
        self._insert([each for each in events if adds_to(each, before)], opened)
        after = pins_by_version(self.pins(dataset, session))
        return [after[each.period, each.table_version] for each in events]

    def _create_snapshot(
        self,
        dataset: str,
        rows: Sequence[Mapping[str, Any]],
        request: PinRequest,
        session: "BigQuerySession",
    ) -> str:
        """Create a snapshot of the table at an instant at which all these publications were visible.

        If another Period had erased rows then, it is a table of these publications' rows alone.
        """
        raise_all(ResolveError, self.faults_of_gone(dataset, rows, {}, session))
        at = min((row["until"] for row in rows if row["until"]), default=rows[0]["now"])
        keys = [(row["period"], row["version"]) for row in rows]
        name = f"_pinned_{dataset}_{short_hash(request.at.isoformat(), *keys)}"
        if all(row["until"] is None for row in rows) or not self._had_erased(dataset, at, session):
            session.write([statements.create_snapshot(self.ledger, name, dataset, at)], "pin")
        else:
            names = self.column_names(dataset, session)
            kept = [self.ledger.rows(dataset, row["period"] or None, at, names) for row in rows]
            copied = [exp.select("*").from_(each) for each in kept]
            session.write([statements.create_copy(self.ledger, name, statements.union(copied))], "pin")
        return name

    def _had_erased(self, dataset: str, at: datetime, session: "BigQuerySession") -> bool:
        """Return whether the table had rows at an instant that were erased since."""
        replaced = session.rows(statements.replaced(self.ledger, dataset))
        return any(row["until"] >= at and erased_from(row) for row in replaced)

    @override
    def unpin(
        self,
        dataset: str,
        periods: Sequence[str | None],
        version: int | None,
        request: PinRequest,
        session: Session,
    ) -> list[Pin]:
        """Remove the pins, and the snapshots that no other pin needs."""
        opened = bigquery_session(session)
        pins = self.pins(dataset, session)
        removed = [each for each in pins if each.period in periods]
        if version is not None and removed:
            rows = self._visible(dataset, periods, version, opened)
            visible = {(row["period"] or None, row["version"]) for row in rows}
            removed = [each for each in removed if (each.period, each.table_version) in visible]
        self._insert([request.unpinned(each) for each in removed], opened)
        needed = {each.snapshot for each in pins if each not in removed}
        for name in {each.snapshot for each in removed if each.snapshot} - needed:
            opened.tables.drop(self.ledger.table(name))
        return removed

    @override
    def pins(self, dataset: str, session: Session) -> list[Pin]:
        if not self._has(PINS, bigquery_session(session)):
            return []
        rows = session.rows(statements.pin_events(self.ledger, dataset))
        return current_pins(list(statements.read_events(rows)))

    @override
    def expire(self, dataset: str, request: RetentionRequest, session: Session) -> RetentionReport:
        """Remove snapshots that no pin needs. A pin that is just being made has a younger one."""
        opened = bigquery_session(session)
        own = re.compile(rf"_pinned_{re.escape(dataset)}_[0-9a-f]{{8}}")
        old = {
            name
            for name, created_at in opened.tables.creation_times(self.project, self.dataset)
            if own.fullmatch(name) and created_at <= request.now - request.grace
        }
        unneeded = sorted(old - {each.snapshot for each in self.pins(dataset, session)}) if old else []
        for name in [] if request.dry_run else unneeded:
            opened.tables.drop(self.ledger.table(name))
        return RetentionReport(dataset=dataset, snapshots=tuple(unneeded))

    def _visible(
        self, dataset: str, periods: Sequence[str | None], version: int, session: "BigQuerySession"
    ) -> list[Mapping[str, Any]]:
        """Return the ledger's rows of the publications that are visible in a version, and `now`.

        Raises ResolveError if the table has no such version.
        """
        newest = self.version(dataset, session)
        if newest is None or not 0 <= version <= newest:
            raise ResolveError(no_such_version(dataset, version, newest))
        rows = session.rows(statements.visible_now(self.ledger, dataset, periods, version))
        return sorted(rows, key=lambda row: periods.index(row["period"] or None))

    def _insert(self, events: Sequence[PinEvent], session: "BigQuerySession") -> None:
        for start in range(0, len(events), _BATCH):
            session.write([statements.insert_events(self.ledger, events[start : start + _BATCH])], "pin")

    def column_names(self, name: str, session: "BigQuerySession") -> list[str]:
        """Return the names of the columns of one of the warehouse's tables."""
        return [each.name for each in session.tables.get(self.ledger.table(name)).schema]

    def _has(self, name: str, session: "BigQuerySession") -> bool:
        return session.tables.find(self.ledger.table(name)) is not None

    def create_ledger_table(self, name: str, session: "BigQuerySession") -> None:
        """Create one of the warehouse's own tables unless it exists."""
        from google.cloud import bigquery

        from dataset_assets.adapters.bigquery.tables import path

        types = {**SCHEMAS, **KEPT_SCHEMAS}[name]
        schema = [bigquery.SchemaField(each, kind) for each, kind in types.items()]
        table = bigquery.Table(path(self.ledger.table(name)), schema=schema)
        table.clustering_fields = [each for each in ("dataset", "period") if each in types]
        table.description = DESCRIPTIONS[name]
        session.tables.create(table)
