"""Relations made from the contract alone: how a Dataset's SQL reads where nothing is resolved.

Tables stand in FROM by their bare logical names and have exactly the declared schema, so that the text of
any dialect can be looked at and tested without that engine.
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
"""Types that need no cast to be what is declared."""


def logical_relations(scope: Scope, period: Period | None = None) -> dict[str, Relation]:
    """A relation for each source, by its name in the scope; nested Datasets are called by their stem.

    A nested Dataset that is published by Period is read for the same one (BR-122).
    """
    return {source.name: logical_relation(source, period) for source in scope.sources}


def logical_relation(source: Source, period: Period | None) -> Relation:
    """A relation for one source."""
    columns = tuple(_physical(definition) for definition in source.columns)
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
