"""The base of every declared thing, and the scalar types its fields are made of.

The YAML reader hands over text (BR-204): `yes`, `010` and `1e3` stay text until a field's type says
otherwise. These types say it, and take nothing that only looks alike.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
YEARS = range(1001, 9998)
"""The years that dates and Periods exist for: days and months can be counted from them both ways."""

_BOOLEANS = {"true": True, "false": False}


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """The parsed value, or the text again: Python's own words for a bad date help nobody."""
    try:
        return parse(value)
    except (ValueError, OverflowError):
        return value


def duration(age: str) -> timedelta:
    """The length of time that an `Age` is."""
    return timedelta(**{_UNITS[age[-1]]: int(age[:-1])})


Integer = Annotated[int, BeforeValidator(_integer)]
"""A whole number in decimal, without leading zeros."""

Number = Annotated[Decimal, BeforeValidator(_number)]
"""An exact number, such as `30` or `0.5`, without leading zeros or an exponent."""

Boolean = Annotated[bool, BeforeValidator(_boolean)]
"""`true` or `false`."""

Day = Annotated[date, BeforeValidator(_day)]
"""A date, ISO 8601."""

Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An instant, ISO 8601, held in UTC; without an offset it is UTC (BR-128)."""

Age = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[mhd]$")]
"""A length of time: so many minutes, hours or days, `30m`, `26h`, `7d`."""

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""Any text with something in it that is not a space."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=120)]
"""A table, column or alias name: letters, digits and `_`, beginning with a letter (BR-011, BR-012)."""

ResolverName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=120)]
"""What a Dataset's `resolver_id` refers to: as Identifier, with `-` too, which Entity's example has."""

ColumnRef = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$", max_length=241)
]
"""`column` of the main table, or `alias.column` of a lookup (BR-110, BR-112)."""
