"""Map BigQuery's column types to the types of a contract, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType

_KINDS: Mapping[str, tuple[PhysicalType, str]] = {
    "STRING": (PhysicalType.STRING, "STRING"),
    "INTEGER": (PhysicalType.INTEGER, "INT64"),
    "INT64": (PhysicalType.INTEGER, "INT64"),
    "FLOAT": (PhysicalType.FLOAT, "FLOAT64"),
    "FLOAT64": (PhysicalType.FLOAT, "FLOAT64"),
    "NUMERIC": (PhysicalType.DECIMAL, "NUMERIC"),
    "BIGNUMERIC": (PhysicalType.DECIMAL, "BIGNUMERIC"),
    "BOOLEAN": (PhysicalType.BOOLEAN, "BOOL"),
    "BOOL": (PhysicalType.BOOLEAN, "BOOL"),
    "DATE": (PhysicalType.DATE, "DATE"),
    "TIMESTAMP": (PhysicalType.TIMESTAMP, "TIMESTAMP"),
    "DATETIME": (PhysicalType.DATETIME, "DATETIME"),
}
"""The API's name of a type, legacy or current → its physical type, and its name in GoogleSQL."""

COLUMN_TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "STRING",
    ColumnType.INTEGER: "INT64",
    ColumnType.DECIMAL: "NUMERIC",
    ColumnType.BOOLEAN: "BOOL",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
"""Declared type → the type of a published column (BR-103 for decimals)."""


def physical_column(field: Any) -> PhysicalColumn:
    """Convert a google.cloud.bigquery.SchemaField. Arrays and structs become OTHER."""
    kind, native = _KINDS.get(field.field_type, (PhysicalType.OTHER, field.field_type))
    if field.mode == "REPEATED":
        return PhysicalColumn(field.name, PhysicalType.OTHER, f"ARRAY<{native}>")
    if field.precision is not None:  # a decimal is published as NUMERIC, which NUMERIC(10, 2) differs from
        native = f"{native}({field.precision}, {field.scale or 0})"
    return PhysicalColumn(field.name, kind, native, has_nulls=False if field.mode == "REQUIRED" else None)


def physical_columns(schemas: Mapping[str, Iterable[Any]]) -> tuple[PhysicalColumn, ...]:
    """Return the columns of the last of several tables that are read as one, by table name.

    A column that an older table lacks is NULL in its rows. Raises ValueError for a column with two types.
    """
    merged: dict[str, PhysicalColumn] = {}
    tables: dict[str, str] = {}
    for name, schema in schemas.items():
        columns = {each.name.lower(): physical_column(each) for each in schema}
        for key, each in columns.items():
            if key in merged and merged[key].native != each.native:
                was = f"{merged[key].native} in {tables[key]}"
                raise ValueError(f"column {each.name} is {was} and {each.native} in {name}")
        merged |= columns
        tables |= dict.fromkeys(columns, name)
        last = columns
    return tuple(
        last.values() if len(schemas) == 1 else (replace(each, has_nulls=None) for each in last.values())
    )
