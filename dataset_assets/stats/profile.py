"""Runs a profile's query and makes Statistics of its rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.stats.counting import ALL, SAMPLES, Counting
from dataset_assets.stats.query import profile_query
from dataset_assets.stats.reading import READINGS, day
from dataset_assets.stats.statistics import Bin, ColumnStatistics, SplitColumn, Statistics, Value, ValueCount

_DAYS_BY_DAY = 62

Row = Mapping[str, Any]


def profile(
    session: Session,
    source: exp.Expr,
    columns: Sequence[PublishedColumn],
    split: str | None,
    extra: Mapping[str, exp.Expr] | None = None,
) -> Statistics:
    """The statistics of the rows of `source`, in one query.

    `columns` (at least one) are profiled; `split` names the column of splits, where there is one; `extra`
    are aggregates over the rows, answered as text in `Statistics.extra`. All numbers are exact and the
    same on every engine; a decimal column's sum must stay below 1e29, which is all that NUMERIC holds.
    """
    counting = Counting(source, tuple(columns), split)
    rows = session.rows(profile_query(counting, extra or {}))
    by_field: dict[int | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_field[row["field"]].append(row)
    totals = {row["scope"]: int(row["n"]) for row in by_field[0] if row["kind"] == "total"}
    return Statistics(
        row_count=totals.pop(ALL, 0),
        splits=totals,
        columns={each.name: _Column(each, by_field[place]).build() for place, each in enumerate(columns)},
        extra={row["scope"]: row["low"] for row in by_field[None]},
    )


class _Column:
    """One column's answers, by kind."""

    def __init__(self, column: PublishedColumn, rows: Sequence[Row]) -> None:
        self._column = column
        self._reading = READINGS[column.type]
        self._kinds: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._kinds[row["kind"]].append(row)

    def build(self) -> ColumnStatistics:
        totals = {row["scope"]: row for row in self._kinds["total"]}
        known: dict[str, Any] = {"type": self._column.type, "sensitive": self._column.sensitive}
        if not totals:
            return ColumnStatistics(**known, cardinality=0, null_count=0, null_percent=0)
        whole = totals.pop(ALL)
        return ColumnStatistics(
            **known,
            **self._summary(whole),
            null_count=int(whole["missing"]),
            median=next((self._reading.value(row["low"]) for row in self._kinds["median"]), None),
            sample_values=self._samples(),
            top_values=self._top(),
            histogram=self._histogram(whole),
            timeline=self._timeline(),
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

    def _top(self) -> tuple[ValueCount, ...]:
        top = sorted(self._kinds["top"], key=lambda row: (-int(row["n"]), self._reading.order(row["low"])))
        return tuple(ValueCount(value=self._reading.value(row["low"]), rows=int(row["n"])) for row in top)

    def _samples(self) -> tuple[Value, ...]:
        """Drawn by lot of texts; else the smallest values of the first, the middle and the last bin."""
        bins = sorted(
            (row for row in self._kinds["bin"] if row["scope"] == ALL), key=lambda row: row["place"]
        )
        if len(bins) > SAMPLES:
            bins = [bins[0], bins[len(bins) // 2], bins[-1]]
        drawn = sorted((row["low"] for row in [*bins, *self._kinds["sample"]]), key=self._reading.order)
        return tuple(map(self._reading.value, drawn))

    def _histogram(self, whole: Row) -> tuple[Bin, ...]:
        axis, counts = self._reading.axis, _by_place(self._kinds["bin"])
        if axis is None or not counts:
            return ()
        edges = axis.edges(whole["low"], whole["high"])
        return tuple(_bin(edges[place], edges[place + 1], counts[place]) for place in range(len(edges) - 1))

    def _timeline(self) -> tuple[Bin, ...]:
        """By day where days are few, else by month; a day or month without rows is left out."""
        counts = _by_place(self._kinds["day"])
        if not counts:
            return ()
        by_day = max(counts) - min(counts) < _DAYS_BY_DAY
        found = []
        for start, places in groupby(
            sorted(counts), key=lambda place: day(place) if by_day else _month(day(place))
        ):
            end = _next_day(start) if by_day else _next_month(start)
            found.append(_bin(start.isoformat(), end.isoformat(), _added(counts[place] for place in places)))
        return tuple(found)


def _next_day(of: date) -> date:
    return of + min(timedelta(days=1), date.max - of)


def _next_month(of: date) -> date:
    later = of + min(timedelta(days=31), date.max - of)
    return later if later == date.max else _month(later)


def _month(of: date) -> date:
    return of.replace(day=1)


def _by_place(rows: Sequence[Row]) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows:
        counts[int(row["place"])][row["scope"]] = int(row["n"])
    return counts


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    added: dict[str, int] = defaultdict(int)
    for each in counts:
        for scope, rows in each.items():
            added[scope] += rows
    return added


def _bin(low: Value, high: Value, counts: Mapping[str, int]) -> Bin:
    splits = {scope: rows for scope, rows in counts.items() if scope != ALL}
    return Bin(low=low, high=high, rows=counts.get(ALL, 0), splits=splits)
