"""Convert Arrow tables to pandas without changing any value, and values to text or JSON for people."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from dataset_assets.errors import DataError, DatasetAssetsError, Fault
from dataset_assets.text.values import json_value
from dataset_assets.text.wording import listed, shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Decimals = Literal["decimal", "float"]
LABELS, NULL = "_labels", "NULL"


def check_decimals(decimals: str) -> None:
    """Raise DatasetAssetsError if `decimals` is neither "decimal" nor "float"."""
    if decimals not in {"decimal", "float"}:
        fault = Fault(f"decimals is {shown(decimals)}", hint="use 'decimal' or 'float'")
        raise DatasetAssetsError(fault)


def to_pandas(table: "pa.Table", decimals: Decimals = "decimal") -> "pd.DataFrame":
    """Return the table as a DataFrame with the types that `read_pandas` describes.

    Raises DataError if a date is outside of the years 1 to 9999, which Python's `date` cannot represent.
    """
    if decimals == "float":
        table = _with_floats(table)
    names = table.column_names
    special = {name for name in names if name == LABELS or _needs_nullable(table[name])}
    try:
        frame = table.select([name for name in names if name not in special]).to_pandas()
    except (OverflowError, ValueError):
        raise DataError(_out_of_range(table)) from None
    for place, name in enumerate(names):
        if name in special:
            frame.insert(place, name, _series(table[name], name))
    return frame


def _series(column: "pa.ChunkedArray", name: str) -> "pd.Series":
    import pandas as pd  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if name == LABELS:
        return pd.Series([labels_dict(labels) for labels in column.to_pylist()], dtype=object)
    return column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)


def _needs_nullable(column: "pa.ChunkedArray") -> bool:
    """Whether pandas would convert the column to floats or objects because it has NULLs."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return column.null_count > 0 and column.type in {pa.int64(), pa.bool_()}


def _with_floats(table: "pa.Table") -> "pa.Table":
    """Convert decimals to the nearest floats through text: Arrow's own cast can be off by one bit."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    for place, name in enumerate(table.column_names):
        if pa.types.is_decimal(table[name].type):
            table = table.set_column(place, name, table[name].cast(pa.string()).cast(pa.float64()))
    return table


def _out_of_range(table: "pa.Table") -> Fault:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    dates = [name for name in table.column_names if pa.types.is_date(table[name].type)]
    message = "a date is outside of the years 1 to 9999, which Python's dates end at"
    return Fault(message, listed(dates), "use read_arrow, or leave the column out")


def labels_dict(labels: Any) -> dict[str, str]:
    """Return labels as a Python dict (BR-119)."""
    return {each["key"]: each["value"] for each in labels or ()}


def text_rows(table: "pa.Table") -> Iterator[tuple[str, ...]]:
    """Yield each row as text for people, with each value formatted by `format_value`."""
    return (tuple(map(format_value, row)) for row in value_rows(table))


def value_rows(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    """Yield each row as Python values. Columns with years outside of 1 to 9999 are yielded as text."""
    return zip(*(_values(table[name]) for name in table.column_names), strict=True)


def _values(column: "pa.ChunkedArray") -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        return column.cast(pa.string()).to_pylist()


def format_value(value: Any) -> str:
    """Return a value as text for people: no trailing zeros, instants in UTC, labels as JSON, NULL as `NULL`.

    A string is put in quotes if it is blank or reads `NULL`.
    """
    match value:
        case None:
            return NULL
        case list():
            return json.dumps(labels_dict(value), ensure_ascii=False)
        case str() if value == NULL or not value.strip():
            return f"'{value}'"
    return str(to_json_value(value))


def to_json_value(value: Any) -> Any:
    """Return a value for JSON: decimals, dates and times as text, labels as an object, NULL as None."""
    return labels_dict(value) if isinstance(value, list) else json_value(value)
