"""Read the log of a Delta table, and build from it the relation by which DuckDB reads the table's files."""

import errno
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from sqlglot import exp

from dataset_assets.adapters.parquet.file_groups import FileColumn, RequestedColumn
from dataset_assets.adapters.parquet.relation import DataFile, FileRows, ParquetTable
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.engine import Session
from dataset_assets.system_errors import system_error

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
_MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|[\\\[\]^|]")
"""Parts of a folder's name that the Delta library decodes or refuses."""
_READABLE = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})


def sql_type(kind: Any) -> str:
    """Return DuckDB's name of a Delta type. Raises TypeError for anything else."""
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
    """Return the table's reader features with which the files alone have other rows than the table."""
    protocol = delta.protocol()
    if protocol.min_reader_version == 2:
        return {"columnMapping"}
    return set(protocol.reader_features or ()) - _READABLE


def num_records(delta: DeltaTable) -> int | None:
    """Return the row count of the table; None if the log lacks the count of a file."""
    counts = delta.get_add_actions().column("num_records").to_pylist()
    return None if None in counts else sum(counts)


def open_table(path: Path, version: int | None = None) -> DeltaTable:
    """Open the table in a folder.

    Raises ResolveError if the Delta library would read another folder, and whatever DeltaTable raises.
    """
    check_path(path)
    try:
        return DeltaTable(path.absolute().as_uri(), version=version)
    except (DeltaError, OSError) as error:
        refused = None if isinstance(error, TableNotFoundError) else system_error(error, path / "_delta_log")
        if refused is None or refused.errno == errno.ENOENT:
            raise
        raise refused from error


def history(delta: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the commitInfo of each commit, the newest first.

    The Delta library finds no commit in a folder with `#` in its path; there the log is read as files.
    """
    commits = delta.history(limit)
    if commits:
        return commits
    log = Path(unquote(urlsplit(delta.table_uri).path)) / "_delta_log"
    files = sorted(log.glob("[0-9]*.json"), reverse=True)
    visible = [each for each in files if int(each.stem) <= delta.version()][:limit]
    return [
        {**json.loads(line)["commitInfo"], "version": int(path.stem)}
        for path in visible
        for line in path.read_text("utf-8").splitlines()
        if line.startswith('{"commitInfo"')
    ]


def check_path(path: Path) -> None:
    """Raise ResolveError for a folder whose name the Delta library would read as another name."""
    misread = _MISREAD.search(str(path.absolute()))
    if misread:
        message = f"the folder {path} holds {misread[0]!r}, which the Delta library takes for another name"
        raise ResolveError(Fault(message, hint="rename the folder, or choose another"))


def add_actions(delta: DeltaTable, values: Mapping[str, str]) -> Any:
    """Return the table's data files as an Arrow table, those whose partition columns have these values."""
    import pyarrow as pa  # noqa: PLC0415 - a target is checked without it
    from pyarrow import compute  # noqa: PLC0415

    actions = pa.table(delta.get_add_actions(flatten=True))
    for name, value in values.items():
        actions = actions.filter(compute.field(f"partition.{name}") == value)
    return actions


def data_files(
    delta: DeltaTable, folder: Path, partition_values: Mapping[str, str] = MappingProxyType({})
) -> list[DataFile]:
    """Return data files of the table ordered by path, with the partition columns' values from the log.

    Only the files with these partition values are returned. Paths in the log are percent-encoded, relative to
    the table's `folder` or absolute.
    """
    actions = add_actions(delta, partition_values)
    names = delta.metadata().partition_columns
    values = [map(_value_text, actions.column(f"partition.{name}").to_pylist()) for name in names]
    paths = [_local(folder, path) for path in actions.column("path").to_pylist()]
    partitions = zip(*values, strict=True) if names else [()] * len(paths)
    files = [
        DataFile(path, dict(zip(names, partition, strict=True)))
        for path, partition in zip(paths, partitions, strict=True)
    ]
    return sorted(files, key=lambda each: each.path)


def _local(folder: Path, path: str) -> Path:
    url = urlsplit(path) if path.startswith("file:") else None
    return folder / unquote(url.path if url else path)


def _value_text(value: Any) -> str | None:
    """Return a partition value as the text that DuckDB casts to the column's type."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat(" ")
        case bytes():
            return "".join(f"\\x{byte:02X}" for byte in value)
    return str(value)


def relation_source(
    delta: DeltaTable,
    files: Sequence[DataFile],
    session: Session,
    zone: str = "UTC",
    name: str = "",
    columns: Sequence[tuple[ColumnDef, str | None]] = (),
) -> FileRows:
    """Return the relation over some of a table's files, with the columns of the table's schema in order.

    `columns` pairs each declared column with its name in the schema, or None for a column of NULLs; without
    them all columns are read under their own names. A column that a file lacks is NULL in its rows (schema
    evolution). Raises ResolveError.
    """
    partitions = delta.metadata().partition_columns
    return rows_of_files(delta.schema(), partitions, files, session, zone, name, columns)


def rows_of_files(
    schema: Schema,
    partitions: Sequence[str],
    files: Sequence[DataFile],
    session: Session,
    zone: str = "UTC",
    name: str = "",
    columns: Sequence[tuple[ColumnDef, str | None]] = (),
) -> FileRows:
    """Return what `relation_source` returns, for a table's schema and its partition columns."""
    kinds = {field.name: sql_type(field.type) for field in schema.fields}
    selected = [
        RequestedColumn(
            definition.name,
            physical or definition.name,
            definition,
            native=kinds[physical] if physical else SQL_TYPES[definition.type],
            is_from_log=physical is None or physical in partitions,
            is_optional=True,
        )
        for definition, physical in columns
    ] or [
        RequestedColumn(each, each, native=kind, is_from_log=each in partitions, is_optional=True)
        for each, kind in kinds.items()
    ]
    if not files:
        return _no_rows(selected)
    return ParquetTable(name, zone, files, selected).read(session)


def _no_rows(selected: Sequence[RequestedColumn]) -> FileRows:
    kinds = [exp.DataType.build(each.native, dialect="duckdb") for each in selected]
    nulls = [
        exp.alias_(exp.Cast(this=exp.null(), to=kind), each.name, quoted=True)
        for each, kind in zip(selected, kinds, strict=True)
    ]
    physical = [FileColumn(each).physical for each in selected]
    source = exp.select(*nulls).where(exp.false()).subquery()
    return FileRows(source, tuple(replace(each, has_nulls=False) for each in physical if each), 0)
