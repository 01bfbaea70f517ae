"""Domain's `filters`: which products and which customers stay. One class a type, settings and SQL together.

Each class says which concepts it `needs`, which CTEs it is fitted by, and which rows it keeps. A new filter
is one class and one entry in its union below.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlglot import exp

from dataset_assets.model import Integer, Model, Text
from dataset_assets.selection.date_range import DateRange
from dataset_assets.sql.build import CTE, Columns, all_before, column, is_in, number, table, text
from dataset_assets.sql.internal_names import Names


@dataclass(frozen=True)
class FitInput:
    """What a filter learns from: the CTE of the rows, its columns, and the rows `among` it that count.

    `names` hands out the names of CTEs and of helper columns. `revenue` is the mapped one as money, whose
    sums are exact on every engine; None where there is none.
    """

    rows: str
    columns: Columns
    mapped: frozenset[str]
    names: Names
    revenue: exp.Expr | None = None
    among: exp.Expr | None = None


class NoFilter(Model):
    """Keeps everything."""

    needs: ClassVar[tuple[str, ...]] = ()
    type: Literal["none"] = "none"

    def fit(self, fit: FitInput) -> tuple[CTE, ...]:  # noqa: ARG002
        """Nothing is computed."""
        return ()

    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:  # noqa: ARG002
        """No condition."""
        return None


class _RevenueFilter(Model):
    """The products that pass a test on the ranking of their total revenue in the fitted rows."""

    needs: ClassVar[tuple[str, ...]] = ("product_id", "revenue")
    value: Annotated[Integer, Field(ge=1, le=100)]

    def _ranking(self, product: exp.Expr, total: exp.Expr, names: Names) -> dict[str, exp.Expr]:
        """The window expressions that `_passes` reads, by name."""
        raise NotImplementedError

    def _passes(self, names: Names) -> exp.Expr | None:
        """The condition on the ranking under which a product stays; None where every product does."""
        raise NotImplementedError

    def fit(self, fit: FitInput) -> tuple[CTE, ...]:
        """`product_revenue` and `top_products`, as in Domain's example."""
        product = fit.columns("product_id")
        total = exp.Sum(this=fit.revenue)
        by_name = self._ranking(product, total, fit.names)
        ranking = [exp.alias_(rank, name) for name, rank in by_name.items()]
        revenue = exp.select(product, exp.alias_(total.copy(), fit.names.free("total_revenue")), *ranking)
        ranked, passes = fit.names.free("product_revenue"), self._passes(fit.names)
        top = exp.select(product.copy()).from_(table(ranked))
        return (
            CTE(ranked, revenue.from_(table(fit.rows)).group_by(product.copy())),
            CTE(fit.names.free("top_products"), top.where(passes) if passes else top),
        )

    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        """Rows of a top product: never those without a product."""
        product = columns("product_id")
        return is_in(product, names.free("top_products"), product.name)


class TopRevenuePercent(_RevenueFilter):
    """The best `value` percent of the products by rank; the meaning is Domain's SQL (BR-102)."""

    type: Literal["top_revenue_percent"]

    def _ranking(self, product: exp.Expr, total: exp.Expr, names: Names) -> dict[str, exp.Expr]:  # noqa: ARG002
        order = exp.Order(expressions=[exp.Ordered(this=total.copy(), desc=True, nulls_first=False)])
        return {names.free("revenue_rank"): exp.Window(this=exp.PercentRank(), order=order)}

    def _passes(self, names: Names) -> exp.Expr:
        return column(names.free("revenue_rank")) <= number(f"{self.value / 100:.2f}")


class CumulativeRevenuePercent(_RevenueFilter):
    """The best products that together bring `value` percent of the revenue (BR-102).

    A product stays while the revenue of those before it is below the percentage; ties go by product. The
    percentage is of the net revenue, so totals below zero lessen it, and below 100 percent no product stays
    when it is zero or less. 100 percent keeps every product, whatever its total.
    """

    type: Literal["cumulative_revenue_percent"]

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

    def _passes(self, names: Names) -> exp.Expr | None:
        if self.value == 100:
            return None
        whole = column(names.free("revenue_of_all"))
        so_far = exp.Mul(this=column(names.free("revenue_before")), expression=number(100))
        below = exp.LT(this=so_far, expression=exp.Mul(this=number(self.value), expression=whole))
        return exp.and_(below, exp.GT(this=whole.copy(), expression=number(0)))


class Categories(Model):
    """The products of the named categories."""

    needs: ClassVar[tuple[str, ...]] = ("category",)
    type: Literal["categories"]
    value: Annotated[tuple[Text, ...], Field(min_length=1)]

    def fit(self, fit: FitInput) -> tuple[CTE, ...]:  # noqa: ARG002
        """Nothing is computed: the names are given."""
        return ()

    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:  # noqa: ARG002
        """Rows whose category is one of the names."""
        return exp.In(this=columns("category"), expressions=[text(name) for name in self.value])


class MinTransactions(Model):
    """Customers with at least `value` transactions among the products that stay (BR-104)."""

    needs: ClassVar[tuple[str, ...]] = ("user_id",)
    type: Literal["min_transactions"]
    value: Annotated[Integer, Field(ge=1)]

    def fit(self, fit: FitInput) -> tuple[CTE, ...]:
        """`active_customers`: with `transaction_id` mapped its distinct values count, else rows."""
        user = fit.columns("user_id")
        by_id = "transaction_id" in fit.mapped
        counted = exp.Distinct(expressions=[fit.columns("transaction_id")]) if by_id else exp.Star()
        active = exp.select(user).from_(table(fit.rows)).group_by(user.copy())
        active = active.having(exp.Count(this=counted) >= number(self.value))
        name = fit.names.free("active_customers")
        return (CTE(name, active.where(fit.among) if fit.among else active),)

    def keep(self, columns: Columns, names: Names) -> exp.Expr | None:
        """Rows of an active customer: never those without a customer."""
        user = columns("user_id")
        return is_in(user, names.free("active_customers"), user.name)


ProductFilter = Annotated[
    TopRevenuePercent | CumulativeRevenuePercent | Categories | NoFilter, Field(discriminator="type")
]
CustomerFilter = Annotated[MinTransactions | NoFilter, Field(discriminator="type")]


class Filters(Model):
    """Domain's `filters`. `fit_on` says which rows the filters learn from (BR-105)."""

    date_range: DateRange | None = None
    product_filter: ProductFilter = NoFilter()
    customer_filter: CustomerFilter = NoFilter()
    fit_on: Literal["all", "train"] = "all"

    def needs(self) -> frozenset[str]:
        """The concepts that must be mapped for these filters."""
        window = ("timestamp",) if self.date_range else ()
        return frozenset((*window, *self.product_filter.needs, *self.customer_filter.needs))
