"""Build the SQL by which a warehouse claims Periods and publishes (BR-201, BR-202).

The ledger is its two tables of claims and publications.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger_queries import LedgerQueries
from dataset_assets.adapters.bigquery.ledger_tables import (
    CLAIMS,
    PUBLICATIONS,
    SCHEMAS,
    equals,
    last_or,
    of_claim,
    of_period,
    published_rows_of,
)
from dataset_assets.ports.warehouse import Claim, Record
from dataset_assets.sql.build import column, identifier, number, text


@dataclass(frozen=True)
class Ledger(LedgerQueries):
    """Builds the statements that read and write the ledger of one BigQuery dataset."""

    def claim(self, dataset: str, period: str | None, run_id: str, hours: int) -> list[exp.Expr]:
        """Insert a claim with the Period's next token; select `token` and `run_id` of recent claims.

        Recent are those of the last `hours`.
        Two claims at the same instant may get the same token; the run with the greater id may then publish.
        """
        next_token = exp.Add(this=last_or("token", 0), expression=number(1))
        values = (text(dataset), text(period or ""), next_token, text(run_id), exp.CurrentTimestamp())
        named = [exp.alias_(value, name) for value, name in zip(values, SCHEMAS[CLAIMS], strict=True)]
        rows = exp.select(*named).from_(self.table(CLAIMS)).where(*of_period(dataset, period))
        since = exp.TimestampSub(this=exp.CurrentTimestamp(), expression=number(hours), unit=exp.var("HOUR"))
        recent = exp.GT(this=column("claimed_at"), expression=since)
        return [self._insert(CLAIMS, rows), self._claims(dataset, period).where(recent)]

    def newest(self, dataset: str, period: str | None) -> exp.Select:
        """Select `token` and `run_id` of the claim that may publish."""
        order = [exp.Ordered(this=column(name), desc=True) for name in ("token", "run_id")]
        return self._claims(dataset, period).order_by(*order).limit(1)

    def publish(
        self, claim: Claim, staged: exp.Table, names: Sequence[str], record: Record
    ) -> list[exp.Expr]:
        """Replace the Period's rows and insert the publication, in one transaction; select its `version`.

        No row is selected if the claim may not publish; then nothing was changed. Sent again after it was
        committed, the transaction changes nothing more.
        """
        target, columns = self.table(claim.dataset), [identifier(name, quoted=True) for name in names]
        rows = exp.select(*(exp.Column(this=each.copy()) for each in columns)).from_(staged.copy())
        allowed = self._may_publish(claim, record)
        return [
            exp.Transaction(),
            exp.delete(target.copy()).where(published_rows_of(claim.period, names), allowed.copy()),
            exp.Insert(
                this=exp.Schema(this=target.copy(), expressions=columns),
                expression=rows.where(allowed.copy()),
            ),
            self._insert(PUBLICATIONS, self._publication_row(claim, record).having(allowed.copy())),
            exp.Commit(),
            self.published(claim),
        ]

    def confirm_unchanged(self, claim: Claim, version: int, record: Record) -> list[exp.Expr]:
        """Insert a publication whose rows are those of `version`, the Period's last; select its `version`.

        Selects no row if the claim may not publish. There is no transaction: two Periods may be confirmed
        at once and then share one version.
        """
        allowed = self._may_publish(claim, {"replaces": version})
        rows = self._publication_row(claim, record).having(allowed)
        return [self._insert(PUBLICATIONS, rows), self.published(claim)]

    def _claims(self, dataset: str, period: str | None) -> exp.Select:
        rows = exp.select(column("token"), column("run_id")).from_(self.table(CLAIMS))
        return rows.where(*of_period(dataset, period))

    def _may_publish(self, claim: Claim, record: Record) -> exp.Expr:
        """Require that no claim is newer, this one has not published yet, and `replaces` is the last version.

        The last condition is needed because a claim that was the newest when its transaction began can
        commit after the next claim.
        """
        done = exp.select(number(1)).from_(self.table(PUBLICATIONS)).where(*of_claim(claim))
        superseded = exp.Exists(this=self._claims(claim.dataset, claim.period).where(_is_newer(claim)))
        conditions = [exp.not_(superseded), exp.not_(exp.Exists(this=done))]
        if "replaces" in record:
            last = exp.select(last_or("version", -1)).from_(self.table(PUBLICATIONS))
            last = last.where(*of_period(claim.dataset, claim.period))
            replaced = number(-1 if record["replaces"] is None else record["replaces"])
            conditions.append(exp.EQ(this=last.subquery(), expression=replaced))
        return exp.and_(*conditions)

    def _publication_row(self, claim: Claim, record: Record) -> exp.Select:
        values = {
            "dataset": text(claim.dataset),
            "period": text(claim.period or ""),
            "token": number(claim.token),
            "run_id": text(claim.run_id),
            "version": exp.Add(this=last_or("version", -1), expression=number(1)),
            "period_start": text(record.get("period_start") or ""),
            # Evaluated inside the transaction: readers see the version before until this instant.
            "published_at": exp.CurrentTimestamp(),
            "record": text(json.dumps(record, separators=(",", ":"), ensure_ascii=False)),
        }
        named = [exp.alias_(value, name) for name, value in values.items()]
        rows = exp.select(*named).from_(self.table(PUBLICATIONS))
        return rows.where(equals("dataset", text(claim.dataset)))

    def _insert(self, name: str, rows: exp.Select) -> exp.Insert:
        columns = [identifier(each) for each in SCHEMAS[name]]
        return exp.Insert(this=exp.Schema(this=self.table(name), expressions=columns), expression=rows)


def _is_newer(claim: Claim) -> exp.Expr:
    """Return the condition of claims that supersede this one."""
    token, run_id = column("token"), column("run_id")
    later_run = exp.GT(this=run_id, expression=text(claim.run_id))
    return exp.or_(
        exp.GT(this=token.copy(), expression=number(claim.token)),
        exp.and_(exp.EQ(this=token.copy(), expression=number(claim.token)), later_run),
    )
