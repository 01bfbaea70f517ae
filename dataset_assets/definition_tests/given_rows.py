"""Put rows that were written down into a session, as the relations of a dataset's sources."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlglot import exp

from dataset_assets.catalog.definition_test_rules import Row
from dataset_assets.catalog.test_values import Value
from dataset_assets.compiler.logical_relations import logical_relation
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.scope import Scope
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import number, text


def given_relations(
    scope: Scope, given: Mapping[str, Sequence[Row]], session: Session
) -> dict[str, Relation]:
    """Return a relation with exactly the given rows for each source, by its name in the scope."""
    return {
        source.name: replace(
            logical_relation(source, None),
            source=session.store("given", rows_query(source.columns, given[source.name])),
        )
        for source in scope.sources
    }


def rows_query(columns: Sequence[ColumnDef], rows: Sequence[Row]) -> exp.Query:
    """Return a query that selects these rows, with the declared types of the columns."""
    if not rows:
        return _row(columns, {}).limit(0)
    first, *others = rows
    selected: exp.Query = _row(columns, first)
    if others:
        selected = exp.union(*(_row(columns, row) for row in rows), distinct=False)
    return selected


def _row(columns: Sequence[ColumnDef], row: Row) -> exp.Select:
    return exp.select(*(_typed(each, row.get(each.name)) for each in columns))


def _typed(column: ColumnDef, value: Value | None) -> exp.Expr:
    return exp.alias_(exp.cast(literal(value), SQL_TYPES[column.type]), column.name, quoted=True)


def literal(value: Value | None) -> exp.Expr:
    """Return a value as a literal, to be cast to its column's type."""
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, int):
        return number(str(value))
    return text(value.isoformat(sep=" ") if isinstance(value, datetime) else str(value))
