"""Read the constants of a `where`: numbers, dates and timestamps."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from dataset_assets.sql.where.syntax import Value

_MOST_WHOLE, _MOST_PLACES = 29, 9
"""The digits of a decimal, DECIMAL(38, 9), before and after the point."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


class LiteralError(ValueError):
    """A constant that is none; its arguments are the message and the hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint


def number(written: str) -> tuple[str, Value]:
    """Return the type and the value of a number: an integer of 64 bits, else a decimal.

    Raises LiteralError if a decimal cannot hold it.
    """
    whole, _, places = written.removeprefix("-").partition(".")
    if not places and len(whole.lstrip("0")) <= 19 and -(2**63) <= int(written) < 2**63:
        return "integer", int(written)
    if len(whole.lstrip("0")) > _MOST_WHOLE or len(places.rstrip("0")) > _MOST_PLACES:
        message = f"the number has more than {_MOST_WHOLE} digits before or {_MOST_PLACES} after the point"
        raise LiteralError(message, "no column holds such a number")
    return "decimal", Decimal(written)


def day(written: str) -> tuple[str, Value]:
    """Return the type and the value of a date. Raises LiteralError if there is no such date."""
    try:
        if _DATE.fullmatch(written):
            return "date", date.fromisoformat(written)
    except ValueError:
        pass
    raise LiteralError("there is no such date", "write it as DATE '2017-12-31'")


def instant(written: str) -> tuple[str, Value]:
    """Return the type and the value of a timestamp, in UTC unless it has an offset.

    Raises LiteralError if there is no such instant.
    """
    try:
        if _TIMESTAMP.fullmatch(written):
            found = datetime.fromisoformat(written)
            return "timestamp", found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    message = "there is no such timestamp"
    raise LiteralError(message, "write it as TIMESTAMP '2017-12-31 23:59:59', in UTC, or with an offset")
