"""Convert values of rows to plain JSON values without changing them."""

from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

_EXACT = Context(prec=76)
"""Keeps every digit: Python rounds to 28 by default, and a published decimal has up to 38."""


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
