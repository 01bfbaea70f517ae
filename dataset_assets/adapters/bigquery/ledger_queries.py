"""Queries over the publications in a warehouse's ledger, and over the rows that were published."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger_tables import (
    PUBLICATIONS,
    equals,
    of_claim,
    of_periods,
    published_rows_of,
)
from dataset_assets.adapters.bigquery.names import table
from dataset_assets.adapters.bigquery.time_travel import as_of
from dataset_assets.ports.warehouse import Claim
from dataset_assets.sql.build import column, number, text

_PUBLICATION = ("period", "version", "record")


@dataclass(frozen=True)
class LedgerQueries:
    """Builds the queries for the tables of one BigQuery dataset."""

    project: str
    dataset: str

    def table(self, name: str) -> exp.Table:
        """Return a table of the warehouse."""
        return table(self.project, self.dataset, name)

    def published(self, claim: Claim) -> exp.Select:
        """Select the `version` that this claim published; no row if it published nothing."""
        return exp.select(column("version")).from_(self.table(PUBLICATIONS)).where(*of_claim(claim))

    def publications(self, dataset: str, periods: Sequence[str | None], version: int | None) -> exp.Select:
        """Select `period`, `version`, `record` and `until` of each Period's publication in a table version.

        Without `version` they are the newest. `until` is the instant at which the Period's next publication
        replaced it; NULL if there is none.
        """
        until: exp.Expr = exp.cast(exp.null(), "TIMESTAMPTZ")
        partition: list[exp.Expr] = [column("period")]
        visible: list[exp.Expr] = []
        if version is not None:
            is_visible = exp.LTE(this=column("version"), expression=number(version))
            later = exp.Case(ifs=[exp.If(this=exp.not_(is_visible.copy()), true=column("published_at"))])
            until = exp.Window(this=exp.Min(this=later), partition_by=[column("period")])
            partition.append(is_visible)
            visible.append(is_visible.copy())
        entry = _descending_rank(exp.RowNumber(), partition, column("version"))
        ranked = self._ranked(dataset, periods, exp.alias_(until, "until"), exp.alias_(entry, "entry"))
        selected = exp.select(*map(column, (*_PUBLICATION, "until"))).from_(ranked)
        return selected.where(equals("entry", number(1)), *visible)

    def recent(self, dataset: str, periods: Sequence[str | None], last: int) -> exp.Select:
        """Select `period`, `version` and `record` of the `last` publications of each Period.

        A publication that was confirmed unchanged has several records; the newest of them is selected.
        """
        published_at = _record_value("published_at")
        place = _descending_rank(exp.DenseRank(), [column("period")], published_at)
        entry = _descending_rank(exp.RowNumber(), [column("period"), published_at.copy()], column("version"))
        ranked = self._ranked(dataset, periods, exp.alias_(place, "place"), exp.alias_(entry, "entry"))
        newest = exp.LTE(this=column("place"), expression=number(last))
        return exp.select(*map(column, _PUBLICATION)).from_(ranked).where(newest, equals("entry", number(1)))

    def _ranked(self, dataset: str, periods: Sequence[str | None], *ranks: exp.Expr) -> exp.Subquery:
        rows = exp.select(*map(column, _PUBLICATION), *ranks).from_(self.table(PUBLICATIONS))
        return rows.where(*of_periods(dataset, periods)).subquery("ranked")

    def periods(self, dataset: str) -> exp.Select:
        """Select `period`, `start` and last `version` of each published Period, in the Periods' order."""
        return self._by_period(dataset).order_by(
            exp.Ordered(this=column("start")), exp.Ordered(this=column("period"))
        )

    def _by_period(self, *datasets: str) -> exp.Select:
        """Select the Periods of datasets, of several of them with their `dataset`."""
        start = exp.alias_(exp.Max(this=column("period_start")), "start")
        last = exp.alias_(exp.Max(this=column("version")), "version")
        keys = _keys_of_period(datasets)
        rows = exp.select(*map(column, keys), start, last).from_(self.table(PUBLICATIONS))
        return rows.where(_of_datasets(datasets)).group_by(*map(column, keys))

    def records(self, *datasets: str) -> exp.Select:
        """Select `period` and `record` of each Period's newest publication, in the Periods' order.

        Of several datasets, `dataset` is selected as well.
        """
        last, source = self._by_period(*datasets).subquery("last"), "publication"
        keys = _keys_of_period(datasets)
        key = (*keys, "version")  # several Periods can share a version, see `Ledger.confirm_unchanged`
        same = exp.and_(*(exp.EQ(this=column(n, source), expression=column(n, "last")) for n in key))
        rows = exp.select(*(column(name, source) for name in (*keys, "record")))
        rows = rows.from_(last).join(exp.alias_(self.table(PUBLICATIONS), source, table=True), on=same)
        order = [exp.Ordered(this=column(name, "last")) for name in ("start", "period")]
        return rows.where(_of_datasets(datasets, source)).order_by(*order)

    def last_records(self, datasets: Sequence[str]) -> exp.Select:
        """Select `dataset` and `record` of the last Period's newest publication of each dataset."""
        names = ("period_start", "period", "version")
        last = [exp.Ordered(this=column(name), desc=True, nulls_first=False) for name in names]
        rank = exp.Window(
            this=exp.RowNumber(), partition_by=[column("dataset")], order=exp.Order(expressions=last)
        )
        rows = exp.select(column("dataset"), column("record"), exp.alias_(rank, "entry"))
        wanted = _of_datasets(datasets)
        ranked = rows.from_(self.table(PUBLICATIONS)).where(wanted).subquery("ranked")
        return exp.select(column("dataset"), column("record")).from_(ranked).where(equals("entry", number(1)))

    def last_publications(self) -> exp.Select:
        """Select `dataset`, the number of `publications` with confirmations, and the time of the `last`."""
        count = exp.alias_(exp.Count(this=exp.Star()), "publications")
        last = exp.alias_(exp.Max(this=column("published_at")), "last")
        rows = exp.select(column("dataset"), count, last).from_(self.table(PUBLICATIONS))
        return rows.group_by(column("dataset"))

    def published_by(self, dataset_id: str) -> exp.Select:
        """Select `dataset` of every table that the dataset with this id has published."""
        rows = exp.select(column("dataset")).distinct().from_(self.table(PUBLICATIONS))
        same_id = exp.EQ(this=_record_value("dataset_id"), expression=text(dataset_id))
        return rows.where(same_id).order_by(column("dataset"))

    def rows(
        self, dataset: str, period: str | None, until: datetime | None, names: Collection[str]
    ) -> exp.Subquery:
        """Select the Period's published rows as they are, or as they were just before `until`.

        `names` are the columns of the table.
        """
        source: exp.Expr = self.table(dataset)
        if until:
            source = as_of(source, until)
        return exp.select("*").from_(source).where(published_rows_of(period, names)).subquery()


def _keys_of_period(datasets: Sequence[str]) -> tuple[str, ...]:
    return ("period",) if len(datasets) == 1 else ("dataset", "period")


def _of_datasets(datasets: Sequence[str], source: str = "") -> exp.Expr:
    if len(datasets) == 1:
        return equals("dataset", text(datasets[0]), source)
    return exp.In(this=column("dataset", source), expressions=[text(name) for name in datasets])


def _record_value(key: str) -> exp.Expr:
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=key)])
    return exp.JSONExtractScalar(this=column("record"), expression=path, scalar_only=True)


def _descending_rank(function: exp.Expr, partition: list[exp.Expr], by: exp.Expr) -> exp.Window:
    """Return a ranking in which the greatest value is the first."""
    order = exp.Order(expressions=[exp.Ordered(this=by, desc=True)])
    return exp.Window(this=function, partition_by=partition, order=order)
