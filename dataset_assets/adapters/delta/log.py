"""What a Delta table's log says, as DuckDB needs it to read the table's files."""

import errno
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from sqlglot import exp

from dataset_assets.adapters.parquet.file_groups import FileColumn, RequestedColumn
from dataset_assets.adapters.parquet.relation import DataFile, FileRows, ParquetTable
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, ResolveError, system_error
from dataset_assets.ports.engine import Session

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
"""What the Delta library decodes or refuses in a path, though it is how the folder is called."""
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


def open_table(path: Path, version: int | None = None) -> DeltaTable:
    """Open the table in a folder, whatever the folder is called.

    Raises ResolveError for a name that the Delta library takes for another one, and what DeltaTable raises.
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
    """Return what each commit says of itself, the newest first.

    The Delta library finds no commit in a folder with `#` in its path; the log's files are read there.
    """
    found = delta.history(limit)
    if found:
        return found
    log = Path(unquote(urlsplit(delta.table_uri).path)) / "_delta_log"
    commits = sorted(log.glob("[0-9]*.json"), reverse=True)
    known = [each for each in commits if int(each.stem) <= delta.version()][:limit]
    return [
        {**json.loads(line)["commitInfo"], "version": int(path.stem)}
        for path in known
        for line in path.read_text("utf-8").splitlines()
        if line.startswith('{"commitInfo"')
    ]


def check_path(path: Path) -> None:
    """Raise ResolveError for a folder that the Delta library would look for under another name."""
    found = _MISREAD.search(str(path.absolute()))
    if found:
        message = f"the folder {path} holds {found[0]!r}, which the Delta library takes for another name"
        raise ResolveError(Fault(message, hint="rename the folder, or choose another"))


def data_files(delta: DeltaTable, folder: Path) -> list[DataFile]:
    """Return the files of the table's rows, in order, with the values of the partition columns from the log.

    Paths in the log are percent-encoded, relative to the table's `folder` or absolute.
    """
    import pyarrow as pa  # noqa: PLC0415 - a target is checked without it

    actions = pa.table(delta.get_add_actions(flatten=True))
    names = delta.metadata().partition_columns
    values = [map(_value_text, actions.column(f"partition.{name}").to_pylist()) for name in names]
    paths = [_local(folder, path) for path in actions.column("path").to_pylist()]
    rows = zip(*values, strict=True) if names else [()] * len(paths)
    found = [
        DataFile(path, dict(zip(names, row, strict=True))) for path, row in zip(paths, rows, strict=True)
    ]
    return sorted(found, key=lambda each: each.path)


def _local(folder: Path, path: str) -> Path:
    where = urlsplit(path) if path.startswith("file:") else None
    return folder / unquote(where.path if where else path)


def _value_text(value: Any) -> str | None:
    """Return a partition's value as DuckDB reads it from text."""
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
    """Return the rows of some of a table's files, with the columns of its schema in order.

    `columns`: the declared columns with the names that they have in the schema, None for one that is NULL
    throughout; without them all columns are read under their own names. A column of the schema that a file
    does not have is NULL (schema evolution). Raises ResolveError.
    """
    kinds = {field.name: sql_type(field.type) for field in delta.schema().fields}
    partitions = set(delta.metadata().partition_columns)
    wanted = [
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
        return _no_rows(wanted)
    return ParquetTable(name, zone, files, wanted).read(session)


def _no_rows(wanted: Sequence[RequestedColumn]) -> FileRows:
    kinds = [exp.DataType.build(each.native, dialect="duckdb") for each in wanted]
    nulls = [
        exp.alias_(exp.Cast(this=exp.null(), to=kind), each.name, quoted=True)
        for each, kind in zip(wanted, kinds, strict=True)
    ]
    found = [FileColumn(each).physical for each in wanted]
    source = exp.select(*nulls).where(exp.false()).subquery()
    return FileRows(source, tuple(replace(each, has_nulls=False) for each in found if each), 0)
