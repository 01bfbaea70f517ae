"""Declare each statistic that one SQL aggregate gives: NULLs, distinct values, min, max, mean.

To add one, add one entry here and its field in statistics.py.
An entry has three parts: the field, the SQL aggregate that it is computed from, and the reader of the answer.
A field of `SplitColumn` is computed for each split as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from dataset_assets.sql.build import column, number
from dataset_assets.stats.expressions import as_text, is_null, least, most
from dataset_assets.stats.families import Family
from dataset_assets.stats.statistics import Value

Row = Mapping[str, Any]
ReadValue = Callable[[str], Value]
"""Turns the text of a column's value into the value."""


@dataclass(frozen=True)
class Aggregate:
    """An aggregate over a column's counted values: `value` is a value, `held` its number of rows.

    `column` names the column of the answer. `applies` says which families of columns have the aggregate; the
    answers of the others are NULL.
    """

    column: str
    expression: Callable[[], exp.Expr]
    applies: Callable[[Family], bool] = lambda _: True


@dataclass(frozen=True)
class ColumnStatistic:
    """One statistic: its field in `ColumnStatistics`, its aggregate, and the reader of the answer."""

    field: str
    aggregate: Aggregate
    read: Callable[[Row, ReadValue], Value | float | None]


def _count_nulls() -> exp.Expr:
    return exp.Sum(this=exp.Case(ifs=[exp.If(this=is_null(), true=column("held"))], default=number(0)))


def _sum_values() -> exp.Expr:
    return as_text(exp.Sum(this=column("value") * column("held")))


def _read_null_percent(row: Row, _: ReadValue) -> float:
    return 100 * int(row["missing"]) / int(row["n"])


def _read_mean(row: Row, _: ReadValue) -> float | None:
    if row["total"] is None:
        return None
    return float(Decimal(row["total"])) / (int(row["n"]) - int(row["missing"]))


def _read_optional(name: str) -> Callable[[Row, ReadValue], Value | None]:
    return lambda row, value: None if row[name] is None else value(row[name])


NULLS = Aggregate("missing", _count_nulls)
DISTINCT = Aggregate("cardinality", lambda: exp.Count(this=column("value")))
LEAST = Aggregate("low", lambda: as_text(least("value")), lambda family: family.ordered)
GREATEST = Aggregate("high", lambda: as_text(most("value")), lambda family: family.ordered)
TOTAL = Aggregate("total", _sum_values, lambda family: family.summed)

STATISTICS = (
    ColumnStatistic("null_count", NULLS, lambda row, _: int(row["missing"])),
    ColumnStatistic("null_percent", NULLS, _read_null_percent),
    ColumnStatistic("cardinality", DISTINCT, lambda row, _: int(row["cardinality"])),
    ColumnStatistic("min", LEAST, _read_optional("low")),
    ColumnStatistic("max", GREATEST, _read_optional("high")),
    ColumnStatistic("mean", TOTAL, _read_mean),
)
"""Every statistic that one aggregate gives; those of several values are in histogram.py and listing.py."""

AGGREGATES = tuple(dict.fromkeys(each.aggregate for each in STATISTICS))
"""The aggregates of all statistics, each once."""
