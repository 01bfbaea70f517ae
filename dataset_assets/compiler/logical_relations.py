"""Create relations from the contract alone, so that SQL can be rendered without resolving any source.

Tables have their logical names and exactly the declared schema, so that the SQL of any dialect can be shown
and tested without its engine.
"""

from collections.abc import Mapping

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.periods.period import Period
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.sql.build import column, table, text

_NATIVE: Mapping[ColumnType, str] = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "NUMERIC",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
}
"""Physical types that need no cast to the declared type."""


def logical_relations(scope: Scope, period: Period | None = None) -> dict[str, Relation]:
    """Return a relation for each source, by its name in the scope.

    A nested dataset has its stem as its table's name. If it is published by Period, the relation has the rows
    of the same Period (BR-122).
    """
    return {source.name: logical_relation(source, period) for source in scope.sources}


def logical_relation(source: Source, period: Period | None) -> Relation:
    """Return the relation of one source."""
    columns = tuple(_physical(definition) for definition in source.stored_columns)
    return Relation(_from(source, period), columns, version="logical")


def _from(source: Source, period: Period | None) -> exp.Expr:
    if source.nested is None:
        return table(source.table)
    published = table(source.nested.stem)
    if period is None or source.nested.dataset.partitions is None:
        return published
    same = exp.EQ(this=column("_period"), expression=text(period.id))
    return exp.select("*").from_(published).where(same).subquery()


def _physical(definition: ColumnDef) -> PhysicalColumn:
    kind = PhysicalType(definition.type.value)
    return PhysicalColumn(definition.name, kind, _NATIVE[definition.type])
