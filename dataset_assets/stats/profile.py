"""Runs a profile's query and makes Statistics of its rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.stats.counting import ALL, SCOPES, Counting
from dataset_assets.stats.histogram import DAYS_BY_DAY
from dataset_assets.stats.listing import SAMPLES, TOP
from dataset_assets.stats.query import profile_query
from dataset_assets.stats.reading import READINGS, day, middle
from dataset_assets.stats.statistics import Bin, ColumnStatistics, SplitColumn, Statistics, Value, ValueCount

BATCH = 64
"""How many columns are profiled in one query that counts each by itself: planning one takes longer than
linearly in its columns, and an interrupt waits until a plan is made."""
BATCH_OF_ONE_SCAN = 1000
WIDE = 16
FEW_ROWS = 50_000
"""Of more columns than `WIDE` and no more rows than this, all are counted in one scan: planning a GROUP BY
for each column would take longer than counting."""

Row = Mapping[str, Any]


def profile(
    session: Session,
    source: exp.Expr,
    columns: Sequence[PublishedColumn],
    split: str | None,
    extra: Mapping[str, exp.Expr] | None = None,
) -> Statistics:
    """The statistics of the rows of `source`, in one query for each batch of columns.

    `columns` (at least one) are profiled; `split` names the column of splits, where there is one; `extra`
    are aggregates over the rows, answered as text in `Statistics.extra`. All numbers are exact and the
    same on every engine; a decimal column's sum must stay below 1e29, which is all that NUMERIC holds.
    """
    found: dict[str, ColumnStatistics] = {}
    totals: dict[str, int] = {}
    extras: dict[str, str | None] = {}
    in_one_scan = len(columns) > WIDE and _row_count(session, source) <= FEW_ROWS
    size = BATCH_OF_ONE_SCAN if in_one_scan else BATCH
    for first in range(0, len(columns), size):
        batch = columns[first : first + size]
        counting = Counting(source, tuple(batch), split, in_one_scan)
        query = profile_query(counting, (extra or {}) if first == 0 else {})
        by_field: dict[int | None, list[Row]] = defaultdict(list)
        for row in session.rows(query):
            by_field[row["field"]].append(row)
        found |= {each.name: _Column(each, by_field[place]).build() for place, each in enumerate(batch)}
        if first == 0:
            totals = {scope: int(row["n"]) for scope, row in _totals(by_field[0]).items()}
            extras = {row["scope"]: row["low"] for row in by_field[None]}
    return Statistics(row_count=totals.pop(ALL, 0), splits=totals, columns=found, extra=extras)


def _row_count(session: Session, source: exp.Expr) -> int:
    query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(source.copy())
    return int(session.rows(query)[0]["n"])


def _totals(rows: Sequence[Row]) -> dict[str, Row]:
    """Scope → a column's totals there, always in the same order."""
    found = {row["scope"]: row for row in rows if row["kind"] == "total"}
    return {scope: found[counter] for counter, scope in SCOPES.items() if counter in found}


class _Column:
    """One column's answers, by kind."""

    def __init__(self, column: PublishedColumn, rows: Sequence[Row]) -> None:
        self._column = column
        self._reading = READINGS[column.type]
        self._kinds: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._kinds[row["kind"]].append(row)

    def build(self) -> ColumnStatistics:
        totals = _totals(self._kinds["total"])
        known: dict[str, Any] = {"type": self._column.type, "sensitive": self._column.sensitive}
        if not totals:
            return ColumnStatistics(**known, cardinality=0, null_count=0, null_percent=0)
        whole = totals.pop(ALL)
        return ColumnStatistics(
            **known,
            **self._summary(whole),
            null_count=int(whole["missing"]),
            median=self._median(),
            sample_values=self._samples(),
            top_values=self._top(),
            histogram=self._histogram(whole),
            timeline=self._timeline(whole),
            splits={scope: SplitColumn(**self._summary(row)) for scope, row in totals.items()},
        )

    def _summary(self, total: Row) -> dict[str, Any]:
        rows, missing = int(total["n"]), int(total["missing"])
        low, high, summed = total["low"], total["high"], total["total"]
        return {
            "cardinality": int(total["cardinality"]),
            "null_percent": 100 * missing / rows,
            "min": None if low is None else self._reading.value(low),
            "max": None if high is None else self._reading.value(high),
            "mean": None if summed is None else float(Decimal(summed)) / (rows - missing),
        }

    def _median(self) -> Value | None:
        """The mean of the two middle values: whole where it is, else exact text."""
        ends = next(((row["low"], row["high"]) for row in self._kinds["median"]), None)
        return None if ends is None else middle(self._reading, *map(Decimal, ends))

    def _top(self) -> tuple[ValueCount, ...]:
        order = self._reading.order
        top = sorted(self._kinds["top"], key=lambda row: (-int(row["n"]), order(row["low"])))[:TOP]
        return tuple(ValueCount(value=self._reading.value(row["low"]), rows=int(row["n"])) for row in top)

    def _samples(self) -> tuple[Value, ...]:
        """Drawn by lot of texts; else the smallest values of the first, the middle and the last bin."""
        bins = sorted(self._kinds["bin"], key=lambda row: row["place"])
        if len(bins) > SAMPLES:
            bins = [bins[0], bins[len(bins) // 2], bins[-1]]
        drawn = sorted((row["low"] for row in [*bins, *self._kinds["sample"]]), key=self._reading.order)
        return tuple(map(self._reading.value, drawn))

    def _histogram(self, whole: Row) -> tuple[Bin, ...]:
        axis, counts = self._reading.axis, _by_place(self._kinds["bin"])
        if axis is None or not counts:
            return ()
        limit = next(iter(self._kinds["limit"]))
        edges = axis.edges(whole["low"], whole["high"], Decimal(limit["low"]), Decimal(limit["high"]))
        return tuple(_bin(edges[place], edges[place + 1], counts[place]) for place in range(len(edges) - 1))

    def _timeline(self, whole: Row) -> tuple[Bin, ...]:
        """By day where days are few, else by month; a day or month without rows is left out."""
        axis, counts = self._reading.axis, _by_place(self._kinds["day"])
        if axis is None or not counts:
            return ()
        by_day = axis.point(whole["high"]) - axis.point(whole["low"]) < DAYS_BY_DAY
        after = _next_day if by_day else _next_month
        return tuple(
            _bin(day(place).isoformat(), after(day(place)).isoformat(), counts[place])
            for place in sorted(counts)
        )


def _next_day(of: date) -> date:
    return of + min(timedelta(days=1), date.max - of)


def _next_month(of: date) -> date:
    later = of + min(timedelta(days=31), date.max - of)
    return later if later == date.max else later.replace(day=1)


def _by_place(rows: Sequence[Row]) -> dict[int, Row]:
    return defaultdict(dict, {int(row["place"]): row for row in rows})


def _bin(low: Value, high: Value, counts: Row) -> Bin:
    splits = {name: int(rows) for name in NAMES.values() if (rows := counts.get(f"n_{name}"))}
    return Bin(low=low, high=high, rows=int(counts.get("n", 0)), splits=splits)
