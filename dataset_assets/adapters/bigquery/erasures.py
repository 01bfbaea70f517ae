"""Forget rows in BigQuery: the tables of erasures and erased keys, pinned copies, and records.

The rows of current publications are replaced as a publication replaces them. What time travel has cannot be
changed: it ends after a week. Records say which publications had erased rows, and these are not read again.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.bigquery import erasure_statements as statements
from dataset_assets.adapters.bigquery.keeper import BigQueryKeeper
from dataset_assets.adapters.bigquery.kept_statements import create_copy, pin_events, read_events, replaced
from dataset_assets.adapters.bigquery.ledger_tables import ERASED_KEYS, ERASURES, PINS
from dataset_assets.adapters.bigquery.names import short_hash, staging_name
from dataset_assets.adapters.bigquery.publications import bigquery_session, erased_from
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import EarlierPublication, Erasure, RewriteRecord, merged_erasures
from dataset_assets.ports.uses import Pin, PinEvent, PinRequest
from dataset_assets.ports.warehouse import Claim

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.session import BigQuerySession

_CLAIM_HOURS = 24
"""Hours after its claim in which a run may still publish."""
_BATCH_CHARACTERS = 200_000
"""Characters of records that one statement replaces; BigQuery limits its text to a megabyte."""


@dataclass(frozen=True)
class BigQueryErasures(BigQueryKeeper):
    """The part of a warehouse in BigQuery that forgets rows."""

    @override
    @contextmanager
    def erasing(self) -> Generator[None]:
        """Claims keep two erasures apart: the earlier one is refused where both change a Period."""
        yield

    @override
    def erasures(self, dataset: str, session: Session) -> list[Erasure]:
        """Look for the table each time: a run has to know what was erased since it began."""
        if not self._has(ERASURES, bigquery_session(session)):
            return []
        rows = session.rows(statements.erasures_of(self.ledger, dataset))
        return merged_erasures([json.loads(row["entry"]) for row in rows])

    @override
    def tables_with_erasures(self, session: Session) -> list[str]:
        if not self._has(ERASURES, bigquery_session(session)):
            return []
        return [row["dataset"] for row in session.rows(statements.erased_datasets(self.ledger))]

    @override
    def erasures_mark(self, session: Session) -> str:
        found = bigquery_session(session).tables.find(self.ledger.table(ERASURES))
        return f"{found.modified} {found.num_rows}" if found else ""

    @override
    def erased_keys(self, erasure: Erasure, session: Session) -> exp.Query:
        by_same = [each.id for each in self.erasures(erasure.dataset, session) if each.kind == erasure.kind]
        return statements.keys_of(self.ledger, erasure, by_same)

    @override
    def begin_erasure(self, erasure: Erasure, keys: Sequence[exp.Query], session: Session) -> None:
        """Insert the keys first: an erasure that is listed has them."""
        opened = bigquery_session(session)
        for name in (ERASED_KEYS, ERASURES):
            self.create_ledger_table(name, opened)
        for query in keys:
            opened.write([statements.insert_keys(self.ledger, erasure, query)], "erase")
        if erasure.id not in {each.id for each in self.erasures(erasure.dataset, session)}:
            opened.write([statements.insert_erasure(self.ledger, erasure)], "erase")

    @override
    def finish_erasure(self, erasure: Erasure, session: Session) -> None:
        bigquery_session(session).write([statements.insert_erasure(self.ledger, erasure)], "erase")

    @override
    def published_tables(self, session: Session) -> list[str]:
        if not self.has_ledger(bigquery_session(session)):
            return []
        return sorted(row["dataset"] for row in session.rows(self.ledger.last_publications()))

    @override
    def all_records(self, dataset: str, session: Session) -> list[Mapping[str, Any]]:
        return list(self._records_of(dataset, session).values())

    @override
    def claimed_periods(self, dataset: str, session: Session) -> list[str | None]:
        rows = session.rows(statements.recent_claims(self.ledger, dataset, _CLAIM_HOURS))
        return [row["period"] or None for row in rows]

    @override
    def earlier_publications(self, dataset: str, session: Session) -> list[EarlierPublication]:
        """Return the pinned publications, whose rows are in snapshots, and those that time travel has.

        Publications whose rows were erased before are left out: they are not read any more.
        """
        opened = bigquery_session(session)
        if not self.has_ledger(opened):
            return []
        pinned = self._pinned(dataset, opened)
        kept = {(each.period, each.table_version) for each in pinned}
        found = (
            each for each in self._replaced(dataset, opened) if (each.period, each.table_version) not in kept
        )
        return sorted([*pinned, *found], key=lambda each: each.table_version)

    def _replaced(self, dataset: str, session: "BigQuerySession") -> Generator[EarlierPublication]:
        """Yield the publications that another one replaced within the time travel."""
        rows = session.rows(replaced(self.ledger, dataset))
        left = [row for row in rows if not erased_from(row) and not self.gone_since(row["until"], session)]
        names = self.column_names(dataset, session) if left else []
        for row in left:
            period = row["period"] or None
            source = self.ledger.rows(dataset, period, row["until"], names)
            record = json.loads(row["record"])
            yield EarlierPublication(dataset, period, row["version"], record, source, pinned=False)

    def _pinned(self, dataset: str, session: "BigQuerySession") -> list[EarlierPublication]:
        pins = [each for each in self.pins(dataset, session) if each.snapshot]
        records = self._records_of(dataset, session) if pins else {}
        tables = {str(each.snapshot) for each in pins}
        names = {each: self.column_names(each, session) for each in tables}
        return [
            EarlierPublication(
                dataset=dataset,
                period=each.period,
                table_version=each.table_version,
                record=records[each.period, each.table_version],
                source=self.ledger.rows(str(each.snapshot), each.period, None, names[str(each.snapshot)]),
                pinned=True,
                stored=self.ledger.table(str(each.snapshot)),
            )
            for each in pins
            if (each.period, each.table_version) in records
        ]

    def _records_of(self, dataset: str, session: Session) -> dict[tuple[str | None, int], dict[str, Any]]:
        rows = session.rows(statements.all_records(self.ledger, dataset))
        return {(row["period"] or None, row["version"]): json.loads(row["record"]) for row in rows}

    @override
    def remove_earlier(
        self, removed: Sequence[EarlierPublication], at: datetime, erasure: str, session: Session
    ) -> None:
        """Write to the records that the rows were erased: no command reads them from time travel again."""
        if removed:
            records = [(each.period, each.table_version, each.record) for each in removed]
            self._replace_records(removed[0].dataset, records, bigquery_session(session))

    @override
    def rewrite_earlier(
        self, rewritten: EarlierPublication, rows: exp.Query, note: PinRequest, session: Session
    ) -> None:
        """Copy the rows to a table of their own, which the pin names from then on."""
        opened, dataset = bigquery_session(session), rewritten.dataset
        key = rewritten.period, rewritten.table_version
        name = f"_pinned_{dataset}_{short_hash(note.reason, *key)}"
        opened.write([create_copy(self.ledger, name, rows)], "erase")
        self._replace_records(dataset, [(*key, rewritten.record)], opened)
        pinned = {(each.period, each.table_version): each for each in self.pins(dataset, session)}
        self._insert(list(moved_pin(pinned[key], name, note)), opened)

    @override
    def rewrite_records(self, dataset: str, rewrite: RewriteRecord, session: Session) -> int:
        records = self._records_of(dataset, session)
        kept = {(each.period, each.table_version) for each in self.pins(dataset, session)}
        newest: dict[str | None, int] = {}
        for period, version in records:
            newest[period] = max(version, newest.get(period, version))
        changed = []
        for (period, version), record in records.items():
            is_gone = version != newest[period] and (period, version) not in kept
            after = rewrite(record, is_gone)
            if after != record:
                changed.append((period, version, dict(after)))
        self._replace_records(dataset, changed, bigquery_session(session))
        return len(changed)

    def _replace_records(
        self,
        dataset: str,
        changed: Sequence[tuple[str | None, int, Any]],
        session: "BigQuerySession",
    ) -> None:
        batch: list[tuple[str | None, int, str]] = []
        for period, version, record in changed:
            batch.append((period, version, json.dumps(record, separators=(",", ":"), ensure_ascii=False)))
            if sum(len(text) for *_, text in batch) > _BATCH_CHARACTERS:
                session.write([statements.replace_records(self.ledger, dataset, batch)], "erase")
                batch = []
        if batch:
            session.write([statements.replace_records(self.ledger, dataset, batch)], "erase")

    @override
    def remove_remains(self, dataset: str, session: Session) -> int:
        """Drop copies that no pin names any more, and what runs staged that can no longer publish."""
        opened = bigquery_session(session)
        events = (
            list(read_events(session.rows(pin_events(self.ledger, dataset))))
            if self._has(PINS, opened)
            else []
        )
        named = {each.snapshot for each in self.pins(dataset, session)}
        remains = {each.snapshot for each in events if each.snapshot} - named
        claims = session.rows(statements.newest_claims(self.ledger, dataset))
        staged = {
            staging_name(Claim(dataset, row["period"] or None, row["token"], row["run_id"])) for row in claims
        }
        tables = opened.tables.names(self.project, self.dataset)
        remains |= {name for name in tables if name.startswith(f"_staged_{dataset}_") and name not in staged}
        dropped = sorted(str(name) for name in remains if name in tables)
        for name in dropped:
            opened.tables.drop(self.ledger.table(name))
        return len(dropped)

    @override
    def beyond_reach(self, dataset: str) -> Sequence[str]:
        table = self.table_name(dataset)
        return (
            f"BigQuery's time travel (2 to 7 days) and fail-safe (7 days more) of {table} and dropped tables",
            f"BigQuery's job history of {self.project} (180 days) and audit logs: the text of queries",
        )


def moved_pin(pin: Pin, snapshot: str, note: PinRequest) -> "Generator[PinEvent]":
    """Yield the events by which a pin names another table, with its reasons and the note.

    They come after those of the pin, also where the clock of this machine is behind.
    """
    begins = max(note.at, pin.pinned_at + timedelta(microseconds=len(pin.reasons) + 1))
    yield PinRequest(note.reason, begins, note.by).unpinned(pin)
    for place, reason in enumerate((*pin.reasons, note.reason), start=1):
        request = PinRequest(reason, begins + timedelta(microseconds=place), pin.pinned_by)
        yield request.pinned(pin.dataset, pin.period, pin.table_version, snapshot)
