"""Compile a dataset to the query that selects its rows.

Each step (window, filters, split, lookups) adds its CTEs, in this order: `date_filtered`, `product_revenue`,
`top_products`, `active_customers`, `enriched_transactions`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from sqlglot import exp

from dataset_assets.compiler.query_state import SOURCE_ROWS, QueryState
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import in_sample, in_source, in_window, join_lookup, read
from dataset_assets.compiler.typing import SQL_TYPES, mismatches
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.scope import Reference
from dataset_assets.errors import ResolveError, raise_all
from dataset_assets.rows.encoding import row_text
from dataset_assets.rows.erased_keys import is_among, row_key
from dataset_assets.selection.filters import FitInput
from dataset_assets.selection.splits import FOLD_COLUMN, SPLIT_COLUMN, TRAIN, SplitInput
from dataset_assets.sql.build import CTE, Columns, alias, alias_table, any_null, boundary, number, table
from dataset_assets.sql.internal_names import Names

WINDOW_ROWS, TRAIN_ROWS = "date_filtered", "train_rows"
SAMPLED_ROWS = "sampled_rows"
ROWS = "enriched_transactions"
"""The CTE of the selected rows without system columns; it has another name if the user's names include it."""


def resolve(state: QueryState) -> QueryState:
    """Check that every relation has its declared schema. Raises ResolveError with every fault at once."""
    inputs = state.inputs
    sources = tuple(map(inputs.declared, inputs.scope.sources))
    faults = (
        fault
        for source in sources
        for fault in mismatches(source, inputs.relations[source.name], inputs.wholly_read(source))
    )
    raise_all(ResolveError, faults)
    return state


def join(state: QueryState) -> QueryState:
    """Mark the lookups that filters or the split depend on; they are joined first (BR-112)."""
    return join_early(state, state.inputs.filter_columns())


def join_early(state: QueryState, columns: Iterable[Reference]) -> QueryState:
    """Mark the lookups that have these columns, and those that they are joined on; they are joined first."""
    inputs = state.inputs
    wanted = {reference.source for reference in columns}
    for lookup in reversed(inputs.scope.lookups):
        if lookup in wanted:
            wanted |= {reference.source for reference in inputs.joined_on(lookup)}
    return replace(state, early=tuple(lookup for lookup in inputs.scope.lookups if lookup in wanted))


def map_columns(state: QueryState) -> QueryState:
    """Select the published columns under their published names (BR-113), and the valid time of a row."""
    outputs = state.inputs.scope.outputs
    mapped = {output.name: output.reference for output in outputs if output.reference}
    shown = (
        alias(state.in_join(reference), name)
        for name, reference in (mapped | dict(state.inputs.valid_times)).items()
    )
    return replace(state, projection=tuple(shown))


def window(state: QueryState) -> QueryState:
    """Read the main table and the early lookups within the window (BR-106)."""
    inputs = state.inputs
    query = read(inputs, inputs.scope.main)
    for lookup in state.early:
        query = join_lookup(query, inputs, lookup, partial(in_source, inputs))
        for definition in inputs.needed(lookup):
            name = inputs.joined_columns[lookup.name, definition.name]
            query = query.select(alias(in_source(inputs, Reference(lookup, definition)), name))
    for condition in in_window(inputs):
        query = query.where(condition)
    rows = state.names.free(WINDOW_ROWS if inputs.window else SOURCE_ROWS)
    return replace(state, rows=rows).with_ctes(CTE(rows, query))


def sample_sources(state: QueryState) -> QueryState:
    """Cut the sample before anything is fitted, unless products are ranked by the rows of all users."""
    return _sampled(state) if state.inputs.samples_sources else state


def sample_fitted(state: QueryState) -> QueryState:
    """Cut the sample after a product filter was fitted on the rows of all users (BR-138).

    What comes after it is decided for each user or row by itself.
    """
    return state if state.inputs.samples_sources else _sampled(state)


def _sampled(state: QueryState) -> QueryState:
    condition = in_sample(state.inputs, state.in_rows)
    if condition is None:
        return state
    rows = state.names.free(SAMPLED_ROWS)
    query = exp.select("*").from_(table(state.rows)).where(condition)
    return replace(state, rows=rows).with_ctes(CTE(rows, query))


def product_filter(state: QueryState) -> QueryState:
    """Filter products; the filter is fitted on the rows of the window or on its train rows (BR-105)."""
    filters, in_train = state.inputs.dataset.filters, train_condition(state)
    if in_train is not None:
        train = exp.select("*").from_(table(state.rows)).where(in_train)
        state = state.with_ctes(CTE(state.names.free(TRAIN_ROWS), train))
    return _filtered(state, filters.product_filter.fit(_fit(state)), filters.product_filter.keep)


def train_condition(state: QueryState) -> exp.Expr | None:
    """Return the condition of the rows that filters are fitted on; None if they are fitted on all rows."""
    dataset = state.inputs.dataset
    if dataset.filters.fit_on != "train" or dataset.split_config is None:
        return None
    value = dataset.split_config.expression(_split_input(state, state.in_rows))
    return exp.EQ(this=value, expression=number(TRAIN))


def customer_filter(state: QueryState) -> QueryState:
    """Filter customers by their transactions among the kept products.

    If the split separates users, the filter is fitted on all rows: those of a customer are all in one split.
    """
    filters = state.inputs.dataset.filters
    fit = replace(_fit(state), among=filters.product_filter.keep(state.concept, state.names))
    if state.inputs.dataset.is_split_by("user_id"):
        fit = replace(fit, rows=state.rows)
    return _filtered(state, filters.customer_filter.fit(fit), filters.customer_filter.keep)


def split(state: QueryState) -> QueryState:
    """Add the column `split` (BR-108), and `fold` if the split has folds (BR-135)."""
    config = state.inputs.dataset.split_config
    if config is None:
        return state
    given = _split_input(state, state.in_join)
    shown = [exp.alias_(config.expression(given), SPLIT_COLUMN)]
    shown += [exp.alias_(config.fold(given), FOLD_COLUMN)] if config.fold_count else []
    return replace(state, projection=(*state.projection, *shown))


def leave_out_erased(state: QueryState) -> QueryState:
    """Leave out rows that were erased; they are known by the keys of their values (BR-209)."""
    return replace(state, keep=(*state.keep, *(exp.not_(each) for each in _erased(state))))


def keep_erased(state: QueryState) -> QueryState:
    """Select the erased rows alone."""
    return replace(state, keep=(*state.keep, exp.or_(*_erased(state))))


def _erased(state: QueryState) -> list[exp.Expr]:
    """Return for each list of erased keys whether a row has one of them."""
    inputs = state.inputs
    columns = (
        [(state.in_join(inputs.reference(c.reference)), c.type) for c in keys.columns]
        for keys in inputs.erased
    )
    return [
        is_among(row_key(keys.salt, read_columns), keys.source)
        for keys, read_columns in zip(inputs.erased, columns, strict=True)
    ]


def enrich(state: QueryState) -> QueryState:
    """Join the late lookups to the kept rows (BR-002): the CTE `enriched_transactions`."""
    inputs = state.inputs
    query = exp.select(*state.projection).from_(alias_table(table(state.rows), inputs.scope.main.name))
    for lookup in state.late:
        query = join_lookup(query, inputs, lookup, state.in_join)
    for condition in state.keep:
        query = query.where(condition)
    return state.with_ctes(CTE(state.names.free(ROWS), query))


STEPS: tuple[Callable[[QueryState], QueryState], ...] = (
    resolve,
    join,
    map_columns,
    window,
    sample_sources,
    product_filter,
    sample_fitted,
    customer_filter,
    split,
    leave_out_erased,
    enrich,
)


def compile_rows(inputs: SelectionInput) -> tuple[CTE, ...]:
    """Return the CTEs that select a dataset's rows; the last is `enriched_transactions`.

    Raises ResolveError with every difference between the relations and the contract.
    """
    return _compiled(inputs, STEPS)


def compile_columns(inputs: SelectionInput, columns: Mapping[str, Reference]) -> tuple[CTE, ...]:
    """Return CTEs that select the given columns, by their names, of the rows that `compile_rows` selects."""

    def only(state: QueryState) -> QueryState:
        shown = (alias(state.in_join(reference), name) for name, reference in columns.items())
        return replace(state, projection=tuple(shown))

    steps = (only if step is map_columns else step for step in STEPS if step is not split)
    return _compiled(inputs, steps)


def compile_erased(inputs: SelectionInput) -> tuple[CTE, ...]:
    """Return CTEs whose last one has a row for each row that is not selected because it was erased."""

    def one(state: QueryState) -> QueryState:
        return replace(state, projection=(exp.alias_(number(1), "one"),))

    replaced = {map_columns: one, leave_out_erased: keep_erased}
    return _compiled(inputs, (replaced.get(step, step) for step in STEPS if step is not split))


def _compiled(inputs: SelectionInput, steps: Iterable[Callable[[QueryState], QueryState]]) -> tuple[CTE, ...]:
    state = QueryState(inputs)
    for step in steps:
        state = step(state)
    used = {reference.name for cte in state.ctes for reference in cte.query.find_all(exp.Table)}
    *others, last = state.ctes
    return (*(cte for cte in others if cte.name in used), last)


def _filtered(
    state: QueryState, ctes: tuple[CTE, ...], keep: Callable[[Columns, Names], exp.Expr | None]
) -> QueryState:
    condition = keep(state.concept_in_join, state.names)
    kept = state.keep if condition is None else (*state.keep, condition)
    return replace(state, keep=kept).with_ctes(*ctes)


def _fit(state: QueryState) -> FitInput:
    """Return the input of fitting filters: the train rows if there is a CTE of them, else all rows."""
    train = state.names.free(TRAIN_ROWS)
    rows = train if any(cte.name == train for cte in state.ctes) else state.rows
    mapped = frozenset(state.inputs.concepts)
    return FitInput(rows, state.concept, mapped, state.names, revenue(state))


def revenue(state: QueryState) -> exp.Expr | None:
    """Return the revenue as a decimal (BR-103): BigQuery's sum of integers is an integer and can overflow."""
    found = state.inputs.concepts.get("revenue")
    if found is None:
        return None
    value = state.in_rows(found)
    is_integer = found.column.type is ColumnType.INTEGER
    return exp.cast(value, SQL_TYPES[ColumnType.DECIMAL]) if is_integer else value


def _split_input(state: QueryState, read: Callable[[Reference], exp.Expr]) -> SplitInput:
    inputs = state.inputs

    def key(*references: Reference) -> exp.Expr:
        return row_text([(read(reference), reference.column.type) for reference in references])

    def since(day: date) -> exp.Expr:
        stamp = inputs.concepts["timestamp"]
        bound = boundary(inputs.moment(day), SQL_TYPES[stamp.column.type])
        return exp.GTE(this=read(stamp), expression=bound)

    def lacks(names: Sequence[str]) -> exp.Expr:
        return any_null(map(read, inputs.published(names)))

    return SplitInput(
        anchor=inputs.anchor,
        since=since,
        row_key=key(*inputs.row_key),
        text_of=lambda names: key(*inputs.published(names)),
        lacks=lacks,
    )
