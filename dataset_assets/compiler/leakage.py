"""Measure leakage from eval and test rows into the filters, and users and products without a train row.

A product or user leaks if it is kept only because the filters also saw eval or test rows.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from dataset_assets.compiler.query_state import QueryState
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import (
    customer_filter,
    join,
    map_columns,
    product_filter,
    window,
)
from dataset_assets.selection.splits import TRAIN
from dataset_assets.sql.build import CTE, alias, alias_table, assemble, column, is_in, number, table

_FITTING = (join, map_columns, window, product_filter, customer_filter)

Kept = Mapping[str, tuple[CTE, ...]]
"""Maps a concept to CTEs; the last one holds the kept values in a column named like the concept."""


def kept_by_train(inputs: SelectionInput) -> Kept:
    """Return the products and users that the filters would keep if they were fitted on train rows alone.

    A concept whose filter is not fitted on rows is left out; all are for `fit_on: train` (BR-105).
    """
    dataset = inputs.dataset
    if dataset.filters.fit_on == "train":
        return {}
    filters = dataset.filters.model_copy(update={"fit_on": "train"})
    fitted = dataset.model_copy(update={"filters": filters})
    state = QueryState(replace(inputs, scope=replace(inputs.scope, dataset=fitted)))
    for step in _FITTING:
        state = step(state)
    found = {}
    for concept, each in (("product_id", filters.product_filter), ("user_id", filters.customer_filter)):
        if each.kept_in:
            internal = inputs.names.free(each.kept_in)
            kept = exp.select(alias(state.concept(concept), concept)).from_(table(internal))
            found[concept] = (*_used(state.ctes, internal), CTE(inputs.names.free("kept"), kept))
    return found


def _used(ctes: tuple[CTE, ...], last: str) -> tuple[CTE, ...]:
    """Return the CTE called `last` and all CTEs that it reads, directly or not."""
    wanted = {last}
    for cte in reversed(ctes):
        if cte.name in wanted:
            wanted |= {found.name for found in cte.query.find_all(exp.Table)}
    return tuple(cte for cte in ctes if cte.name in wanted)


def leak_query(inputs: SelectionInput, concept: str, staged: exp.Expr, kept: Kept) -> exp.Query:
    """Return a query for one row: how many values of a concept `leaked`, and how many are `new`.

    `staged` are the rows to publish with their split. A value leaked if it is not among those `kept` by
    filters fitted on train rows; a value is new if it has no train row and has not leaked.
    """
    names = inputs.names
    value, first = column(concept), names.free("first_split")
    each = exp.select(value, exp.alias_(exp.Min(this=column("split")), first))
    each = each.from_(alias_table(staged, names.free("staged")))
    each = each.where(exp.not_(value.copy().is_(exp.null()))).group_by(value.copy())
    has_leaked: exp.Expr = exp.false()
    ctes = kept.get(concept, ())
    if ctes:
        has_leaked = exp.not_(is_in(value.copy(), ctes[-1].name, concept))
    is_new = exp.and_(exp.not_(has_leaked.copy()), exp.GT(this=column(first), expression=number(TRAIN)))
    counted = exp.select(
        exp.alias_(exp.CountIf(this=has_leaked), "leaked"), exp.alias_(exp.CountIf(this=is_new), "new")
    ).from_(each.subquery(names.free("published")))
    return assemble(ctes, counted) if ctes else counted
