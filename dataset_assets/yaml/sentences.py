"""Word the validation errors of pydantic as sentences that a person can act on."""

import re
import string
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import StringConstraints

from dataset_assets.model import Age, ColumnRef, Identifier, ResolverName, Text
from dataset_assets.text.wording import did_you_mean, shown

Sentence = tuple[str, str]
"""The message of a fault, and the hint that says how to fix it; an empty text if there is no hint."""

_LETTERS = "letters, digits and `_`, beginning with a letter"
_RESERVED = "a leading `_` is reserved for system columns (BR-011)"


def _pattern(annotated: Any) -> str:
    return next(str(part.pattern) for part in get_args(annotated) if isinstance(part, StringConstraints))


_PATTERNS = {
    _pattern(Identifier): ("a name", f"use {_LETTERS}; {_RESERVED}"),
    _pattern(ResolverName): (
        "a resolver's name",
        "use letters, digits, `_` and `-`, beginning with a letter",
    ),
    _pattern(ColumnRef): ("a column", f"write `column` or `alias.column`, each of {_LETTERS}; {_RESERVED}"),
    _pattern(Age): ("a length of time", "write it as 30m, 26h or 7d"),
}

_BLANK = _pattern(Text)

_KINDS = {
    "string": ("text", ""),
    "model": ("a mapping", "write `key: value` lines"),
    "dict": ("a mapping", "write `key: value` lines"),
    "list": ("a list", "write it as [a, b], or each item on a line that begins with `- `"),
    "int": ("a whole number", ""),
    "float": ("a number", ""),
    "decimal": ("a number", ""),
    "is": ("a value of the expected kind", ""),
    "bool": ("true or false", ""),
    "date": ("a date", "write it as 2026-01-31"),
    "datetime": ("an instant", "write it as 2026-01-31T12:00:00Z"),
    "time": ("a time of day", "write it as 12:00:00"),
    "timedelta": ("a duration", "write it as P1DT12H"),
    "url": ("a URL", ""),
}
_ALIASES = {"tuple": "list", "set": "list", "frozen": "list", "mapping": "dict", "timezone": "datetime"}
_KIND = re.compile(
    r"(?P<kind>[a-z]+)_(.*_)?(type|attributes_type|parsing|parsing_size|inexact|from_float|aware|naive)"
)

_BOUNDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
}


def sentence(error: Mapping[str, Any]) -> Sentence:
    """Return the sentence for one error detail of pydantic."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is required", ""
    if value is None and kind not in ("value_error", "assertion_error"):
        return "is empty", "write a value"
    if kind in _SPECIAL:
        return _SPECIAL[kind](value, context)
    if kind in _BOUNDS:
        return f"is {shown(value)}, {_BOUNDS[kind].format(**context)}", ""
    match = _KIND.fullmatch(kind)
    name = _ALIASES.get(match["kind"], match["kind"]) if match else ""
    if name in _KINDS:
        wanted, hint = _KINDS[name]
        return f"is {shown(value)}, not {wanted}", hint
    return f"is {shown(value)}: {error['msg'].replace('Input should', 'it must')}", ""


def choice(value: Any, known: list[str]) -> Sentence:
    """Return the sentence for a value that is not one of the known ones."""
    none_of = f"not one of {', '.join(known)}" if len(known) > 1 else f"not {', '.join(known)}"
    return f"is {shown(value)}, {none_of}", did_you_mean(value, known) if isinstance(value, str) else ""


def quoted_words(text: str) -> list[str]:
    """Return the words of a list as pydantic writes it, `'a', 'b' or 'c'`."""
    return re.findall(r"'([^']*)'", text)


def _choice(value: Any, context: Mapping[str, Any]) -> Sentence:
    return choice(value, quoted_words(context["expected"]))


def _validator_error(value: Any, context: Mapping[str, Any]) -> Sentence:
    """Return the message of our own validator after the value; the part behind `; ` is the hint."""
    message, _, hint = str(context["error"]).partition("; ")
    if message.startswith("is not "):
        message = f"is {shown(value)}, {message.removeprefix('is ')}"
    elif isinstance(value, str) and value not in message:
        message = f"is {shown(value)}: {message}"
    return message, hint


def _too_few(value: Any, context: Mapping[str, Any]) -> Sentence:
    return f"has {len(value)} items, must have at least {context['min_length']}", ""


def _too_many(value: Any, context: Mapping[str, Any]) -> Sentence:
    return f"has {len(value)} items, must have at most {context['max_length']}", ""


def _too_short(value: str, context: Mapping[str, Any]) -> Sentence:
    if not value:
        return "is the empty text", "write a value"
    return f"is {shown(value)}, {_BOUNDS['string_too_short'].format(**context)}", ""


def _mismatch(value: str, context: Mapping[str, Any]) -> Sentence:
    if context["pattern"] == _BLANK:
        return f"is {shown(value)}, nothing but spaces", "write a value"
    wanted, hint = _PATTERNS.get(context["pattern"], ("", ""))
    return f"is {shown(value)}, not {wanted or 'of the form ' + context['pattern']}", hint


def _uuid(value: Any, _context: Mapping[str, Any]) -> Sentence:
    hint = "write 32 digits of 0-9 and a-f as 8-4-4-4-12"
    if not isinstance(value, str):
        return f"is {shown(value)}, not a UUID", hint
    wrong = next((char for char in value if char not in string.hexdigits + "-"), None)
    digits = sum(char in string.hexdigits for char in value)
    if wrong:
        reason = f": {shown(wrong)} is no hexadecimal digit"
    else:
        reason = f": it has {digits} hexadecimal digits, not 32" if digits != 32 else ""
    return f"is {shown(value)}, which is not a UUID{reason}", hint


_SPECIAL = {
    "literal_error": _choice,
    "enum": _choice,
    "value_error": _validator_error,
    "assertion_error": _validator_error,
    "too_short": _too_few,
    "too_long": _too_many,
    "string_too_short": _too_short,
    "string_pattern_mismatch": _mismatch,
    "uuid_parsing": _uuid,
    "uuid_type": _uuid,
    "uuid_version": _uuid,
}
