"""From Arrow to pandas without a change of any value, and published values as people read them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Literal

from dataset_assets.errors import DataError, DatasetAssetsError, Fault
from dataset_assets.text.wording import listed, shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Decimals = Literal["decimal", "float"]
LABELS, NULL = "_labels", "NULL"
_EXACT = Context(prec=76)
"""Python rounds to 28 digits by default; a published decimal has up to 38."""


def check_decimals(decimals: str) -> None:
    """Raises DatasetAssetsError for anything but the two that `frame_of` takes."""
    if decimals not in {"decimal", "float"}:
        fault = Fault(f"decimals is {shown(decimals)}", hint="use 'decimal' or 'float'")
        raise DatasetAssetsError(fault)


def frame_of(table: "pa.Table", decimals: Decimals = "decimal") -> "pd.DataFrame":
    """Return the table as a DataFrame. See `read_pandas`.

    Raises DataError for dates outside of the years 1 to 9999, which Python's `date` cannot be.
    """
    if decimals == "float":
        table = _with_floats(table)
    names = table.column_names
    apart = {name for name in names if name == LABELS or _needs_nullable(table[name])}
    try:
        frame = table.select([name for name in names if name not in apart]).to_pandas()
    except (OverflowError, ValueError):
        raise DataError(_out_of_range(table)) from None
    for place, name in enumerate(names):
        if name in apart:
            frame.insert(place, name, _series(table[name], name))
    return frame


def _series(column: "pa.ChunkedArray", name: str) -> "pd.Series":
    import pandas as pd  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if name == LABELS:
        return pd.Series([as_dict(labels) for labels in column.to_pylist()], dtype=object)
    return column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)


def _needs_nullable(column: "pa.ChunkedArray") -> bool:
    """Whether plain pandas would make floats, or objects, of the column to hold its NULLs."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return column.null_count > 0 and column.type in {pa.int64(), pa.bool_()}


def _with_floats(table: "pa.Table") -> "pa.Table":
    """Decimals as the nearest floats, by their digits: Arrow's own cast is off by one bit at times."""
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


def as_dict(labels: Any) -> dict[str, str]:
    """Labels as Python has them (BR-119)."""
    return {each["key"]: each["value"] for each in labels or ()}


def texts(table: "pa.Table") -> Iterator[tuple[str, ...]]:
    """Yield the rows as text for people, as `text_of` writes each value."""
    return (tuple(map(text_of, row)) for row in values(table))


def values(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    """Yield the rows as Python values; dates and times of years that Python does not have are text."""
    return zip(*(_values(table[name]) for name in table.column_names), strict=True)


def _values(column: "pa.ChunkedArray") -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        return column.cast(pa.string()).to_pylist()


def text_of(value: Any) -> str:
    """A value as people write it: no trailing zeros, instants in UTC, labels as JSON, NULL as `NULL`.

    Text that could be taken for NULL or for nothing is in quotes.
    """
    match value:
        case None:
            return NULL
        case list():
            return json.dumps(as_dict(value), ensure_ascii=False)
        case str() if value == NULL or not value.strip():
            return f"'{value}'"
    return str(in_json(value))


def in_json(value: Any) -> Any:
    """A value as JSON has it: decimals, dates and times as text, labels as an object, NULL as None."""
    match value:
        case Decimal():
            return f"{value.normalize(_EXACT):f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list():
            return as_dict(value)
    return value
