"""Compile queries of how many rows, users and products each step of a selection keeps.

`window_rows` compiles one narrow row for each row of the window: its user, product and revenue, and whether
the filters keep it. The other queries count these rows, so that the sources are read once for all of them.
"""

from collections.abc import Mapping

from sqlglot import exp

from dataset_assets.compiler.query_state import QueryState
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import (
    customer_filter,
    join_early,
    map_columns,
    product_filter,
    resolve,
    revenue,
    train_condition,
    window,
)
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType
from dataset_assets.selection.filters import (
    CumulativeRevenuePercent,
    FitInput,
    RevenueFilter,
    TopRevenuePercent,
)
from dataset_assets.sql.build import CTE, alias_table, assemble, column, is_in, number, table
from dataset_assets.sql.internal_names import Names

USER, PRODUCT, REVENUE, IN_TRAIN = "user_id", "product_id", "revenue", "in_train"
STEPS = ("window", "product_filter", "customer_filter")
"""The steps of a selection in order, by the names of their settings."""
REVENUE_FILTERS: Mapping[str, type[RevenueFilter]] = {
    "top_revenue_percent": TopRevenuePercent,
    "cumulative_revenue_percent": CumulativeRevenuePercent,
}
_KEPT = {"product_filter": "kept_by_product", "customer_filter": "kept_by_customer"}


def window_rows(inputs: SelectionInput) -> exp.Query:
    """Return a query for one row for each row of the window, with the columns that the counts need.

    `user_id`, `product_id` and `revenue` are NULL unless the dataset maps them. `in_train` is true for the
    rows that filters are fitted on.
    """
    state = resolve(QueryState(inputs))
    concepts = [inputs.concepts[name] for name in (USER, PRODUCT, REVENUE) if name in inputs.concepts]
    config = inputs.dataset.split_config
    split = [inputs.concepts[name] for name in (config.needs if config else ())]
    split += inputs.published(config.unit_columns if config else ())
    state = window(map_columns(join_early(state, [*inputs.filter_columns(), *concepts, *split])))
    filtered = product_filter(state)
    by_product = filtered.keep
    filtered = customer_filter(filtered)
    by_customer = filtered.keep[len(by_product) :]
    main = inputs.scope.main.name

    def value(concept: str, kind: ColumnType) -> exp.Expr:
        if concept not in inputs.concepts:
            return exp.cast(exp.null(), SQL_TYPES[kind])
        return filtered.concept_in_join(concept)

    total = revenue(state)
    shown = {
        USER: value(USER, ColumnType.STRING),
        PRODUCT: value(PRODUCT, ColumnType.STRING),
        REVENUE: exp.cast(exp.null(), SQL_TYPES[ColumnType.DECIMAL]) if total is None else total,
        _KEPT["product_filter"]: _flag(by_product),
        _KEPT["customer_filter"]: _flag((*by_product, *by_customer)),
        IN_TRAIN: _flag([each for each in (train_condition(state),) if each is not None]),
    }
    rows = alias_table(table(filtered.rows), main)
    named = (exp.alias_(each, name) for name, each in shown.items())
    return assemble(filtered.ctes, exp.select(*named).from_(rows))


def _flag(conditions: "tuple[exp.Expr, ...] | list[exp.Expr]") -> exp.Expr:
    """Return whether all conditions are true: true without conditions, false where one of them is NULL."""
    if not conditions:
        return exp.true()
    return exp.Coalesce(this=exp.and_(*conditions), expressions=[exp.false()])


def step_counts(rows: exp.Expr) -> exp.Query:
    """Return a query for one row: `<step>_rows`, `<step>_users` and `<step>_products` of each step.

    `rows` are those of `window_rows`.
    """
    counts = []
    for step in STEPS:
        kept = column(_KEPT[step]) if step in _KEPT else exp.true()

        def if_kept(value: exp.Expr, kept: exp.Expr = kept) -> exp.Expr:
            return exp.Case().when(kept.copy(), value)

        counts.append(exp.alias_(exp.Count(this=if_kept(number(1))), f"{step}_rows"))
        for name, concept in (("users", USER), ("products", PRODUCT)):
            distinct = exp.Distinct(expressions=[if_kept(column(concept))])
            counts.append(exp.alias_(exp.Count(this=distinct), f"{step}_{name}"))
    return exp.select(*counts).from_(rows.copy())


def revenue_counts(rows: exp.Expr, percent: int) -> exp.Query:
    """Return a query for one row: what each revenue filter would keep of the window's rows.

    The columns are `products`, `rows` and `revenue` for all rows, and the same with a filter's type in front
    for the rows that it keeps: `top_revenue_percent_products`. The filters are fitted on the rows `in_train`.
    """
    names = Names()
    ctes = [CTE("window_rows", exp.select("*").from_(rows.copy()))]
    ctes.append(CTE("fitted_rows", exp.select("*").from_(table("window_rows")).where(column(IN_TRAIN))))
    kept: dict[str, exp.Expr] = {}
    for kind, filter_type in REVENUE_FILTERS.items():
        names = names.and_beside(cte.name for cte in ctes)
        fit = FitInput("fitted_rows", column, frozenset({PRODUCT, REVENUE}), names, column(REVENUE))
        ctes += filter_type.model_validate({"type": kind, "value": percent}).fit(fit)
        kept[kind] = is_in(column(PRODUCT), names.free(filter_type.kept_in), PRODUCT)
    by_product = exp.select(
        column(PRODUCT),
        exp.alias_(exp.Count(this=exp.Star()), "rows_of"),
        exp.alias_(exp.Sum(this=column(REVENUE)), "revenue_of"),
    )
    ctes.append(CTE("by_product", by_product.from_(table("window_rows")).group_by(column(PRODUCT))))
    counts = _totals("", exp.true())
    for kind, condition in kept.items():
        counts += _totals(f"{kind}_", condition)
    return assemble(ctes, exp.select(*counts).from_(table("by_product")))


def _totals(prefix: str, kept: exp.Expr) -> list[exp.Expr]:
    """Return the aggregates over products of those that are kept."""

    def if_kept(value: exp.Expr) -> exp.Expr:
        return exp.Case().when(kept.copy(), value).else_(number(0))

    has_product = exp.not_(column(PRODUCT).is_(exp.null()))
    totals = {
        "products": exp.CountIf(this=exp.and_(has_product, kept.copy())),
        "rows": exp.Sum(this=if_kept(column("rows_of"))),
        "revenue": exp.Sum(this=if_kept(column("revenue_of"))),
    }
    return [exp.alias_(each, f"{prefix}{name}") for name, each in totals.items()]
