"""The models of a publication's statistics, as plain JSON values.

Integers are numbers, decimals exact text without trailing zeros, dates and instants ISO 8601 text.
"""

from pydantic import Field

from dataset_assets.contract.model import ColumnType
from dataset_assets.model import Model

Value = bool | int | str
"""A value of a column; the column's type says how to read it."""


class ValueCount(Model):
    """A value and the number of its rows."""

    value: Value
    rows: int


class Bin(Model):
    """A bar of a histogram: the rows from `low` up to `high`, which belongs only to the last bin of decimals.

    Bins are equally wide, except the first and the last bin of skewed numbers, which hold the outliers.
    """

    low: Value
    high: Value
    rows: int
    splits: dict[str, int] = {}


class SplitColumn(Model):
    """Statistics of a column in one split."""

    cardinality: int
    null_percent: float
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None


class SplitDeviation(Model):
    """The value of a column whose shares of the parts of the split differ most.

    `percents` are its shares of the rows of each part, `points` is the largest difference between two of
    them. The value can be NULL.
    """

    value: Value | None
    percents: dict[str, float]
    points: float


class PartSize(Model):
    """The size of a part of the split, or of a fold, beside the share that it is to have (BR-136).

    `percent` is the share of the rows, `unit_percent` that of the units; there are no `units` if each row is
    one. The deviations from `asked_percent` are percentage points; both are None if no share is asked for.
    """

    rows: int
    percent: float
    units: int | None = None
    unit_percent: float | None = None
    asked_percent: float | None = None
    deviation: float | None = None
    unit_deviation: float | None = None


class Duplicates(Model):
    """Rows that are there twice (BR-137).

    `rows` is the number of rows that equal an earlier one in all columns, `across_splits` that of rows that
    are in more than one part of the split, apart from what only tells rows apart. It is None without a split.
    """

    rows: int
    across_splits: int | None = None


class ColumnStatistics(Model):
    """Statistics of one column.

    `null_percent` is from 0 to 100 (BR-127), `cardinality` is the exact number of distinct values. The median
    is exact: for an even number of rows it is the mean of the two middle values, as text if it is not whole.
    Texts of more than 200 characters are cut and end with an ellipsis. `timeline` counts times by day, or by
    month if the days are many. `split_deviation` is given for texts and booleans of few values. A sensitive
    column has only counts (BR-206).
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
    split_deviation: SplitDeviation | None = None


class Tallied(Model):
    """An answer of a tally: a number of rows, and one of units, of a part and a fold."""

    split: int | None
    fold: int | None
    rows: int
    units: int


class ValueRange(Model):
    """The first and the last day, both included."""

    start: str
    end: str


class Statistics(Model):
    """Statistics of all rows. `splits` holds the number of rows of each split that has any.

    `parts` and `folds` say how far each part and each fold is from its share. Records of earlier versions
    lack them, and `duplicates`.
    """

    row_count: int
    splits: dict[str, int] = {}
    parts: dict[str, PartSize] = {}
    folds: tuple[PartSize, ...] = ()
    duplicates: Duplicates | None = None
    columns: dict[str, ColumnStatistics]
    extra: dict[str, str | None] = Field(default={}, exclude=True)
    """The results of further aggregates of the same query; they are not part of the record."""
    tallies: dict[str, tuple[Tallied, ...]] = Field(default={}, exclude=True)
    """The answers of further tallies of the same query, by name; they are not part of the record."""

    @property
    def asks_for_shares(self) -> bool:
        """Whether the parts have shares that the file asks for, as those of a random split."""
        return any(each.asked_percent is not None for each in self.parts.values())

    @property
    def folds_by_name(self) -> dict[str, PartSize]:
        """The sizes of the folds by their numbers, as text."""
        return {str(number): each for number, each in enumerate(self.folds)}

    @property
    def deviating(self) -> dict[str, SplitDeviation]:
        """The value of each column with few values whose shares of the parts differ most."""
        columns = ((name, each.split_deviation) for name, each in self.columns.items())
        return {name: found for name, found in columns if found}

    def date_range(self, concept: str = "timestamp") -> ValueRange | None:
        """Return the days of a time column; None if there is none, it has no values, or it is sensitive."""
        column = self.columns.get(concept)
        if column is None or not (isinstance(column.min, str) and isinstance(column.max, str)):
            return None
        return ValueRange(start=column.min[:10], end=column.max[:10])

    def table_rows(self) -> list[dict[str, str]]:
        """Return a row for each column, for people: type, cardinality, nulls, range, mean, median."""
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
