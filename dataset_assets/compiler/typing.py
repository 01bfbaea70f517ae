"""Cast physical columns to their declared types: the table of allowed conversions, and schema checks."""

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.sql.build import column as read_column
from dataset_assets.sql.build import text
from dataset_assets.sql.nodes import ClockTime, FloatAsDecimal, SingleAsDouble, UtcTime

SQL_TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(38, 9)",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
}
"""Maps a declared type to the SQL type of published columns (BR-103 for decimals)."""

_NATIVE_NAMES = {
    SQL_TYPES[ColumnType.STRING]: frozenset({"VARCHAR", "STRING"}),
    SQL_TYPES[ColumnType.INTEGER]: frozenset({"BIGINT", "INT64"}),
    SQL_TYPES[ColumnType.DECIMAL]: frozenset({"DECIMAL(38,9)", "NUMERIC"}),
}
"""Maps a published SQL type to the stores' own names of it, which need no cast."""

_SHORT_FLOATS = frozenset({"FLOAT", "REAL"})
"""Stores' own names of floats that may have 32 bits; BigQuery's FLOAT has 64."""

Cast = Callable[[exp.Expr, PhysicalColumn, str], exp.Expr]


def _same(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    return value


def _to(sql_type: str) -> Cast:
    def cast(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
        return value if column.native in _NATIVE_NAMES[sql_type] else exp.cast(value, sql_type)

    return cast


def _float(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    if column.native in _SHORT_FLOATS:  # its own text has fewer digits than that of the same 64-bit float
        value = SingleAsDouble(this=value)
    return FloatAsDecimal(this=value, to=exp.DataType.build(SQL_TYPES[ColumnType.DECIMAL]))


def _in_zone(value: exp.Expr, column: PhysicalColumn, zone: str) -> exp.Expr:  # noqa: ARG001
    return UtcTime(this=value) if zone == "UTC" else ClockTime(this=value, zone=text(zone))


CASTS: Mapping[tuple[ColumnType, PhysicalType], Cast] = {
    (ColumnType.STRING, PhysicalType.STRING): _to(SQL_TYPES[ColumnType.STRING]),
    (ColumnType.INTEGER, PhysicalType.INTEGER): _to(SQL_TYPES[ColumnType.INTEGER]),
    (ColumnType.DECIMAL, PhysicalType.INTEGER): _to(SQL_TYPES[ColumnType.DECIMAL]),
    (ColumnType.DECIMAL, PhysicalType.FLOAT): _float,
    (ColumnType.DECIMAL, PhysicalType.DECIMAL): _to(SQL_TYPES[ColumnType.DECIMAL]),
    (ColumnType.BOOLEAN, PhysicalType.BOOLEAN): _same,
    (ColumnType.DATE, PhysicalType.DATE): _same,
    (ColumnType.TIMESTAMP, PhysicalType.TIMESTAMP): _same,
    (ColumnType.TIMESTAMP, PhysicalType.DATETIME): _in_zone,
}
"""Maps each allowed pair of types to its cast. Other pairs are refused: nothing is converted silently."""


def as_declared(source: Source, relation: Relation, column: ColumnDef, table: str) -> exp.Expr:
    """Return a relation's column, read through the alias `table`, cast to its declared type."""
    physical = _physical(relation, column, source)
    return CASTS[column.type, physical.type](_raw(physical, table), physical, relation.zone)


def is_as_declared(relation: Relation, column: ColumnDef) -> bool:
    """Return whether the relation's column has its declared type without a cast."""
    physical = find(relation, column.name)
    if physical is None:
        return False
    raw = _raw(physical, "t")
    return CASTS[column.type, physical.type](raw, physical, relation.zone) is raw


def stored(relation: Relation, column: ColumnDef, source: Source) -> tuple[exp.Expr, str]:
    """Return a stored date or timestamp, and the SQL type that a boundary must have to match it.

    Only a timestamp without a zone whose table is not in UTC is converted: local order is not the order of
    time (BR-128).
    """
    physical = _physical(relation, column, source)
    if physical.type is PhysicalType.DATETIME and relation.zone == "UTC":
        return _raw(physical, source.name), "TIMESTAMP"
    return as_declared(source, relation, column, source.name), SQL_TYPES[column.type]


def _physical(relation: Relation, column: ColumnDef, source: Source) -> PhysicalColumn:
    physical = find(relation, column.name)
    if physical is None:
        raise LookupError(f"{source.name}.{column.name} was not checked before it was compiled")
    return physical


def _raw(physical: PhysicalColumn, table: str) -> exp.Column:
    return read_column(physical.name, table)


def find(relation: Relation, name: str) -> PhysicalColumn | None:
    """Return the physical column of that name; both engines ignore case in names. None if there is none."""
    return next((column for column in relation.columns if column.name.lower() == name.lower()), None)


def mismatches(
    source: Source, relation: Relation, used: Collection[ColumnDef] | None = None
) -> Iterator[Fault]:
    """Yield a fault for each missing column, other type, or known NULL in a relation.

    `used` are the columns that are read in every row of the relation, all by default. NULLs in other columns
    are no fault, because rows with them may not be read.
    """
    for column in source.stored_columns:
        physical = find(relation, column.name)
        field = f"{source.name}.{column.name}"
        if physical is None:
            yield _missing(column, relation, field)
        elif (column.type, physical.type) not in CASTS:
            allowed = sorted(given.value for wanted, given in CASTS if wanted is column.type)
            yield Fault(
                f"is declared {column.type.value}, and is {physical.native} in the source",
                field,
                f"declare it as it is, or let the source have {' or '.join(allowed)}",
            )
        elif not column.nullable and physical.has_nulls and (used is None or column in used):
            yield Fault(
                "is declared nullable: false, and the source has NULLs",
                field,
                "declare it nullable, or fix the source",
            )


def _missing(column: ColumnDef, relation: Relation, field: str) -> Fault:
    names = [physical.name for physical in relation.columns]
    near = get_close_matches(column.name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the source has: {', '.join(names)}"
    return Fault("is not in the source", field, hint)
