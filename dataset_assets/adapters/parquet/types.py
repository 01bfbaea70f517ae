"""Map the types of a Parquet schema to DuckDB's types and to the physical types of a contract."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_assets.ports.relation import PhysicalType

_MOST_DIGITS = 38


@dataclass(frozen=True)
class FileType:
    """The type of a column in one file. `native` is DuckDB's name of it.

    `problem` says why the values cannot be read. `is_null` marks Parquet's null type. `is_cut` means that
    DuckDB truncates nanoseconds without an error.
    """

    type: PhysicalType
    native: str
    problem: str = ""
    is_null: bool = False
    is_cut: bool = False


_PHYSICAL: Mapping[str, FileType] = {
    "BOOLEAN": FileType(PhysicalType.BOOLEAN, "BOOLEAN"),
    "INT32": FileType(PhysicalType.INTEGER, "INTEGER"),
    "INT64": FileType(PhysicalType.INTEGER, "BIGINT"),
    "INT96": FileType(PhysicalType.DATETIME, "TIMESTAMP", is_cut=True),
    "FLOAT": FileType(PhysicalType.FLOAT, "FLOAT"),
    "DOUBLE": FileType(PhysicalType.FLOAT, "DOUBLE"),
}
"""The type of a column that has no logical type, by the name of Parquet's physical type."""
_INTEGERS = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}


def file_type(leaf: Any) -> FileType:
    """Return the type of a leaf of pyarrow's Parquet schema. A leaf of a nested column is OTHER."""
    if leaf.path != leaf.name or leaf.max_repetition_level:
        return FileType(PhysicalType.OTHER, "nested")
    logical = json.loads(leaf.logical_type.to_json())
    read = _LOGICAL.get(logical["Type"])
    if read is None:
        other = FileType(PhysicalType.OTHER, logical["Type"].upper() if logical["Type"] != "None" else "BLOB")
        return _PHYSICAL.get(leaf.physical_type, other) if logical["Type"] == "None" else other
    return read(logical, leaf)


def _decimal(logical: Mapping[str, Any], leaf: Any) -> FileType:  # noqa: ARG001
    digits, scale = logical["precision"], logical["scale"]
    native = f"DECIMAL({digits},{scale})"
    problem = f"has {digits} digits, more than the {_MOST_DIGITS} of a decimal"
    return FileType(PhysicalType.DECIMAL, native, problem if digits > _MOST_DIGITS else "")


def _integer(logical: Mapping[str, Any], leaf: Any) -> FileType:  # noqa: ARG001
    name = _INTEGERS[logical["bitWidth"]]
    return FileType(PhysicalType.INTEGER, name if logical["isSigned"] else f"U{name}")


def _timestamp(logical: Mapping[str, Any], leaf: Any) -> FileType:  # noqa: ARG001
    is_fine = logical["timeUnit"] == "nanoseconds"
    if logical["isAdjustedToUTC"]:
        return FileType(PhysicalType.TIMESTAMP, "TIMESTAMP WITH TIME ZONE", is_cut=is_fine)
    return FileType(PhysicalType.DATETIME, "TIMESTAMP_NS" if is_fine else "TIMESTAMP")


def _always(kind: FileType) -> Callable[[Mapping[str, Any], Any], FileType]:
    return lambda logical, leaf: kind  # noqa: ARG005


_LOGICAL: Mapping[str, Callable[[Mapping[str, Any], Any], FileType]] = {
    "String": _always(FileType(PhysicalType.STRING, "VARCHAR")),
    "Enum": _always(FileType(PhysicalType.STRING, "VARCHAR")),
    "Date": _always(FileType(PhysicalType.DATE, "DATE")),
    "Float16": _always(FileType(PhysicalType.FLOAT, "FLOAT")),
    "Null": _always(FileType(PhysicalType.OTHER, '"NULL"', is_null=True)),
    "Decimal": _decimal,
    "Int": _integer,
    "Timestamp": _timestamp,
}
"""Name of a logical type → a function from its attributes and the column to the type."""
