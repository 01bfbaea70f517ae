"""The models of an analysis: what a dataset would publish, without publishing it.

Names of fields are those of the Domain specification where it has them.
"""

from collections.abc import Mapping
from typing import Any, Literal

from dataset_assets.model import Instant, Model
from dataset_assets.stats.statistics import ColumnStatistics, PartSize, ValueRange


class StepSize(Model):
    """The rows, users and products that remain after a step: `window`, `product_filter` or `customer_filter`.

    Users and products are None if the dataset does not map them. `applies` is false for a filter that the
    file does not have.
    """

    step: str
    applies: bool
    rows: int
    users: int | None
    products: int | None


class RevenueFilterSize(Model):
    """The products, rows and revenue of the window that a filter by revenue would keep.

    The percentages are of all products, rows and revenue of the window; None if there are none.
    """

    type: str
    value: int
    products: int
    products_percent: float | None
    rows: int
    rows_percent: float | None
    revenue: str
    revenue_percent: float | None


class Leaks(Model):
    """Products and users that filters keep only because of eval rows, and those without train rows.

    They are None for what the rows are split by: all of those in eval are new.
    """

    products_leaked: int | None
    products_new: int | None
    users_leaked: int | None
    users_new: int | None


class CheckOutcome(Model):
    """The result of a check of the rows. A blocking one that did not pass would stop a publication."""

    name: str
    passed: bool
    blocking: bool
    message: str
    metadata: Mapping[str, Any]


class Analysis(Model):
    """The figures of the rows that a run of a dataset would publish. All are exact: `approximate` is false.

    The sizes of splits are None if the dataset has no split. `bytes_estimated` are the bytes that were to be
    read of the sources, None on an engine that bills nothing. `fit_on` says which rows filters are fitted on.
    """

    dataset: str
    period: str | None
    as_of: Instant
    approximate: bool
    bytes_estimated: int | None
    row_count_estimate: int
    unique_users_estimate: int | None
    unique_products_estimate: int | None
    train_rows: int | None
    eval_rows: int | None
    test_rows: int | None
    splits: Mapping[str, PartSize]
    folds: tuple[PartSize, ...]
    date_range: ValueRange | None
    steps: tuple[StepSize, ...]
    fit_on: Literal["all", "train"]
    revenue_filters: tuple[RevenueFilterSize, ...]
    leaks: Leaks | None
    checks: tuple[CheckOutcome, ...]
    column_stats: Mapping[str, ColumnStatistics]
