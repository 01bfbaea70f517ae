"""Measure figures of stored tables by SQL in the engines that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlglot import exp
from typing_extensions import override

from dataset_assets.compiler.typing import CASTS, SQL_TYPES
from dataset_assets.compiler.typing import find as find_column
from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.describe import DECLARE_AS
from dataset_assets.discovery.suggestions.facts import Columns, GroupCounts, KeyCounts, Measurements
from dataset_assets.periods.instants import Moment
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import CTE, alias_table, assemble, boundary, column, number, table

_STORED = "stored"


@dataclass(frozen=True)
class MeasuredTables(Measurements):
    """Relations by the name of the table, each with a session that reads it.

    Each figure is one query that reads only the columns that it is about.
    """

    tables: Mapping[str, tuple[Relation, Session]]

    @override
    def key(self, table: str, columns: Columns) -> KeyCounts:
        names = [f"c{place}" for place in range(len(columns))]
        grouped = exp.select(*map(column, names), exp.alias_(exp.Count(this=exp.Star()), "times"))
        grouped = grouped.from_(_cte("chosen")).group_by(*map(column, names))
        missing = exp.or_(*(_is_null(column(name)) for name in names))
        null_times = exp.Case().when(missing, column("times")).else_(number(0))
        counts = exp.select(
            _named(_sum(column("times")), "all_rows"),
            _named(_count_if(exp.not_(exp.paren(missing.copy()))), "distinct_keys"),
            _named(_sum(null_times), "null_rows"),
        ).from_(_cte("grouped"))
        query = assemble([CTE("chosen", self._columns(table, columns)), CTE("grouped", grouped)], counts)
        row = self._row(table, query)
        return KeyCounts(int(row["all_rows"]), int(row["distinct_keys"]), int(row["null_rows"]))

    @override
    def nulls(self, table: str, columns: Columns) -> Mapping[str, int]:
        names = [f"c{place}" for place in range(len(columns))]
        counts = (_named(_count_if(_is_null(column(name))), name) for name in names)
        query = assemble(
            [CTE("chosen", self._columns(table, columns))], exp.select(*counts).from_(_cte("chosen"))
        )
        row = self._row(table, query)
        return {name: int(row[key]) for name, key in zip(columns, names, strict=True)}

    @override
    def matched(self, table: str, columns: Columns, other: str, others: Columns) -> int | None:
        if self.tables[table][1] is not self.tables[other][1]:
            return None
        names = [f"c{place}" for place in range(len(columns))]
        keys = exp.select(*map(column, names)).from_(_cte("lookup_rows"))
        keys = keys.where(*(exp.not_(_is_null(column(name))) for name in names)).group_by(*map(column, names))
        same = (exp.EQ(this=column(name, "main_rows"), expression=column(name, "keys")) for name in names)
        found = exp.select(_named(exp.Count(this=exp.Star()), "found")).from_(_cte("main_rows"))
        query = assemble(
            [
                CTE("main_rows", self._columns(table, columns)),
                CTE("lookup_rows", self._columns(other, others)),
                CTE("keys", keys),
            ],
            found.join(_cte("keys"), on=exp.and_(*same)),
        )
        return int(self._row(table, query)["found"])

    @override
    def transactions(self, table: str, user: str, transaction: str | None) -> GroupCounts:
        chosen = self._columns(table, [user, *([transaction] if transaction else [])])
        counted = exp.Distinct(expressions=[column("c1")]) if transaction else exp.Star()
        per_user = exp.select(column("c0"), _named(exp.Count(this=counted), "times")).from_(_cte("chosen"))
        per_user = per_user.where(exp.not_(_is_null(column("c0")))).group_by(column("c0"))
        single = exp.LTE(this=column("times"), expression=number(1))
        counts = exp.select(
            _named(exp.Count(this=exp.Star()), "users"), _named(_count_if(single), "singles")
        ).from_(_cte("per_user"))
        query = assemble([CTE("chosen", chosen), CTE("per_user", per_user)], counts)
        row = self._row(table, query)
        return GroupCounts(int(row["users"]), int(row["singles"]))

    @override
    def rows_since(self, table: str, time: str, days: Sequence[date]) -> Sequence[int]:
        kind = self._type(table, time)
        counts = (
            _named(_count_if(exp.GTE(this=column("c0"), expression=boundary(_start(day), kind))), f"n{n}")
            for n, day in enumerate(days)
        )
        query = assemble(
            [CTE("chosen", self._columns(table, [time]))], exp.select(*counts).from_(_cte("chosen"))
        )
        row = self._row(table, query)
        return [int(row[f"n{place}"]) for place in range(len(days))]

    def _row(self, table: str, query: exp.Query) -> Mapping[str, Any]:
        """Return the only row of a query on a table."""
        _, session = self.tables[table]
        return session.rows(query)[0]

    def _columns(self, table: str, columns: Columns) -> exp.Select:
        """Return the rows of a table with these columns as declared, called `c0`, `c1` …."""
        relation, _ = self.tables[table]
        selected = []
        for place, name in enumerate(columns):
            physical = find_column(relation, name)
            if physical is None:
                raise LookupError(f"{table} has no column {name}")
            cast = CASTS[DECLARE_AS[physical.type], physical.type]
            selected.append(
                _named(cast(column(physical.name, _STORED), physical, relation.zone), f"c{place}")
            )
        return exp.select(*selected).from_(alias_table(relation.source, _STORED))

    def _type(self, table: str, name: str) -> str:
        physical = find_column(self.tables[table][0], name)
        return SQL_TYPES[DECLARE_AS[physical.type] if physical else ColumnType.TIMESTAMP]


def _start(day: date) -> Moment:
    return Moment(datetime.combine(day, time(), UTC), day)


def _named(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(expression, name)


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value, expression=exp.null())


def _count_if(condition: exp.Expr) -> exp.Expr:
    """Return the number of rows that satisfy a condition; DuckDB has NULL where it is NULL for all rows."""
    return exp.Coalesce(this=exp.CountIf(this=condition), expressions=[number(0)])


def _sum(value: exp.Expr) -> exp.Expr:
    """Return a sum that is zero of no rows."""
    return exp.Coalesce(this=exp.Sum(this=value), expressions=[number(0)])


def _cte(name: str) -> exp.Table:
    return table(name)
