"""How many NULLs there are in columns that are declared `nullable: false`, used, and not published."""

from collections.abc import Iterator

from sqlglot import exp

from dataset_assets.contract.scope import Reference
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import assemble, table
from dataset_assets.sql.compile import window_rows
from dataset_assets.sql.question import Question
from dataset_assets.sql.typing import find


def unpublished(question: Question) -> tuple[Reference, ...]:
    """The columns to look at: declared without NULLs, used, and not known to be without them.

    Columns of the main table that are published are left out, because their statistics count NULLs. So are
    the columns by which a lookup is found: one without a value is never found, so its row is not used.
    """
    return tuple(_unpublished(question))


def _unpublished(question: Question) -> Iterator[Reference]:
    outputs = (output.reference for output in question.scope.outputs)
    seen = {(each.source.name, each.column.name) for each in outputs if each and each.source.lookup is None}
    seen |= {
        (lookup.name, target.column.name)
        for lookup in question.scope.lookups
        for _, target in question.joins(lookup)
    }
    for source in (question.scope.main, *question.scope.lookups):
        relation = question.relations[source.name]
        for column in question.needed(source):
            if not column.nullable and (source.name, column.name) not in seen and _may(relation, column.name):
                yield Reference(source, column)


def _may(relation: Relation, name: str) -> bool:
    """Whether the column may hold NULLs, for all that its store says."""
    physical = find(relation, name)
    return physical is None or physical.has_nulls is not False


def nulls_query(question: Question, columns: tuple[Reference, ...]) -> exp.Query:
    """A query for one row of `nulls_0`, `nulls_1`, …: how many rows of the window lack each column's value.

    A row that a lookup has nothing for has no row of the lookup in which a NULL could be.
    """
    draft = window_rows(question)
    counts = []
    for each in columns:
        missing = draft.in_rows(each).is_(exp.null())
        if each.source.lookup:
            _, target = next(question.joins(each.source))
            missing = exp.and_(exp.not_(draft.in_rows(target).is_(exp.null())), missing)
        counts.append(exp.alias_(exp.CountIf(this=missing), f"nulls_{len(counts)}"))
    return assemble(draft.ctes, exp.select(*counts).from_(table(draft.rows)))
