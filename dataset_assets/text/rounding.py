"""Round numbers for the messages of checks, on the same side of the limit as the exact number."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction


def rounded(value: Fraction, limit: Decimal) -> str:
    """Return a number with as few places as show whether it exceeds the limit and whether it is zero.

    With the limit 30 the number 30.04 is not shown as 30.
    """
    return next(
        text
        for text in _roundings(value)
        if (Decimal(text) > limit) == (value > limit) and bool(Decimal(text)) == bool(value)
    )


def number_text(value: Fraction) -> str:
    """Return a number with one decimal place below 100 if it is not zero, else with none: `8.3`, `20,920`."""
    return f"{_decimal(value, 0):,f}" if value >= 100 else f"{_decimal(value, 1):f}".removesuffix(".0")


def _roundings(value: Fraction) -> Iterator[str]:
    """Yield the number with more and more decimal places."""
    places = 0 if value >= 100 else 1
    while True:
        yield f"{_decimal(value, places):f}".removesuffix(".0")
        places += 1


def _decimal(value: Fraction, places: int) -> Decimal:
    return Decimal(round(value * 10**places)).scaleb(-places)
