"""Parse values in the files of definition tests by the types of the columns that they belong to."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dataset_assets.contract.model import ColumnType
from dataset_assets.model import Day, Instant

Value = str | int | Decimal | bool | date | datetime
"""A value of a row that is not NULL."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,28})(\.[0-9]{1,9})?")
_DAY: TypeAdapter[date] = TypeAdapter(Day)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
_BOOLEANS = {"true": True, "false": False}


def parse_value(kind: ColumnType, text: str) -> Value | None:
    """Return a text as a value of the type; None if it is none."""
    return _PARSERS[kind](text)


def _string(text: str) -> str | None:
    return text


def _integer(text: str) -> int | None:
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and -(2**63) <= value < 2**63 else None


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text)


def _valid(adapter: TypeAdapter[Any], text: str) -> Any:
    try:
        return adapter.validate_python(text)
    except ValidationError:
        return None


def _timestamp(text: str) -> datetime | None:
    found = _valid(_INSTANT, text)
    return found.astimezone(UTC) if found else None


_PARSERS: Mapping[ColumnType, Callable[[str], Value | None]] = {
    ColumnType.STRING: _string,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: lambda text: _valid(_DAY, text),
    ColumnType.TIMESTAMP: _timestamp,
}

EXAMPLES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "write a text",
    ColumnType.INTEGER: "write a whole number of at most 64 bits, such as 5",
    ColumnType.DECIMAL: "write a number with at most 9 decimal places, such as 2.50",
    ColumnType.BOOLEAN: "write true or false",
    ColumnType.DATE: "write a date, such as 2026-01-31",
    ColumnType.TIMESTAMP: "write an instant, such as 2026-01-31T12:00:00Z",
}
"""The hint for a text that is no value of a type, by the type."""
