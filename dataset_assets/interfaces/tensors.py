"""Convert Arrow batches to arrays that tensors are made of: numbers as arrays, texts as lists.

Floats and decimals are float64, integers int64, booleans bool, times int64 microseconds and dates int64 days
since 1970. NULL is NaN in a float and None in a list; an array of another type has no NULL, so that each
column with NULLs needs a value that replaces them.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dataset_assets.errors import DataError, Fault, ResolveError, raise_all
from dataset_assets.interfaces.frames import labels_dict
from dataset_assets.text.wording import listed, shown

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def check_fill(schema: "pa.Schema", fill: Mapping[str, Any]) -> None:
    """Raise ResolveError for each value that replaces NULL in no column, or that the column cannot hold."""
    raise_all(ResolveError, _faults_of_fill(schema, fill))


def _faults_of_fill(schema: "pa.Schema", fill: Mapping[str, Any]) -> Iterator[Fault]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    for name, value in fill.items():
        if name not in schema.names:
            yield Fault(
                f"fill names no column that is read: {shown(name)}", hint=f"use {listed(schema.names, 12)}"
            )
            continue
        kind = schema.field(name).type
        try:
            filled = _scalar(value, kind)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            filled = None
        if filled is None or not filled.is_valid:
            yield Fault(f"fill has {shown(value)} for {name}", hint=f"use a value of type {kind}")


def to_arrays(batch: "pa.RecordBatch", fill: Mapping[str, Any]) -> "dict[str, np.ndarray | list[Any]]":
    """Return an array or a list for each column; `fill` has the value that replaces NULL by column.

    Raises DataError for all columns with a NULL that their array cannot hold.
    """
    raise_all(DataError, _faults_of_nulls(batch, fill))
    names = batch.schema.names
    return {name: _converted(_filled(batch[name], fill.get(name))) for name in names}


def _faults_of_nulls(batch: "pa.RecordBatch", fill: Mapping[str, Any]) -> Iterator[Fault]:
    for name in batch.schema.names:
        column = batch[name]
        if column.null_count and name not in fill and not _holds_null(column.type):
            message = f"{name} has NULL, which a tensor of type {_kind(column.type)} cannot hold"
            hint = f"pass fill={{{name!r}: ...}}, leave such rows out by `where`, or name other columns"
            yield Fault(message, hint=hint)


def _holds_null(kind: "pa.DataType") -> bool:
    return _kind(kind) in {"float", "text"}


def _kind(kind: "pa.DataType") -> str:
    """Return the kind of tensor that a column becomes; "text" for a list."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kinds = {
        "integer": pa.types.is_integer,
        "boolean": pa.types.is_boolean,
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
        "float": lambda each: pa.types.is_decimal(each) or pa.types.is_floating(each),
    }
    return next((name for name, is_kind in kinds.items() if is_kind(kind)), "text")


def _filled(column: "pa.Array", value: Any) -> "pa.Array":
    return column if value is None else column.fill_null(_scalar(value, column.type))


def _scalar(value: Any, kind: "pa.DataType") -> "pa.Scalar":
    """Return a value of a column's type; a float is a decimal as it is written, and is never cut short.

    Raises ArrowException, ValueError or TypeError if the type cannot hold it.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if isinstance(value, float) and pa.types.is_integer(kind) and not value.is_integer():
        raise ValueError(f"{value} is no integer")
    if isinstance(value, float) and pa.types.is_decimal(kind):
        value = Decimal(repr(float(value)))
    return pa.scalar(value, kind)


def _converted(column: "pa.Array") -> "np.ndarray | list[Any]":
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kind = _kind(column.type)
    if kind == "text":
        is_labels = pa.types.is_list(column.type)
        return [labels_dict(each) for each in column.to_pylist()] if is_labels else column.to_pylist()
    if pa.types.is_decimal(column.type):  # Arrow's own cast can be off by one bit
        column = column.cast(pa.string()).cast(pa.float64())
    if kind == "timestamp":
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    if kind == "date":
        column = column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    types = {"boolean": np.bool_, "float": np.float64}
    return np.array(column.to_numpy(zero_copy_only=False), dtype=types.get(kind, np.int64))
