"""Define the base class of everything that is read from YAML, and the types of single values.

The YAML reader returns scalars as text (BR-204): `yes`, `010` and `1e3` are text until the type of a field
parses them. These types accept only the documented notation and refuse what looks similar.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from dataset_assets.cached_property import cached_property

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
YEARS = range(1001, 9998)
"""The years of all dates and Periods; days and months can be added to and subtracted from each of them."""

_BOOLEANS = {"true": True, "false": False}


class Model(BaseModel):
    """The base class of all models: instances are frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is not a whole number")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is not a number")
    return value


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        value = _BOOLEANS.get(value, value)
    if not isinstance(value, bool):
        raise ValueError("is not true or false")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = _parsed(date.fromisoformat, value)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("is not a date; write it as 2026-01-31")
    if value.year not in YEARS:
        raise ValueError(f"is not within the years {YEARS[0]} to {YEARS[-1]}; use a date that is")
    return value


def _instant(value: Any) -> Any:
    if isinstance(value, str) and _DAY.match(value):
        value = _parsed(_utc, value)
    if not isinstance(value, datetime):
        raise ValueError("is not an instant; write it as 2026-01-31T12:00:00Z")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _utc(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _parsed(parse: Callable[[str], Any], value: str) -> Any:
    """Return the parsed value, or the text if it cannot be parsed, so that the caller words the error."""
    try:
        return parse(value)
    except (ValueError, OverflowError):
        return value


def duration(age: str) -> timedelta:
    """Return an `Age` as a timedelta."""
    return timedelta(**{_UNITS[age[-1]]: int(age[:-1])})


Integer = Annotated[int, BeforeValidator(_integer)]
"""A whole number in decimal notation, without leading zeros."""

Number = Annotated[Decimal, BeforeValidator(_number)]
"""An exact number, such as `30` or `0.5`, without leading zeros or an exponent."""

Boolean = Annotated[bool, BeforeValidator(_boolean)]
"""`true` or `false`."""

Day = Annotated[date, BeforeValidator(_day)]
"""A date in ISO 8601 notation, such as `2026-01-31`."""

Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An instant in ISO 8601 notation, stored in UTC; without an offset it is in UTC (BR-128)."""

Age = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[mhd]$")]
"""A length of time in minutes, hours or days, such as `30m`, `26h` or `7d`."""

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""A text with at least one character that is not a space."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=120)]
"""The name of a table, column or alias: letters, digits and `_`, the first a letter (BR-011, BR-012)."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,119}")


def is_identifier(name: str) -> bool:
    """Return whether a text is a valid Identifier."""
    return _IDENTIFIER.fullmatch(name) is not None


ResolverName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=120)]
"""The name of a resolver: an Identifier that may also contain `-`."""

ColumnRef = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$", max_length=241)
]
"""`column` of the main table, or `alias.column` of a lookup (BR-110, BR-112)."""
