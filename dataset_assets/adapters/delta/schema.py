"""The schema of a published Delta table, and its changes while other Periods keep their rows."""

from collections.abc import Iterator, Sequence

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType, StructType
from sqlglot import exp

from dataset_assets.adapters.delta.log import sql_type
from dataset_assets.adapters.shared.publish_errors import column_faults
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import LABELS_TYPE, SystemColumn
from dataset_assets.errors import Fault, PublishError, raise_all
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.text.wording import listed

_TYPES = {
    ColumnType.STRING: "string",
    ColumnType.INTEGER: "long",
    ColumnType.DECIMAL: "decimal(38,9)",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
}
_LABEL = StructType([Field("key", PrimitiveType("string")), Field("value", PrimitiveType("string"))])
_LABELS = ArrayType(_LABEL, contains_null=True)
_SYSTEM_TYPES = {
    "VARCHAR": PrimitiveType("string"),
    "TIMESTAMPTZ": PrimitiveType("timestamp"),
    "BOOLEAN": PrimitiveType("boolean"),
    LABELS_TYPE: _LABELS,
}


def fields(columns: Sequence[PublishedColumn], system: Sequence[SystemColumn]) -> list[Field]:
    """Return the fields of a publication: the Dataset's columns, then the system columns.

    All are nullable in Delta: the audit has checked the rows before, and a column that becomes nullable later
    requires no rewrite of the other Periods.
    """
    declared = [
        Field(c.name, PrimitiveType(_TYPES[c.type]), metadata=_comment(c.description)) for c in columns
    ]
    return [
        *declared,
        *(Field(c.name, _SYSTEM_TYPES[c.sql_type], metadata=_comment(c.description)) for c in system),
    ]


def check_rows(expected: Sequence[Field], columns: Sequence[PhysicalColumn]) -> None:
    """Raise PublishError unless the staged rows have exactly the expected columns, with their types."""
    staged = {column.name: column for column in columns}
    wrong_types = [
        Fault(f"column {f.name!r} is {staged[f.name].native}, not {sql_type(f.type)}")
        for f in expected
        if f.name in staged and not _type_matches(f, staged[f.name])
    ]
    raise_all(PublishError, [*column_faults([field.name for field in expected], staged), *wrong_types])


def evolve(expected: Sequence[Field], table: DeltaTable | None, others: Sequence[str]) -> Schema:
    """Return the table's next schema. `others` are the Periods that keep their rows.

    Without other Periods it has exactly the expected fields. With them, columns that the dataset no longer
    declares are kept, and are NULL in the new rows. Raises PublishError for a column whose type changed.
    """
    if table is None or not others:
        return Schema(list(expected))
    before = {field.name.lower(): field for field in table.schema().fields}
    raise_all(PublishError, _conflicts(expected, before, others))
    after = {field.name.lower() for field in expected}
    return Schema([*expected, *(field for name, field in before.items() if name not in after)])


def _conflicts(expected: Sequence[Field], before: dict[str, Field], others: Sequence[str]) -> Iterator[Fault]:
    where = f"in the published Periods {listed(others, 12)}"
    hint = "give the column another name, or move the table's folder away and publish those Periods again"
    for field in expected:
        old = before.get(field.name.lower())
        if old and old.type != field.type:
            kinds = f"{sql_type(field.type)}, but {sql_type(old.type)}"
            yield Fault(f"column {field.name!r} is now {kinds} {where}", hint=hint)
        elif old and old.name != field.name:
            yield Fault(f"column {field.name!r} is {old.name!r} {where}", hint=hint)


def _type_matches(field: Field, column: PhysicalColumn) -> bool:
    if column.type is PhysicalType.OTHER:
        return not isinstance(field.type, PrimitiveType)
    kinds = (exp.DataType.build(text, dialect="duckdb") for text in (sql_type(field.type), column.native))
    return len(set(kinds)) == 1


def _comment(description: str) -> dict[str, str]:
    return {"comment": description} if description else {}
