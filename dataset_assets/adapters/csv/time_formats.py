"""Validate formats of dates and timestamps such as `%d.%m.%Y`, and build the patterns of their texts.

DuckDB's and Python's `strptime` accept more than the format (spaces, a year of two digits for `%Y`). The
pattern accepts only texts that both read alike.
"""

import re
from collections.abc import Mapping

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_FULL_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"

_DATE: Mapping[str, str] = {
    "Y": "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])",
    "y": "[0-9]{2}",
    "m": "(?:0?[1-9]|1[0-2])",
    "d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "b": f"(?i:{_MONTHS})",
    "B": f"(?i:{_FULL_MONTHS})",
}
_TIME: Mapping[str, str] = {
    "H": "(?:[01]?[0-9]|2[0-3])",
    "I": "(?:0?[1-9]|1[0-2])",
    "M": "[0-5]?[0-9]",
    "S": "[0-5]?[0-9]",
    "f": "[0-9]{1,6}",
    "p": "(?i:am|pm)",
    "z": "[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?",
}
_DIRECTIVE = re.compile("%(.)", re.DOTALL)
_NUMBERS = frozenset("mdHIMS")

ISO_DATE = f"{_DATE['Y']}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_ISO_MINUTES = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_ISO_SECONDS = r":[0-5][0-9](?:\.[0-9]{1,6}0*)?"
ISO_OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
ISO_TIMESTAMP = f"{ISO_DATE}[ T]{_ISO_MINUTES}(?:{_ISO_SECONDS}{ISO_OFFSET}?)?"
"""The pattern of ISO 8601 timestamps. As in DuckDB, an offset must follow seconds."""


def checked_date_format(value: str) -> str:
    """Return a valid format of dates. Raises ValueError if it does not determine the day, or has a time."""
    return _checked(value, _DATE, "a date")


def checked_timestamp_format(value: str) -> str:
    """Return a valid format of timestamps. Raises ValueError if it does not determine the instant."""
    checked = _checked(value, {**_DATE, **_TIME}, "a timestamp")
    found = _DIRECTIVE.findall(value)
    if ("I" in found) != ("p" in found):
        raise ValueError("has one of %I and %p; hours up to 12 need both")
    if "H" in found and "I" in found:
        raise ValueError("has both %H and %I; give the hour once")
    for finer, coarser in (("f", "S"), ("S", "M"), ("M", "HI")):
        if finer in found and not set(coarser) & set(found):
            raise ValueError(f"has %{finer} without %{coarser[0]}")
    return checked


def _checked(value: str, known: Mapping[str, str], what: str) -> str:
    if "%" in _DIRECTIVE.sub("", value):
        raise ValueError("ends in a `%` that begins nothing")
    found = [each for each in _DIRECTIVE.findall(value) if each != "%"]
    for each in found:
        if each not in known:
            allowed = ", ".join(f"%{name}" for name in known)
            raise ValueError(f"has %{each}; {what} may have {allowed}")
    if len(set(found)) != len(found):
        raise ValueError("has a part twice")
    for needed in ("Yy", "mbB", "d"):
        if len(set(needed) & set(found)) != 1:
            names = " or ".join(f"%{each}" for each in needed)
            raise ValueError(f"needs {names}, once: {what} has a year, a month and a day")
    if value != value.strip():
        raise ValueError("begins or ends with a space, which no reader of dates notices")
    return value


def format_pattern(value: str) -> str:
    """Return the regular expression of the texts that a valid format accepts, for both RE2 and Python.

    Two numbers side by side (`%Y%m%d`) have two digits each: with fewer they could be read in two ways.
    """
    parts = re.split("(%.)", value)
    tokens = [each for each in parts if each]
    return "".join(_token(tokens, at) for at in range(len(tokens)))


def _token(tokens: list[str], at: int) -> str:
    part = tokens[at]
    if not part.startswith("%") or part == "%%":
        return re.escape(part[-1:] if part.startswith("%") else part)
    pattern = {**_DATE, **_TIME}[part[1]]
    neighbours = (*tokens[max(at - 1, 0) : at], *tokens[at + 1 : at + 2])
    beside = [each for each in neighbours if each.startswith("%") and each[1] not in "%bBpz"]
    if part[1] in _NUMBERS and beside:
        return pattern.replace("0?", "0").replace("[01]?", "[01]").replace("[0-5]?", "[0-5]")
    return pattern
