"""Exact numbers, as people read them in the sentence of a check."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction


def rounded(value: Fraction, limit: Decimal) -> str:
    """A difference, never rounded across the limit or away: 30.04, more than 30, is not shown as 30."""
    return next(
        text
        for text in _roundings(value)
        if (Decimal(text) > limit) == (value > limit) and bool(Decimal(text)) == bool(value)
    )


def number_text(value: Fraction) -> str:
    """With a place after the point only where it says something: `8.3`, `20,920`."""
    return f"{_decimal(value, 0):,f}" if value >= 100 else f"{_decimal(value, 1):f}".removesuffix(".0")


def _roundings(value: Fraction) -> Iterator[str]:
    """With ever more places."""
    places = 0 if value >= 100 else 1
    while True:
        yield f"{_decimal(value, places):f}".removesuffix(".0")
        places += 1


def _decimal(value: Fraction, places: int) -> Decimal:
    return Decimal(round(value * 10**places)).scaleb(-places)
