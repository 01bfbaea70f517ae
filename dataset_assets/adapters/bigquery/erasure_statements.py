"""Build the SQL that reads and writes the tables of erasures and erased keys, and that replaces records."""

import json
from collections.abc import Sequence

from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger_queries import LedgerQueries
from dataset_assets.adapters.bigquery.ledger_tables import (
    CLAIMS,
    ERASED_KEYS,
    ERASURES,
    KEPT_SCHEMAS,
    PUBLICATIONS,
    equals,
)
from dataset_assets.ports.erasure import KEY, Erasure
from dataset_assets.sql.build import column, identifier, number, text


def erasures_of(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `entry` of the erasures of a dataset, the oldest first; a finished one has two."""
    rows = exp.select(column("entry")).from_(ledger.table(ERASURES)).where(equals("dataset", text(dataset)))
    return rows.order_by(column("at"))


def erased_datasets(ledger: LedgerQueries) -> exp.Select:
    """Select `dataset` of every dataset that has erasures."""
    return exp.select(column("dataset")).distinct().from_(ledger.table(ERASURES)).order_by(column("dataset"))


def insert_erasure(ledger: LedgerQueries, erasure: Erasure) -> exp.Insert:
    """Insert an erasure as it is now."""
    values = {
        "dataset": text(erasure.dataset),
        "erasure": text(erasure.id),
        "at": exp.CurrentTimestamp(),
        "entry": text(json.dumps(erasure.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)),
    }
    return _insert(ledger, ERASURES, exp.select(*(exp.alias_(value, name) for name, value in values.items())))


def insert_keys(ledger: LedgerQueries, erasure: Erasure, keys: exp.Query) -> exp.Insert:
    """Insert the keys of a query that an erasure does not have yet."""
    values = {
        "dataset": text(erasure.dataset),
        "kind": text(erasure.kind),
        "erasure": text(erasure.id),
        KEY: column(KEY, "new"),
    }
    known = (
        exp.select(column(KEY)).from_(ledger.table(ERASED_KEYS)).where(equals("erasure", text(erasure.id)))
    )
    is_known = exp.In(this=column(KEY, "new"), query=known.subquery())
    rows = exp.select(*(exp.alias_(value, name) for name, value in values.items()))
    return _insert(ledger, ERASED_KEYS, rows.from_(keys.copy().subquery("new")).where(exp.not_(is_known)))


def keys_of(ledger: LedgerQueries, erasure: Erasure, erasures: Sequence[str]) -> exp.Select:
    """Select `erased_key` of the erasures with these ids, over the columns of one of them."""
    rows = exp.select(column(KEY)).from_(ledger.table(ERASED_KEYS))
    among = exp.In(this=column("erasure"), expressions=[text(each) for each in erasures])
    return rows.where(equals("dataset", text(erasure.dataset)), equals("kind", text(erasure.kind)), among)


def recent_claims(ledger: LedgerQueries, dataset: str, hours: int) -> exp.Select:
    """Select `period` of each Period that was claimed within the last hours."""
    since = exp.TimestampSub(this=exp.CurrentTimestamp(), expression=number(hours), unit=exp.var("HOUR"))
    recent = exp.GT(this=column("claimed_at"), expression=since)
    rows = exp.select(column("period")).distinct().from_(ledger.table(CLAIMS))
    return rows.where(equals("dataset", text(dataset)), recent)


def newest_claims(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `period`, `token` and `run_id` of the claim of each Period that may publish."""
    order = [exp.Ordered(this=column(name), desc=True) for name in ("token", "run_id")]
    rank = exp.Window(
        this=exp.RowNumber(), partition_by=[column("period")], order=exp.Order(expressions=order)
    )
    names = [column(name) for name in ("period", "token", "run_id")]
    ranked = exp.select(*names, exp.alias_(rank, "entry")).from_(ledger.table(CLAIMS))
    ranked = ranked.where(equals("dataset", text(dataset)))
    selected = exp.select(*(name.copy() for name in names)).from_(ranked.subquery("ranked"))
    return selected.where(equals("entry", number(1)))


def all_records(ledger: LedgerQueries, dataset: str) -> exp.Select:
    """Select `period`, `version` and `record` of all publications of a dataset."""
    names = [column(name) for name in ("period", "version", "record")]
    return exp.select(*names).from_(ledger.table(PUBLICATIONS)).where(equals("dataset", text(dataset)))


def replace_records(
    ledger: LedgerQueries, dataset: str, records: Sequence[tuple[str | None, int, str]]
) -> exp.Update:
    """Replace the records of publications, each by its Period and version."""
    case = exp.Case()
    for period, version, record in records:
        case = case.when(
            exp.and_(equals("period", text(period or "")), equals("version", number(version))), text(record)
        )
    versions = exp.In(this=column("version"), expressions=[number(version) for _, version, _ in records])
    return exp.Update(
        this=ledger.table(PUBLICATIONS),
        expressions=[exp.EQ(this=column("record"), expression=case.else_(column("record")))],
        where=exp.Where(this=exp.and_(equals("dataset", text(dataset)), versions)),
    )


def _insert(ledger: LedgerQueries, name: str, rows: exp.Query) -> exp.Insert:
    columns = [identifier(each) for each in KEPT_SCHEMAS[name]]
    return exp.Insert(this=exp.Schema(this=ledger.table(name), expressions=columns), expression=rows)
