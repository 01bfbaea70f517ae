"""Build the SQL that reads and writes the tables of uses and pins, and that creates snapshots.

Rows are only ever inserted. `period` is empty for an unpartitioned dataset.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger_queries import LedgerQueries
from dataset_assets.adapters.bigquery.ledger_tables import KEPT_SCHEMAS, PINS, PUBLICATIONS, USES, equals
from dataset_assets.ports.uses import PinEvent, Use
from dataset_assets.sql.build import column, identifier, number, text
from dataset_assets.sql.nodes import CreateSnapshot

_USE_KEY = ("dataset", "period", "table_version", "training_run")


def insert_uses(ledger: LedgerQueries, uses: Sequence[Use]) -> exp.Insert:
    """Insert the uses that are not in the table yet."""
    rows = [_use_row(each) for each in uses]
    names = KEPT_SCHEMAS[USES]
    new = exp.select(*(column(name, "new") for name in names)).from_(union(rows).subquery("new"))
    same = [exp.EQ(this=column(name, "old"), expression=column(name, "new")) for name in _USE_KEY]
    old = exp.select(number(1)).from_(exp.alias_(ledger.table(USES), "old", table=True)).where(*same)
    return _insert(ledger, USES, new.where(exp.not_(exp.Exists(this=old))))


def insert_events(ledger: LedgerQueries, events: Sequence[PinEvent]) -> exp.Insert:
    """Insert pins and unpins."""
    return _insert(ledger, PINS, union([_event_row(each) for each in events]))


def uses_of(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `entry` of the uses of a dataset, the oldest first."""
    rows = exp.select(column("entry")).from_(ledger.table(USES)).where(equals("dataset", text(dataset)))
    return rows.order_by(column("used_at"), column("period"), column("training_run"))


def last_uses(ledger: LedgerQueries, datasets: Sequence[str]) -> exp.Select:
    """Select `dataset` and the time of its last use, `last`."""
    last = exp.alias_(exp.Max(this=column("used_at")), "last")
    among = exp.In(this=column("dataset"), expressions=[text(each) for each in datasets])
    rows = exp.select(column("dataset"), last).from_(ledger.table(USES))
    return rows.where(among).group_by(column("dataset"))


def pin_events(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `entry` of the pins and unpins of a dataset, the oldest first."""
    rows = exp.select(column("entry")).from_(ledger.table(PINS)).where(equals("dataset", text(dataset)))
    return rows.order_by(column("at"))


def visible_now(
    ledger: LedgerQueries, dataset: str, periods: Sequence[str | None], version: int
) -> exp.Select:
    """Select what `LedgerQueries.publications` does, and `now`, the instant at which it is so."""
    now = exp.alias_(exp.CurrentTimestamp(), "now")
    return exp.select("*", now).from_(ledger.publications(dataset, periods, version).subquery("visible"))


def replaced(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `period`, `version`, `record` and `until` of every publication that another one replaced.

    `until` is the instant at which the Period's next publication replaced it.
    """
    order = exp.Order(expressions=[exp.Ordered(this=column("version"))])
    later = exp.Lead(this=column("published_at"))
    until = exp.Window(this=later, partition_by=[column("period")], order=order)
    names = [column(name) for name in ("period", "version", "record")]
    rows = exp.select(*names, exp.alias_(until, "until")).from_(ledger.table(PUBLICATIONS))
    rows = rows.where(equals("dataset", text(dataset)))
    was_replaced = exp.not_(column("until").is_(exp.null()))
    return exp.select("*").from_(rows.subquery("followed")).where(was_replaced)


def create_copy(ledger: LedgerQueries, name: str, rows: exp.Query) -> exp.Create:
    """Create a table of the rows of a query, or replace it."""
    return exp.Create(this=ledger.table(name), kind="TABLE", replace=True, expression=rows.copy())


def create_snapshot(ledger: LedgerQueries, name: str, dataset: str, at: datetime) -> exp.Expr:
    """Create the snapshot `name` of a published table as it was at an instant."""
    instant = exp.cast(text(at.isoformat()), "TIMESTAMPTZ")
    return CreateSnapshot(this=ledger.table(name), source=ledger.table(dataset), at=instant)


def read_events(rows: Iterable[Mapping[str, Any]]) -> Iterator[PinEvent]:
    """Return the events of selected rows."""
    return (PinEvent.model_validate(json.loads(row["entry"])) for row in rows)


def read_uses(rows: Iterable[Mapping[str, Any]]) -> Iterator[Use]:
    """Return the uses of selected rows."""
    return (Use.model_validate(json.loads(row["entry"])) for row in rows)


def _use_row(use: Use) -> exp.Select:
    values = {
        "dataset": text(use.dataset),
        "period": text(use.period or ""),
        "table_version": number(use.table_version),
        "training_run": text(use.training_run),
        "used_at": exp.cast(text(use.used_at.isoformat()), "TIMESTAMPTZ"),
        "entry": text(_json(use)),
    }
    return exp.select(*(exp.alias_(value, name) for name, value in values.items()))


def _event_row(event: PinEvent) -> exp.Select:
    values = {
        "dataset": text(event.dataset),
        "period": text(event.period or ""),
        "table_version": number(event.table_version),
        "at": exp.cast(text(event.at.isoformat()), "TIMESTAMPTZ"),
        "entry": text(_json(event)),
    }
    return exp.select(*(exp.alias_(value, name) for name, value in values.items()))


def _json(entry: Use | PinEvent) -> str:
    return json.dumps(entry.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)


def union(rows: Sequence[exp.Select]) -> exp.Query:
    """Return all rows of all queries."""
    return reduce(lambda left, right: exp.union(left, right, distinct=False, copy=False), rows)


def _insert(ledger: LedgerQueries, name: str, rows: exp.Query) -> exp.Insert:
    columns = [identifier(each) for each in KEPT_SCHEMAS[name]]
    return exp.Insert(this=exp.Schema(this=ledger.table(name), expressions=columns), expression=rows)
