"""`filters`: the types by which a dataset keeps products and customers, one class for each (BR-102, BR-104).

A class holds the settings of a filter, what it needs of the dataset, and its SQL. To add a filter, write a
subclass of `Filter` and add it to the union `ProductFilter` or `CustomerFilter`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlglot import exp
from typing_extensions import override

from dataset_assets.model import Integer, Model, Text
from dataset_assets.selection.date_range import DateRange
from dataset_assets.sql.build import CTE, Columns, all_before, column, is_in, number, table, text
from dataset_assets.sql.internal_names import Names


@dataclass(frozen=True)
class FitInput:
    """The rows and columns of a query that a filter is fitted on.

    `rows` is the name of the CTE, `columns` reads a concept of it, `mapped` holds the concepts that are
    mapped, and `among` is a condition that a row has to satisfy to count. `names` returns free names for CTEs
    and helper columns. `revenue` is the mapped revenue as a decimal, whose sums are exact on every engine;
    None if no revenue is mapped.
    """

    rows: str
    columns: Columns
    mapped: frozenset[str]
    names: Names
    revenue: exp.Expr | None = None
    among: exp.Expr | None = None


class Filter(Model, ABC):
    """A filter: its settings, what it needs of the dataset, and its SQL.

    `needs` are the concepts that the dataset has to map. `column_types` lists the types that the column of a
    concept may have for this filter. `keeps_all` is true for a filter that leaves out no row. `kept_in` names
    the CTE of `fit` that holds the kept values, for a filter whose result depends on the rows: the check
    `leak` reads it.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    column_types: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    keeps_all: ClassVar[bool] = False
    kept_in: ClassVar[str] = ""

    def fit(self, fit: FitInput) -> tuple[CTE, ...]:  # noqa: ARG002 - for those that are fitted
        """Return the CTEs that compute what the filter keeps; none if its settings alone decide."""
        return ()

    @abstractmethod
    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        """Return the condition that a row has to satisfy to be kept; None if every row is kept."""


class NoFilter(Filter):
    """Keep every row."""

    keeps_all: ClassVar[bool] = True
    type: Literal["none"] = "none"

    @override
    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        return None


class RevenueFilter(Filter):
    """Keep the products that pass a test on their total revenue in the fitted rows.

    The CTEs are `product_revenue` and `top_products`. A row without a product is never kept.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"product_id", "revenue"})
    kept_in: ClassVar[str] = "top_products"
    value: Annotated[Integer, Field(ge=1, le=100)]

    @abstractmethod
    def _ranking(self, product: exp.Expr, total: exp.Expr, names: Names) -> dict[str, exp.Expr]:
        """Return the window expressions that `_passes` reads, by name."""

    @abstractmethod
    def _passes(self, names: Names) -> exp.Expr | None:
        """Return the condition on the ranking that a kept product satisfies; None to keep every product."""

    @override
    def fit(self, fit: FitInput) -> tuple[CTE, ...]:
        product = fit.columns("product_id")
        total = exp.Sum(this=fit.revenue)
        by_name = self._ranking(product, total, fit.names)
        ranking = [exp.alias_(rank, name) for name, rank in by_name.items()]
        revenue = exp.select(product, exp.alias_(total.copy(), fit.names.free("total_revenue")), *ranking)
        ranked, passes = fit.names.free("product_revenue"), self._passes(fit.names)
        top = exp.select(product.copy()).from_(table(ranked))
        return (
            CTE(ranked, revenue.from_(table(fit.rows)).group_by(product.copy())),
            CTE(fit.names.free(self.kept_in), top.where(passes) if passes else top),
        )

    @override
    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        product = columns("product_id")
        return is_in(product, names.free(self.kept_in), product.name)


class TopRevenuePercent(RevenueFilter):
    """Keep the best `value` percent of the products by rank (BR-102)."""

    type: Literal["top_revenue_percent"]

    @override
    def _ranking(self, product: exp.Expr, total: exp.Expr, names: Names) -> dict[str, exp.Expr]:
        order = exp.Order(expressions=[exp.Ordered(this=total.copy(), desc=True, nulls_first=False)])
        return {names.free("revenue_rank"): exp.Window(this=exp.PercentRank(), order=order)}

    @override
    def _passes(self, names: Names) -> exp.Expr:
        return column(names.free("revenue_rank")) <= number(f"{self.value / 100:.2f}")


class CumulativeRevenuePercent(RevenueFilter):
    """Keep the best products that together bring `value` percent of the revenue (BR-102).

    A product is kept while the revenue of the products before it is below the percentage; equal revenues are
    ordered by product. The percentage is of the net revenue: totals below zero lessen it, and no product is
    kept if it is zero or less. 100 percent keeps every product, whatever its total.
    """

    type: Literal["cumulative_revenue_percent"]

    @override
    def _ranking(self, product: exp.Expr, total: exp.Expr, names: Names) -> dict[str, exp.Expr]:
        best_first = [
            exp.Ordered(this=total.copy(), desc=True, nulls_first=False),
            exp.Ordered(this=product.copy(), nulls_first=True),
        ]
        before = exp.Window(
            this=exp.Sum(this=total.copy()),
            order=exp.Order(expressions=best_first),
            spec=all_before(),
        )
        return {
            names.free("revenue_before"): exp.Coalesce(this=before, expressions=[number(0)]),
            names.free("revenue_of_all"): exp.Window(this=exp.Sum(this=total.copy())),
        }

    @override
    def _passes(self, names: Names) -> exp.Expr | None:
        if self.value == 100:
            return None
        whole = column(names.free("revenue_of_all"))
        so_far = exp.Mul(this=column(names.free("revenue_before")), expression=number(100))
        below = exp.LT(this=so_far, expression=exp.Mul(this=number(self.value), expression=whole))
        return exp.and_(below, exp.GT(this=whole.copy(), expression=number(0)))


class Categories(Filter):
    """Keep the products of the named categories."""

    needs: ClassVar[frozenset[str]] = frozenset({"category"})
    column_types: ClassVar[Mapping[str, tuple[str, ...]]] = {"category": ("string",)}
    type: Literal["categories"]
    value: Annotated[tuple[Text, ...], Field(min_length=1)]

    @override
    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        return exp.In(this=columns("category"), expressions=[text(name) for name in self.value])


class MinTransactions(Filter):
    """Keep the customers with at least `value` transactions among the kept products (BR-104).

    Distinct values of `transaction_id` count as transactions if it is mapped, else rows. The CTE is
    `active_customers`. A row without a customer is never kept.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"user_id"})
    kept_in: ClassVar[str] = "active_customers"
    type: Literal["min_transactions"]
    value: Annotated[Integer, Field(ge=1)]

    @override
    def fit(self, fit: FitInput) -> tuple[CTE, ...]:
        user = fit.columns("user_id")
        by_id = "transaction_id" in fit.mapped
        counted = exp.Distinct(expressions=[fit.columns("transaction_id")]) if by_id else exp.Star()
        active = exp.select(user).from_(table(fit.rows)).group_by(user.copy())
        active = active.having(exp.Count(this=counted) >= number(self.value))
        name = fit.names.free(self.kept_in)
        return (CTE(name, active.where(fit.among) if fit.among else active),)

    @override
    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        user = columns("user_id")
        return is_in(user, names.free(self.kept_in), user.name)


ProductFilter = Annotated[
    TopRevenuePercent | CumulativeRevenuePercent | Categories | NoFilter, Field(discriminator="type")
]
CustomerFilter = Annotated[MinTransactions | NoFilter, Field(discriminator="type")]


class Filters(Model):
    """The window, the filters, and with `fit_on` the rows that the filters are fitted on (BR-105)."""

    date_range: DateRange | None = None
    product_filter: ProductFilter = NoFilter()
    customer_filter: CustomerFilter = NoFilter()
    fit_on: Literal["all", "train"] = "all"

    def needs(self) -> frozenset[str]:
        """Return the concepts that the dataset has to map for the window and the filters."""
        return frozenset().union(*self.needs_by_setting().values())

    def needs_by_setting(self) -> Mapping[str, frozenset[str]]:
        """Map each setting (`date_range`, `product_filter`, `customer_filter`) to the concepts it needs."""
        window = frozenset({"timestamp"} if self.date_range else ())
        return {"date_range": window, **{name: each.needs for name, each in self.by_setting()}}

    @property
    def fitted_on_train(self) -> bool:
        """Whether a filter is fitted on the train rows, which the split then has to select beforehand."""
        return self.fit_on == "train" and any(each.kept_in for _, each in self.by_setting())

    def by_setting(self) -> Iterator[tuple[str, Filter]]:
        """Yield each filter with the name of its setting, in the order in which they apply."""
        yield "product_filter", self.product_filter
        yield "customer_filter", self.customer_filter
