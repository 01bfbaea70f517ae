"""Profile rows: run the queries of their statistics and read the answers into `Statistics`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from dataset_assets.model import Model
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.splits import NAMES
from dataset_assets.stats.column_statistics import STATISTICS, Row
from dataset_assets.stats.counting import ALL, SCOPES, Counting
from dataset_assets.stats.histogram import DAYS_BY_DAY
from dataset_assets.stats.levels import LEVEL, split_deviation
from dataset_assets.stats.listing import SAMPLES, TOP
from dataset_assets.stats.query import EXTRA, profile_query, scanning_ctes
from dataset_assets.stats.reading import READINGS, day, middle
from dataset_assets.stats.statistics import (
    Bin,
    ColumnStatistics,
    SplitColumn,
    Statistics,
    Tallied,
    Value,
    ValueCount,
)
from dataset_assets.stats.tallies import Tally

BATCH = 64
"""Columns in one query that counts each column by itself: its planning time grows faster than the number of
columns, and an interrupt waits until a plan is complete."""
BATCH_OF_ONE_SCAN = 1000
"""Columns in one query that counts all columns in one scan."""
WIDE = 16
FEW_ROWS = 50_000
"""More columns than `WIDE` of at most this many rows are counted in one scan: planning a GROUP BY for each
column would take longer than counting."""


def profile(
    session: Session,
    source: exp.Expr,
    columns: Sequence[PublishedColumn],
    split: str | None,
    extra: Mapping[str, exp.Expr] | None = None,
    tallies: Sequence[Tally] = (),
) -> Statistics:
    """Return the statistics of the rows of `source`, by one query for each batch of columns.

    `columns` (at least one) are profiled; `split` names the column of splits, if there is one. `extra` are
    aggregates over the rows, returned as text in `Statistics.extra`; the answers of `tallies` are returned in
    `Statistics.tallies`. All numbers are exact and the same on every engine; the sum of a decimal column must
    be below 1e29, the limit of NUMERIC.
    """
    found: dict[str, ColumnStatistics] = {}
    totals: dict[str, int] = {}
    extras: dict[str, str | None] = {}
    tallied: dict[str, tuple[Tallied, ...]] = {}
    for number, counting in enumerate(_countings(session, source, columns, split)):
        query = profile_query(counting, *((extra or {}, tallies) if number == 0 else ({}, ())))
        query = session.computed_once(query, scanning_ctes(counting))
        by_field: dict[int | None, list[Row]] = defaultdict(list)
        for row in session.rows(query):
            by_field[row["field"]].append(row)
        batch = enumerate(counting.columns)
        found |= {each.name: _ColumnReader(each, by_field[place]).build() for place, each in batch}
        if number == 0:
            totals = {scope: int(row["n"]) for scope, row in _totals(by_field[0]).items()}
            extras = {row["scope"]: row["low"] for row in by_field[None] if row["kind"] == EXTRA}
            tallied = {each.name: _tallied(by_field[None], each.name) for each in tallies}
    return Statistics(
        row_count=totals.pop(ALL, 0), splits=totals, columns=found, extra=extras, tallies=tallied
    )


def estimate_profile(
    session: Session, source: exp.Expr, columns: Sequence[PublishedColumn], split: str | None
) -> int | None:
    """Return the bytes for which the queries of a profile would be billed; None if reading costs nothing.

    Raises BudgetError if one of them exceeds the target's limit.
    """
    if session.budget is None:
        return None
    countings = _countings(session, source, columns, split)
    return sum(session.estimate(profile_query(each, {})) or 0 for each in countings)


def _countings(
    session: Session, source: exp.Expr, columns: Sequence[PublishedColumn], split: str | None
) -> Iterator[Counting]:
    """Yield what each query of a profile counts: the columns in batches."""
    in_one_scan = len(columns) > WIDE and _row_count(session, source) <= FEW_ROWS
    size = BATCH_OF_ONE_SCAN if in_one_scan else BATCH
    for first in range(0, len(columns), size):
        yield Counting(source, tuple(columns[first : first + size]), split, in_one_scan)


def _row_count(session: Session, source: exp.Expr) -> int:
    query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(source.copy())
    return int(session.rows(query)[0]["n"])


def _totals(rows: Sequence[Row]) -> dict[str, Row]:
    """Map each scope to a column's row of aggregates, always in the same order."""
    found = {row["scope"]: row for row in rows if row["kind"] == "total"}
    return {scope: found[counter] for counter, scope in SCOPES.items() if counter in found}


def _tallied(rows: Sequence[Row], name: str) -> tuple[Tallied, ...]:
    """Return the answers of a tally, in the order of parts and folds."""

    def read(row: Row) -> Tallied:
        split, fold = row["scope"], row["place"]
        return Tallied(
            split=None if split is None else int(split),
            fold=None if fold is None else int(fold),
            rows=int(row["n"] or 0),
            units=int(row["cardinality"] or 0),
        )

    found = [read(row) for row in rows if row["kind"] == name]
    return tuple(sorted(found, key=lambda each: (each.split or 0, each.fold or 0)))


class _ColumnReader:
    """Reads the statistics of one column from its answers, which it groups by kind."""

    def __init__(self, column: PublishedColumn, rows: Sequence[Row]) -> None:
        self._column = column
        self._reading = READINGS[column.type]
        self._kinds: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._kinds[row["kind"]].append(row)

    def build(self) -> ColumnStatistics:
        totals = _totals(self._kinds["total"])
        described: dict[str, Any] = {"type": self._column.type, "sensitive": self._column.sensitive}
        if not totals:
            return ColumnStatistics(**described, cardinality=0, null_count=0, null_percent=0)
        whole = totals.pop(ALL)
        return ColumnStatistics(
            **described,
            **self._aggregated(whole, ColumnStatistics),
            median=self._median(),
            sample_values=self._samples(),
            top_values=self._top(),
            histogram=self._histogram(whole),
            timeline=self._timeline(whole),
            splits={
                scope: SplitColumn(**self._aggregated(row, SplitColumn)) for scope, row in totals.items()
            },
            split_deviation=split_deviation(self._kinds[LEVEL], self._reading),
        )

    def _aggregated(self, row: Row, model: type[Model]) -> dict[str, Any]:
        """Read those statistics of a row of aggregates that the model has a field for."""
        value = self._reading.value
        return {each.field: each.read(row, value) for each in STATISTICS if each.field in model.model_fields}

    def _median(self) -> Value | None:
        """Return the mean of the two middle values: a number if it is whole, else exact text."""
        ends = next(((row["low"], row["high"]) for row in self._kinds["median"]), None)
        return None if ends is None else middle(self._reading, *map(Decimal, ends))

    def _top(self) -> tuple[ValueCount, ...]:
        order = self._reading.order
        top = sorted(self._kinds["top"], key=lambda row: (-int(row["n"]), order(row["low"])))[:TOP]
        return tuple(ValueCount(value=self._reading.value(row["low"]), rows=int(row["n"])) for row in top)

    def _samples(self) -> tuple[Value, ...]:
        """Return sampled texts, or the smallest values of the first, the middle and the last bin."""
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
        """Return the rows by day if the days are few, else by month; empty days and months are left out."""
        axis, counts = self._reading.axis, _by_place(self._kinds["day"])
        if axis is None or not counts:
            return ()
        by_day = axis.point(whole["high"]) - axis.point(whole["low"]) < DAYS_BY_DAY
        after = _next_day if by_day else _next_month
        return tuple(
            _bin(day(place).isoformat(), after(day(place)).isoformat(), counts[place])
            for place in sorted(counts)
        )


def _next_day(day_: date) -> date:
    return day_ + min(timedelta(days=1), date.max - day_)


def _next_month(first: date) -> date:
    later = first + min(timedelta(days=31), date.max - first)
    return later if later == date.max else later.replace(day=1)


def _by_place(rows: Sequence[Row]) -> dict[int, Row]:
    return defaultdict(dict, {int(row["place"]): row for row in rows})


def _bin(low: Value, high: Value, counts: Row) -> Bin:
    splits = {name: int(rows) for name in NAMES.values() if (rows := counts.get(f"n_{name}"))}
    return Bin(low=low, high=high, rows=int(counts.get("n", 0)), splits=splits)
