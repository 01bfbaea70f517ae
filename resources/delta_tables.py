"""What a Delta table's log says, as DuckDB needs it to read the table's files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from sqlglot import exp

from dataset_assets.ports.engine import Session
from resources import duckdb_nodes

_PRIMITIVES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
    "binary": "BLOB",
}
_READABLE = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})


def sql_type(kind: Any) -> str:
    """DuckDB's type of a Delta type."""
    match kind:
        case PrimitiveType():
            return _PRIMITIVES.get(kind.type, kind.type.upper())
        case ArrayType():
            return f"{sql_type(kind.element_type)}[]"
        case MapType():
            return f"MAP({sql_type(kind.key_type)}, {sql_type(kind.value_type)})"
        case StructType():
            fields = ", ".join(f'"{field.name}" {sql_type(field.type)}' for field in kind.fields)
            return f"STRUCT({fields})"
    raise TypeError(f"not a Delta type: {kind!r}")


def unreadable_features(delta: DeltaTable) -> set[str]:
    """Reader features under which the files alone would give other rows than the table has."""
    protocol = delta.protocol()
    if protocol.min_reader_version == 2:
        return {"columnMapping"}
    return set(protocol.reader_features or ()) - _READABLE


def num_records(delta: DeltaTable) -> int | None:
    """The row count, where every file's is in the log."""
    counts = delta.get_add_actions().column("num_records").to_pylist()
    return None if None in counts else sum(counts)


def relation_source(
    delta: DeltaTable, paths: Sequence[Path], session: Session, constants: Mapping[str, str] | None = None
) -> exp.Subquery:
    """The table's columns in the order of its schema, read from some of its files.

    Columns that the files do not have are NULL (schema evolution). Partition columns come from the files'
    paths, or from `constants` where the caller knows their values.
    """
    known = constants or {}
    fields = delta.schema().fields
    kinds = {field.name: exp.DataType.build(sql_type(field.type), dialect="duckdb") for field in fields}
    partitions = [name for name in delta.metadata().partition_columns if name not in known]
    files = duckdb_nodes.read_parquet(paths, {name: kinds[name] for name in partitions})
    present = {column.name.lower(): column.name for column in session.describe(files)}
    columns = []
    for name, kind in kinds.items():
        if name in known:
            value: exp.Expr = exp.Literal.string(known[name])
        elif name.lower() in present:
            value = duckdb_nodes.quoted(present[name.lower()])
        else:
            value = exp.Null()
        columns.append(exp.alias_(exp.Cast(this=value, to=kind), name, quoted=True))
    return exp.select(*columns).from_(files).subquery()
