"""The schema of a published Delta table, and how it may change while other Periods hold rows."""

from collections.abc import Iterator, Sequence

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType, StructType
from sqlglot import exp

from dataset_assets.adapters.delta.log import sql_type
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
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


def fields(columns: Sequence[PublishedColumn]) -> list[Field]:
    """Of a publication: the Dataset's columns, then the system columns.

    All may hold NULL as far as Delta is concerned: the audit before has looked, and a column that becomes
    nullable later needs no rewriting of other Periods.
    """
    own = [Field(c.name, PrimitiveType(_TYPES[c.type]), metadata=_comment(c.description)) for c in columns]
    return [
        *own,
        *(Field(c.name, _SYSTEM_TYPES[c.sql_type], metadata=_comment(c.description)) for c in SYSTEM_COLUMNS),
    ]


def check_rows(wanted: Sequence[Field], found: Sequence[PhysicalColumn]) -> None:
    """Raises PublishError unless the staged rows have just these columns, with their types."""
    staged = {column.name: column for column in found}
    names = [field.name for field in wanted]
    missing = [Fault(f"the staged rows have no column {name!r}") for name in names if name not in staged]
    extra = [
        Fault(f"the staged rows have an undeclared column {name!r}") for name in staged if name not in names
    ]
    wrong = [
        Fault(f"column {f.name!r} is {staged[f.name].native}, not {sql_type(f.type)}")
        for f in wanted
        if f.name in staged and not _fits(f, staged[f.name])
    ]
    raise_all(PublishError, [*missing, *extra, *wrong])


def evolved(wanted: Sequence[Field], table: DeltaTable | None, others: Sequence[str]) -> Schema:
    """The table's next schema. `others`: the Periods that keep their rows.

    Without them it is simply the new one. With them, columns that went away stay, and are NULL in the new
    rows. Raises PublishError for a column whose type they do not have.
    """
    if table is None or not others:
        return Schema(list(wanted))
    before = {field.name.lower(): field for field in table.schema().fields}
    raise_all(PublishError, _conflicts(wanted, before, others))
    now = {field.name.lower() for field in wanted}
    return Schema([*wanted, *(field for name, field in before.items() if name not in now)])


def _conflicts(wanted: Sequence[Field], before: dict[str, Field], others: Sequence[str]) -> Iterator[Fault]:
    where = f"in the published Periods {listed(others, 12)}"
    hint = "give the column another name, or move the table's folder away and publish those Periods again"
    for field in wanted:
        old = before.get(field.name.lower())
        if old and old.type != field.type:
            kinds = f"{sql_type(field.type)}, but {sql_type(old.type)}"
            yield Fault(f"column {field.name!r} is now {kinds} {where}", hint=hint)
        elif old and old.name != field.name:
            yield Fault(f"column {field.name!r} is {old.name!r} {where}", hint=hint)


def _fits(field: Field, column: PhysicalColumn) -> bool:
    if column.type is PhysicalType.OTHER:
        return not isinstance(field.type, PrimitiveType)
    kinds = (exp.DataType.build(text, dialect="duckdb") for text in (sql_type(field.type), column.native))
    return len(set(kinds)) == 1


def _comment(description: str) -> dict[str, str]:
    return {"comment": description} if description else {}
