"""Convert values of rows to plain JSON values without changing them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

_EXACT = Context(prec=76)
"""Keeps every digit: Python rounds to 28 by default, and a published decimal has up to 38."""


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries whose value is not None."""
    return {name: value for name, value in values.items() if value is not None}


def json_value(value: Any) -> Any:
    """Return a value for JSON: decimals, dates and times as text, instants in UTC, NULL as None."""
    match value:
        case Decimal():
            return f"{value.normalize(_EXACT):f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return value
