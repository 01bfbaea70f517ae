"""Format values, paths, names and sizes for messages, so that all messages read alike."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST = 60
_COMPARED = 2_000


def shown(value: Any) -> str:
    """Return a value as messages show it: text in quotes, escaped, on one line and shortened if long."""
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…")
    return str(value)


def dotted(path: Sequence[str | int]) -> str:
    """Return the path of a field in its file as text, such as `dataset.main_table.columns[2].type`."""
    text = ""
    for step in path:
        if isinstance(step, str) and _PLAIN_KEY.fullmatch(step):
            text += f".{step}"
        else:
            text += f"[{step if isinstance(step, int) else shown(step)}]"
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar of the first 2,000 known words; None if none is similar."""
    if len(word) > _LONGEST:
        return None
    return next(iter(difflib.get_close_matches(word.lower(), list(islice(known, _COMPARED)), n=1)), None)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint with the known word that is most similar; `otherwise` if none is similar."""
    meant = nearest(word, known)
    return f"did you mean `{meant}`?" if meant else otherwise


def nearest_first(word: str, known: Iterable[str], then: str = "") -> str:
    """Return a hint with the known word that is most similar, if there is one, followed by `then`."""
    meant = nearest(word, known)
    return " ".join(filter(None, (f"did you mean {meant!r}?" if meant else "", then)))


def listed(names: Iterable[str], most: int = 5, between: str = ", ") -> str:
    """Return the first names and the number of further ones, such as `a, b and 1,200 more`."""
    every = list(names)
    rest = f" and {len(every) - most:,} more" if len(every) > most else ""
    return between.join(every[:most]) + rest


def size_text(size: int) -> str:
    """Return a number of bytes in units of powers of 1024, such as `512 bytes` or `1.5 GiB`."""
    value, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{size:,} bytes" if units[0] == "bytes" else f"{value:,.1f} {units[0]}"
