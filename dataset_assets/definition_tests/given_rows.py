"""Put rows that were written down into a session, as the relations of a dataset's sources."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlglot import exp

from dataset_assets.catalog.definition_test_rules import Row
from dataset_assets.catalog.typed_values import Value
from dataset_assets.compiler.logical_relations import logical_relation
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.scope import Scope
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.sql.build import column, identifier, text


def given_relations(
    scope: Scope, given: Mapping[str, Sequence[Row]], session: Session
) -> dict[str, Relation]:
    """Return a relation with exactly the given rows for each source, by its name in the scope."""
    return {
        source.name: replace(
            logical_relation(source, None),
            source=session.store("given", rows_query(source.stored_columns, given[source.name])),
        )
        for source in scope.sources
    }


def rows_query(columns: Sequence[ColumnDef], rows: Sequence[Row]) -> exp.Query:
    """Return a query that selects these rows, with the declared types of the columns."""
    typed = exp.select(*(_typed(each, index) for index, each in enumerate(columns)))
    texts = [_texts(columns, row) for row in rows] or [_texts(columns, {})]
    alias = exp.TableAlias(
        this=identifier("_given"), columns=[identifier(_name(index)) for index in range(len(columns))]
    )
    query = typed.from_(exp.Values(expressions=texts, alias=alias))
    return query if rows else query.limit(0)


def _name(index: int) -> str:
    return f"_value_{index}"


def _typed(definition: ColumnDef, index: int) -> exp.Expr:
    value = exp.cast(column(_name(index)), SQL_TYPES[definition.type])
    return exp.alias_(value, definition.name, quoted=True)


def _texts(columns: Sequence[ColumnDef], row: Row) -> exp.Tuple:
    return exp.Tuple(expressions=[literal(row.get(each.name)) for each in columns])


def literal(value: Value | None) -> exp.Expr:
    """Return the text of a value as a literal, to be cast to the type of its column; NULL for None."""
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return text("true" if value else "false")
    return text(value.isoformat(sep=" ") if isinstance(value, datetime) else str(value))
