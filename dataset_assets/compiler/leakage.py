"""Measure leakage from eval and test rows into the filters, and users and products without a train row.

A product or user leaks if it is kept only because the filters also saw eval or test rows.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import reduce

from sqlglot import exp

from dataset_assets.compiler.query_state import QueryState
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import (
    customer_filter,
    join,
    map_columns,
    product_filter,
    sample_fitted,
    sample_sources,
    window,
)
from dataset_assets.contract.model import Dataset
from dataset_assets.selection.splits import TRAIN
from dataset_assets.sql.build import CTE, alias, alias_table, assemble, column, is_in, number, table, text

_FITTING = (join, map_columns, window, sample_sources, product_filter, sample_fitted, customer_filter)

_KEPT_BY = {"product_id": "product_filter", "user_id": "customer_filter"}
"""Maps a concept to the filter that keeps or drops its values."""


def leak_concepts(dataset: Dataset) -> tuple[str, ...]:
    """Return the concepts whose values may leak.

    A concept by which rows are split is left out: all of its values in eval are expected to be new.
    """
    return tuple(concept for concept in _KEPT_BY if not dataset.is_split_by(concept))


def kept_by_train(inputs: SelectionInput, concepts: Collection[str]) -> tuple[CTE, ...]:
    """Return CTEs with the products and users that filters would keep if they were fitted on train rows.

    The CTE of `_kept_name` has the values of a concept. There is none for a filter that is not fitted on
    rows, and none at all for `fit_on: train` (BR-105).
    """
    dataset = inputs.dataset
    if dataset.filters.fit_on == "train":
        return ()
    filters = dataset.filters.model_copy(update={"fit_on": "train"})
    fitted = dataset.model_copy(update={"filters": filters})
    state = QueryState(replace(inputs, scope=replace(inputs.scope, dataset=fitted)))
    for step in _FITTING:
        state = step(state)
    found = []
    for concept, name in _KEPT_BY.items():
        internal = getattr(filters, name).kept_in
        if internal and concept in concepts:
            kept = exp.select(alias(state.concept(concept), concept))
            kept = kept.from_(table(inputs.names.free(internal)))
            found.append(CTE(_kept_name(inputs, concept), kept))
    return (*_used(state.ctes, found), *found)


def _kept_name(inputs: SelectionInput, concept: str) -> str:
    return inputs.names.free(f"kept_{concept}")


def _used(ctes: tuple[CTE, ...], last: Sequence[CTE]) -> tuple[CTE, ...]:
    """Return the CTEs that the `last` ones read, directly or not."""
    wanted = {found.name for cte in last for found in cte.query.find_all(exp.Table)}
    for cte in reversed(ctes):
        if cte.name in wanted:
            wanted |= {found.name for found in cte.query.find_all(exp.Table)}
    return tuple(cte for cte in ctes if cte.name in wanted)


def leak_query(inputs: SelectionInput, concepts: Sequence[str], staged: exp.Expr) -> exp.Query:
    """Return a query with a row for each concept: its name, how many values `leaked`, and how many are `new`.

    `staged` are the rows to publish with their split. A value leaked if filters fitted on train rows would
    not keep it; a value is new if it has no train row and has not leaked. The sources are read once for all
    concepts.
    """
    kept = kept_by_train(inputs, concepts)
    names = {cte.name for cte in kept}
    counted = (_leaked(inputs, each, staged, names) for each in concepts)
    query = reduce(lambda one, other: exp.union(one, other, distinct=False), counted)
    return assemble(kept, query) if kept else query


def _leaked(inputs: SelectionInput, concept: str, staged: exp.Expr, kept: Collection[str]) -> exp.Query:
    names = inputs.names
    value, first, kept_values = column(concept), names.free("first_split"), _kept_name(inputs, concept)
    each = exp.select(value, exp.alias_(exp.Min(this=column("split")), first))
    each = each.from_(alias_table(staged, names.free("staged")))
    each = each.where(exp.not_(value.copy().is_(exp.null()))).group_by(value.copy())
    has_leaked: exp.Expr = exp.false()
    if kept_values in kept:
        has_leaked = exp.not_(is_in(value.copy(), kept_values, concept))
    is_new = exp.and_(exp.not_(has_leaked.copy()), exp.GT(this=column(first), expression=number(TRAIN)))
    return exp.select(
        exp.alias_(text(concept), "concept"),
        exp.alias_(exp.CountIf(this=has_leaked), "leaked"),
        exp.alias_(exp.CountIf(this=is_new), "new"),
    ).from_(each.subquery(names.free("published")))
