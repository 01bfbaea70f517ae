"""Types of the memory and data sizes in a target's file, such as `4GB` and `512MiB`."""

import re
from typing import Annotated

from pydantic import AfterValidator

_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGTP])(i?)B")
LEAST_MEMORY, MOST_MEMORY = 1000**2, 1000 * 1000**4
"""The memory limits in bytes that DuckDB accepts."""

_POWERS = {letter: power for power, letter in enumerate("KMGTP", 1)}


def _amount(value: str) -> str:
    if not _AMOUNT.fullmatch(value):
        raise ValueError("is not an amount of bytes; write it as 4GB or 512MB")
    return value


def _memory(value: str) -> str:
    if "P" in value:
        raise ValueError("is not in KB, MB, GB or TB, the units of DuckDB; write it as 4GB or 512MB")
    if not LEAST_MEMORY <= in_bytes(value) <= MOST_MEMORY:
        raise ValueError("is not from 1MB to 1000TB; write it as 4GB or 512MB")
    return value


Amount = Annotated[str, AfterValidator(_amount)]
"""A size as text, so that a message shows it as it was written."""

MemoryAmount = Annotated[Amount, AfterValidator(_memory)]
"""A size in a unit that DuckDB has, within the limits that DuckDB accepts."""


def in_bytes(amount: str) -> int:
    """Return the bytes of an Amount.

    `GB` is a power of 1,000, `GiB` one of 1,024. Raises ValueError for other text.
    """
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        raise ValueError(f"{amount!r} is no amount")
    number, letter, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[letter])
