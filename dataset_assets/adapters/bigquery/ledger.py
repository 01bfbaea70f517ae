"""What the warehouse keeps of claims and publications, and the statements that read and write it.

`_claims`: who may publish a Period; the newest may. `_publications`: what was published, with its record
(BR-116). Rows are only ever added to both. `period` is empty for an unpartitioned dataset.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from dataset_assets.adapters.bigquery.names import table
from dataset_assets.ports.warehouse import Claim, Record
from dataset_assets.sql.build import column, identifier, number, text

CLAIMS, PUBLICATIONS = "_claims", "_publications"
SCHEMAS: Mapping[str, Mapping[str, str]] = {
    CLAIMS: {
        "dataset": "STRING",
        "period": "STRING",
        "token": "INT64",
        "run_id": "STRING",
        "claimed_at": "TIMESTAMP",
    },
    PUBLICATIONS: {
        "dataset": "STRING",
        "period": "STRING",
        "token": "INT64",
        "run_id": "STRING",
        "version": "INT64",
        "period_start": "STRING",
        "published_at": "TIMESTAMP",
        "record": "STRING",
    },
}
DESCRIPTIONS = {
    CLAIMS: "Which run may publish a Period of a dataset: the newest one of it",
    PUBLICATIONS: "Every publication, with the record of how it came about",
}


def _equal(name: str, value: exp.Expr, source: str | None = None) -> exp.Expr:
    return exp.EQ(this=column(name, source), expression=value)


def _now() -> exp.Expr:
    return exp.CurrentTimestamp()


@dataclass(frozen=True)
class Ledger:
    """The statements, for the tables of one BigQuery dataset."""

    project: str
    dataset: str

    def table(self, name: str) -> exp.Table:
        """A table of the warehouse."""
        return table(self.project, self.dataset, name)

    def claim(self, dataset: str, period: str | None, run_id: str, hours: int) -> list[exp.Expr]:
        """Adds a claim above all others of the Period; answers `token`, `run_id` of those of the last hours.

        Two at the same instant may get the same token: of them, the run with the greater id may publish.
        """
        following = exp.Add(
            this=exp.Coalesce(this=exp.Max(this=column("token")), expressions=[number(0)]),
            expression=number(1),
        )
        values = (text(dataset), text(period or ""), following, text(run_id), _now())
        made = [exp.alias_(value, name) for value, name in zip(values, SCHEMAS[CLAIMS], strict=True)]
        rows = exp.select(*made).from_(self.table(CLAIMS)).where(*_of(dataset, period))
        since = exp.TimestampSub(this=_now(), expression=number(hours), unit=exp.var("HOUR"))
        recent = exp.GT(this=column("claimed_at"), expression=since)
        return [self._insert(CLAIMS, rows), self._claims(dataset, period).where(recent)]

    def newest(self, dataset: str, period: str | None) -> exp.Select:
        """`token` and `run_id` of the claim that may publish."""
        order = [exp.Ordered(this=column(name), desc=True) for name in ("token", "run_id")]
        return self._claims(dataset, period).order_by(*order).limit(1)

    def _claims(self, dataset: str, period: str | None) -> exp.Select:
        found = exp.select(column("token"), column("run_id")).from_(self.table(CLAIMS))
        return found.where(*_of(dataset, period))

    def publish(
        self, claim: Claim, staged: exp.Table, names: Sequence[str], record: Record
    ) -> list[exp.Expr]:
        """Replaces the Period's rows and writes the publication down, in one transaction.

        Answers its `version`, or no row where the claim may not publish: then nothing was changed. Sent
        again after it was done, it changes nothing more.
        """
        place, columns = self.table(claim.dataset), [identifier(name, quoted=True) for name in names]
        rows = exp.select(*(exp.Column(this=each.copy()) for each in columns)).from_(staged.copy())
        may = self._may(claim, record)
        return [
            exp.Transaction(),
            exp.delete(place.copy()).where(self.holds(claim.period), may.copy()),
            exp.Insert(
                this=exp.Schema(this=place.copy(), expressions=columns), expression=rows.where(may.copy())
            ),
            self._insert(PUBLICATIONS, self._written_down(claim, record).having(may.copy())),
            exp.Commit(),
            self.published(claim),
        ]

    def confirm_unchanged(self, claim: Claim, version: int, record: Record) -> list[exp.Expr]:
        """Writes a publication down whose rows are those of `version`, the Period's last.

        Answers as `publish` does. No transaction keeps two of them, of two Periods, from one version.
        """
        may = self._may(claim, {"replaces": version})
        rows = self._written_down(claim, record).having(may)
        return [self._insert(PUBLICATIONS, rows), self.published(claim)]

    def published(self, claim: Claim) -> exp.Select:
        """`version` of what this claim published; no row when it did not."""
        return exp.select(column("version")).from_(self.table(PUBLICATIONS)).where(*_own(claim))

    def _may(self, claim: Claim, record: Record) -> exp.Expr:
        """Whether no claim is newer, this one did not publish yet, and what it replaces is what it knows.

        The last: a claim that was the newest when its transaction began may commit after the next claim.
        """
        token, run_id = column("token"), column("run_id")
        later_run = exp.GT(this=run_id.copy(), expression=text(claim.run_id))
        newer = exp.or_(
            exp.GT(this=token.copy(), expression=number(claim.token)),
            exp.and_(exp.EQ(this=token.copy(), expression=number(claim.token)), later_run),
        )
        done = exp.select(number(1)).from_(self.table(PUBLICATIONS)).where(*_own(claim))
        superseded = exp.Exists(this=self._claims(claim.dataset, claim.period).where(newer))
        conditions = [exp.not_(superseded), exp.not_(exp.Exists(this=done))]
        if "replaces" in record:
            last = exp.Coalesce(this=exp.Max(this=column("version")), expressions=[number(-1)])
            found = exp.select(last).from_(self.table(PUBLICATIONS)).where(*_of(claim.dataset, claim.period))
            known = number(-1 if record["replaces"] is None else record["replaces"])
            conditions.append(exp.EQ(this=found.subquery(), expression=known))
        return exp.and_(*conditions)

    def _written_down(self, claim: Claim, record: Record) -> exp.Select:
        last = exp.Coalesce(this=exp.Max(this=column("version")), expressions=[number(-1)])
        values = {
            "dataset": text(claim.dataset),
            "period": text(claim.period or ""),
            "token": number(claim.token),
            "run_id": text(claim.run_id),
            "version": exp.Add(this=last, expression=number(1)),
            "period_start": text(record.get("period_start") or ""),
            # Read inside the transaction: at this instant the version before is what readers see.
            "published_at": _now(),
            "record": text(json.dumps(record, separators=(",", ":"), ensure_ascii=False)),
        }
        made = [exp.alias_(value, name) for name, value in values.items()]
        found = exp.select(*made).from_(self.table(PUBLICATIONS))
        return found.where(_equal("dataset", text(claim.dataset)))

    def holds(self, period: str | None) -> exp.Expr:
        """Which rows of a published table are the Period's."""
        if period is None:
            return column("_period").is_(exp.null())
        return _equal("_period", text(period))

    def publications(self, dataset: str, periods: Sequence[str | None], version: int | None) -> exp.Select:
        """Select `period`, `version`, `record` and `until` of each Period's publication in a table version.

        Without `version` they are the newest. `until` is the instant at which the Period's next publication
        came; NULL where there is none.
        """
        names = [column(name) for name in ("period", "version", "record")]
        until: exp.Expr = exp.cast(exp.null(), "TIMESTAMPTZ")
        among: list[exp.Expr] = [column("period")]
        seen: list[exp.Expr] = []
        if version is not None:
            is_seen = exp.LTE(this=column("version"), expression=number(version))
            later = exp.Case(ifs=[exp.If(this=exp.not_(is_seen.copy()), true=column("published_at"))])
            until = exp.Window(this=exp.Min(this=later), partition_by=[column("period")])
            among.append(is_seen)
            seen.append(is_seen.copy())
        entry = _ranked(exp.RowNumber(), among, column("version"))
        ranked = exp.select(*names, exp.alias_(until, "until"), exp.alias_(entry, "entry"))
        wanted = exp.In(this=column("period"), expressions=[text(period or "") for period in periods])
        ranked = ranked.from_(self.table(PUBLICATIONS)).where(_equal("dataset", text(dataset)), wanted)
        shown = (*(name.copy() for name in names), column("until"))
        found = exp.select(*shown).from_(ranked.subquery("ranked"))
        return found.where(_equal("entry", number(1)), *seen)

    def recent(self, dataset: str, periods: Sequence[str | None], last: int) -> exp.Select:
        """`period`, `version`, `record` of the `last` publications of each Period, as last written down."""
        names, made = [column(name) for name in ("period", "version", "record")], _of_record("published_at")
        place = _ranked(exp.DenseRank(), [column("period")], made)
        entry = _ranked(exp.RowNumber(), [column("period"), made.copy()], column("version"))
        ranked = exp.select(*names, exp.alias_(place, "place"), exp.alias_(entry, "entry"))
        among = exp.In(this=column("period"), expressions=[text(period or "") for period in periods])
        ranked = ranked.from_(self.table(PUBLICATIONS)).where(_equal("dataset", text(dataset)), among)
        shown = exp.select(*(name.copy() for name in names)).from_(ranked.subquery("ranked"))
        newest = exp.LTE(this=column("place"), expression=number(last))
        return shown.where(newest, _equal("entry", number(1)))

    def periods(self, dataset: str) -> exp.Select:
        """`period` of all that is published, in the order of the Periods, and the table's last `version`."""
        return self._by_period(dataset).order_by(
            exp.Ordered(this=column("start")), exp.Ordered(this=column("period"))
        )

    def _by_period(self, dataset: str) -> exp.Select:
        start = exp.alias_(exp.Max(this=column("period_start")), "start")
        last = exp.alias_(exp.Max(this=column("version")), "version")
        found = exp.select(column("period"), start, last).from_(self.table(PUBLICATIONS))
        return found.where(_equal("dataset", text(dataset))).group_by(column("period"))

    def records(self, dataset: str) -> exp.Select:
        """`period` and `record` of all that is published, in the order of the Periods."""
        last, own = self._by_period(dataset).subquery("last"), "publication"
        both = ("period", "version")  # of one version there may be several Periods, see `confirm_unchanged`
        same = exp.and_(*(exp.EQ(this=column(n, own), expression=column(n, "last")) for n in both))
        found = exp.select(column("period", own), column("record", own))
        found = found.from_(last).join(exp.alias_(self.table(PUBLICATIONS), own, table=True), on=same)
        order = [exp.Ordered(this=column(name, "last")) for name in ("start", "period")]
        return found.where(_equal("dataset", text(dataset), own)).order_by(*order)

    def published_by(self, dataset_id: str) -> exp.Select:
        """Select `dataset` of every table that the dataset with this id has published."""
        found = exp.select(column("dataset")).distinct().from_(self.table(PUBLICATIONS))
        own = exp.EQ(this=_of_record("dataset_id"), expression=text(dataset_id))
        return found.where(own).order_by(column("dataset"))

    def rows(self, dataset: str, period: str | None, until: datetime | None) -> exp.Subquery:
        """The Period's published rows, as they are or as they were just before `until`."""
        place = self.table(dataset)
        if until:
            instant = exp.cast(text(until.isoformat()), "TIMESTAMPTZ")
            place.set("version", exp.Version(this="TIMESTAMP", kind="AS OF", expression=instant))
        return exp.select("*").from_(place).where(self.holds(period)).subquery()

    def _insert(self, name: str, rows: exp.Select) -> exp.Insert:
        columns = [identifier(each) for each in SCHEMAS[name]]
        return exp.Insert(this=exp.Schema(this=self.table(name), expressions=columns), expression=rows)


def _of_record(key: str) -> exp.Expr:
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=key)])
    return exp.JSONExtractScalar(this=column("record"), expression=path, scalar_only=True)


def _ranked(how: exp.Expr, among: list[exp.Expr], by: exp.Expr) -> exp.Window:
    """The greatest is the first."""
    order = exp.Order(expressions=[exp.Ordered(this=by, desc=True)])
    return exp.Window(this=how, partition_by=among, order=order)


def _of(dataset: str, period: str | None) -> tuple[exp.Expr, exp.Expr]:
    return _equal("dataset", text(dataset)), _equal("period", text(period or ""))


def _own(claim: Claim) -> tuple[exp.Expr, ...]:
    own = _equal("token", number(claim.token)), _equal("run_id", text(claim.run_id))
    return (*_of(claim.dataset, claim.period), *own)
