"""From a Dataset to the rows it selects: a tuple of named steps over an AST (DESIGN section 6).

The CTEs and their order are those of Domain's example, so that its readers find their way:
`date_filtered`, `product_revenue`, `top_products`, `active_customers`, `enriched_transactions`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlglot import exp

from dataset_assets.compiler.selection_input import Question
from dataset_assets.compiler.source_columns import in_source, in_window, join_lookup, read
from dataset_assets.compiler.typing import SQL_TYPES, mismatches
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.errors import ResolveError, raise_all
from dataset_assets.rows.encoding import row_text
from dataset_assets.selection.filters import Fit
from dataset_assets.selection.splits import TRAIN, SplitInput
from dataset_assets.sql.build import CTE, Columns, alias, alias_table, boundary, column, number, table
from dataset_assets.sql.internal_names import Names

SOURCE_ROWS, WINDOW_ROWS, TRAIN_ROWS = "source_rows", "date_filtered", "train_rows"
ROWS = "enriched_transactions"
"""The CTE that holds the selected rows, before row metadata; another name where the user has this one."""


@dataclass(frozen=True)
class Draft:
    """A query in the making.

    `early` are the lookups that the window, the filters or the split look at: they are joined before them,
    and their columns have the names of `question.joined_columns` from then on. `rows` names the CTE of the
    rows so far, `keep` is what a row must satisfy to stay, `projection` the published columns.
    """

    question: Question
    early: tuple[Source, ...] = ()
    ctes: tuple[CTE, ...] = ()
    rows: str = SOURCE_ROWS
    keep: tuple[exp.Expr, ...] = ()
    projection: tuple[exp.Expr, ...] = ()

    @property
    def late(self) -> tuple[Source, ...]:
        """The lookups that only enrich the rows that stay."""
        return tuple(lookup for lookup in self.question.scope.lookups if lookup not in self.early)

    @property
    def names(self) -> Names:
        """Names for CTEs and helper columns that nothing in the file or the sources has."""
        return self.question.names

    def with_ctes(self, *ctes: CTE) -> "Draft":
        """The draft with more CTEs at its end."""
        return replace(self, ctes=(*self.ctes, *ctes))

    def in_rows(self, reference: Reference, table_name: str | None = None) -> exp.Expr:
        """A column of the main table or of an early lookup, as the CTE `rows` has it."""
        name = reference.column.name
        if reference.source in self.early:
            name = self.question.joined_columns[reference.source.name, name]
        return column(name, table_name)

    def in_join(self, reference: Reference) -> exp.Expr:
        """Any column, as it is read where `rows` is joined with the late lookups."""
        if reference.source in self.late:
            return column(reference.column.name, reference.source.name)
        return self.in_rows(reference, self.question.scope.main.name)

    def concept(self, name: str) -> exp.Expr:
        """A mapped concept in `rows`."""
        return self.in_rows(self.question.concepts[name])

    def concept_in_join(self, name: str) -> exp.Expr:
        """A mapped concept where `rows` is joined."""
        return self.in_join(self.question.concepts[name])


def resolve(draft: Draft) -> Draft:
    """Every relation has its declared schema, or every fault is raised at once."""
    question = draft.question
    sources = tuple(map(question.declared, (question.scope.main, *question.scope.lookups)))
    faults = (
        fault
        for source in sources
        for fault in mismatches(source, question.relations[source.name], question.wholly_read(source))
    )
    raise_all(ResolveError, faults)
    return draft


def join(draft: Draft) -> Draft:
    """Which lookups come before the filters: those they look at, and the ones these are chained to."""
    question = draft.question
    wanted = {reference.source for reference in question.looked_at()}
    for lookup in reversed(question.scope.lookups):
        if lookup in wanted:
            wanted |= {reference.source for reference, _ in question.joins(lookup)}
    return replace(draft, early=tuple(lookup for lookup in question.scope.lookups if lookup in wanted))


def map_columns(draft: Draft) -> Draft:
    """The published columns, by the names that decision 13 gives them."""
    outputs = draft.question.scope.outputs
    mapped = (alias(draft.in_join(output.reference), output.name) for output in outputs if output.reference)
    return replace(draft, projection=tuple(mapped))


def window(draft: Draft) -> Draft:
    """Reads the main table and the early lookups, within the window (decision 6)."""
    question = draft.question
    query = read(question, question.scope.main)
    for lookup in draft.early:
        query = join_lookup(query, question, lookup, lambda reference: in_source(question, reference))
        for definition in question.needed(lookup):
            name = question.joined_columns[lookup.name, definition.name]
            query = query.select(alias(column(definition.name, lookup.name), name))
    for condition in in_window(question):
        query = query.where(condition)
    rows = draft.names.free(WINDOW_ROWS if question.window else SOURCE_ROWS)
    return replace(draft, rows=rows).with_ctes(CTE(rows, query))


def product_filter(draft: Draft) -> Draft:
    """Which products stay, fitted on the rows of the window, or on its train rows (decision 5)."""
    filters, config = draft.question.dataset.filters, draft.question.dataset.split_config
    if filters.fit_on == "train" and config:
        in_train = exp.EQ(
            this=config.expression(_split_input(draft, draft.in_rows)), expression=number(TRAIN)
        )
        train = exp.select("*").from_(table(draft.rows)).where(in_train)
        draft = draft.with_ctes(CTE(draft.names.free(TRAIN_ROWS), train))
    return _filtered(draft, filters.product_filter.fit(_fit(draft)), filters.product_filter.keep)


def customer_filter(draft: Draft) -> Draft:
    """Which customers stay, by their transactions among the products that stay.

    A split that parts users leaves nothing to leak: a customer is judged by rows of one split, its own.
    """
    filters, config = draft.question.dataset.filters, draft.question.dataset.split_config
    fit = replace(_fit(draft), among=filters.product_filter.keep(draft.concept, draft.names))
    if config and config.parts_users:
        fit = replace(fit, rows=draft.rows)
    return _filtered(draft, filters.customer_filter.fit(fit), filters.customer_filter.keep)


def split(draft: Draft) -> Draft:
    """The column `split` (decision 8)."""
    config = draft.question.dataset.split_config
    if config is None:
        return draft
    value = config.expression(_split_input(draft, draft.in_join))
    return replace(draft, projection=(*draft.projection, exp.alias_(value, "split")))


def enrich(draft: Draft) -> Draft:
    """The rows that stay, with the late lookups (BR-002): `enriched_transactions`."""
    question = draft.question
    query = exp.select(*draft.projection).from_(alias_table(table(draft.rows), question.scope.main.name))
    for lookup in draft.late:
        query = join_lookup(query, question, lookup, draft.in_join)
    for condition in draft.keep:
        query = query.where(condition)
    return draft.with_ctes(CTE(draft.names.free(ROWS), query))


STEPS: tuple[Callable[[Draft], Draft], ...] = (
    resolve,
    join,
    map_columns,
    window,
    product_filter,
    customer_filter,
    split,
    enrich,
)


def compile_rows(question: Question) -> tuple[CTE, ...]:
    """The CTEs that select a Dataset's rows; the last is `enriched_transactions`.

    Raises ResolveError with everything in which the relations break the contract.
    """
    return _compiled(question, STEPS)


def compile_columns(question: Question, columns: Mapping[str, Reference]) -> tuple[CTE, ...]:
    """The CTEs that select only these columns, name → column, of the rows that `compile_rows` selects."""

    def only(draft: Draft) -> Draft:
        shown = (alias(draft.in_join(reference), name) for name, reference in columns.items())
        return replace(draft, projection=tuple(shown))

    steps = (only if step is map_columns else step for step in STEPS if step is not split)
    return _compiled(question, steps)


def _compiled(question: Question, steps: Iterable[Callable[[Draft], Draft]]) -> tuple[CTE, ...]:
    draft = Draft(question)
    for step in steps:
        draft = step(draft)
    used = {reference.name for cte in draft.ctes for reference in cte.query.find_all(exp.Table)}
    *others, last = draft.ctes
    return (*(cte for cte in others if cte.name in used), last)


def _filtered(
    draft: Draft, ctes: tuple[CTE, ...], keep: Callable[[Columns, Names], exp.Expr | None]
) -> Draft:
    condition = keep(draft.concept_in_join, draft.names)
    kept = draft.keep if condition is None else (*draft.keep, condition)
    return replace(draft, keep=kept).with_ctes(*ctes)


def _fit(draft: Draft) -> Fit:
    """What filters learn from: the train rows where they were set apart, else all rows."""
    train = draft.names.free(TRAIN_ROWS)
    rows = train if any(cte.name == train for cte in draft.ctes) else draft.rows
    mapped = frozenset(draft.question.concepts)
    return Fit(rows, draft.concept, mapped, draft.names, _revenue(draft))


def _revenue(draft: Draft) -> exp.Expr | None:
    """The revenue as a decimal (decision 3): BigQuery's sum of integers is one itself, and overflows."""
    found = draft.question.concepts.get("revenue")
    if found is None:
        return None
    value = draft.in_rows(found)
    is_integer = found.column.type is ColumnType.INTEGER
    return exp.cast(value, SQL_TYPES[ColumnType.DECIMAL]) if is_integer else value


def _split_input(draft: Draft, read: Callable[[Reference], exp.Expr]) -> SplitInput:
    question = draft.question

    def key(*references: Reference) -> exp.Expr:
        return row_text([(read(reference), reference.column.type) for reference in references])

    def since(day: date) -> exp.Expr:
        stamp = question.concepts["timestamp"]
        bound = boundary(question.moment(day), SQL_TYPES[stamp.column.type])
        return exp.GTE(this=read(stamp), expression=bound)

    users = (question.concepts["user_id"],) if "user_id" in question.concepts else ()
    return SplitInput(
        anchor=question.anchor, since=since, user_key=key(*users), row_key=key(*question.row_key)
    )
