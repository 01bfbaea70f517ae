"""What is said of a publication's rows (Domain: `column_stats`), as plain JSON values.

Integers are numbers, decimals exact text without trailing zeros, dates and instants ISO 8601 text.
"""

from pydantic import Field

from dataset_assets.contract.model import ColumnType
from dataset_assets.model import Model

Value = bool | int | str
"""A value of a column; which one its type says."""


class ValueCount(Model):
    """A value and how many rows hold it."""

    value: Value
    rows: int


class Bin(Model):
    """A bar of a histogram: rows from `low` to before `high`; the last bin of decimals holds `high` too.

    Bins are equally wide, but for the first and the last of skewed numbers, which hold the outliers.
    """

    low: Value
    high: Value
    rows: int
    splits: dict[str, int] = {}


class SplitColumn(Model):
    """A column in one split."""

    cardinality: int
    null_percent: float
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None


class ColumnStatistics(Model):
    """One column. `null_percent` is 0 to 100 (BR-127), `cardinality` the exact count of distinct values.

    The median is exact: of an even number of rows it is the mean of the two middle values, and then text
    where it is not whole. Texts of more than 200 characters are cut and end with an ellipsis. `timeline`
    counts times by day, or by month where days are many. A sensitive column has counts alone (BR-206).
    """

    type: ColumnType
    sensitive: bool = False
    cardinality: int
    null_count: int
    null_percent: float
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None
    median: Value | None = None
    sample_values: tuple[Value, ...] = ()
    top_values: tuple[ValueCount, ...] = ()
    histogram: tuple[Bin, ...] = ()
    timeline: tuple[Bin, ...] = ()
    splits: dict[str, SplitColumn] = {}


class ValueRange(Model):
    """First and last day, both included."""

    start: str
    end: str


class Statistics(Model):
    """All that is said of the rows. `splits` holds the rows of each split that has any."""

    row_count: int
    splits: dict[str, int] = {}
    columns: dict[str, ColumnStatistics]
    extra: dict[str, str | None] = Field(default={}, exclude=True)
    """The answers of further aggregates that were asked in the same query; no part of the record."""

    def date_range(self, concept: str = "timestamp") -> ValueRange | None:
        """The days that a time column spans; None without one, without values, or where it is sensitive."""
        column = self.columns.get(concept)
        if column is None or not (isinstance(column.min, str) and isinstance(column.max, str)):
            return None
        return ValueRange(start=column.min[:10], end=column.max[:10])

    def table_rows(self) -> list[dict[str, str]]:
        """One row a column, for people: type, cardinality, nulls, ends, mean, median and samples."""
        return [
            {
                "column": name,
                "type": column.type.value,
                "cardinality": str(column.cardinality),
                "nulls %": f"{column.null_percent:.2f}",
                "min": _shown(column.min),
                "max": _shown(column.max),
                "mean": _shown(None if column.mean is None else f"{column.mean:.6g}"),
                "median": _shown(column.median),
                "samples": ", ".join(map(str, column.sample_values)),
            }
            for name, column in self.columns.items()
        ]


def _shown(value: Value | None) -> str:
    return "" if value is None else str(value)
