"""How faults name places and values, so that all of them read alike."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST = 60
_COMPARED = 2_000


def shown(value: Any) -> str:
    """A value as a fault shows it: quoted, on one line, no escape sequences, shortened when long."""
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
    """The path of a field in its file: `dataset.main_table.columns[2].type`."""
    text = ""
    for step in path:
        if isinstance(step, str) and _PLAIN_KEY.fullmatch(step):
            text += f".{step}"
        else:
            text += f"[{step if isinstance(step, int) else shown(step)}]"
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any is near. Of very many the first are compared."""
    if len(word) > _LONGEST:
        return None
    return next(iter(difflib.get_close_matches(word.lower(), list(islice(known, _COMPARED)), n=1)), None)


def listed(names: Iterable[str], most: int = 5, between: str = ", ") -> str:
    """The first ones, and how many more there are: `a, b and 1,200 more`."""
    found = list(names)
    rest = f" and {len(found) - most:,} more" if len(found) > most else ""
    return between.join(found[:most]) + rest


def size_text(size: int) -> str:
    """Bytes as people write them, in powers of 1024: `512 bytes`, `1.5 GiB`."""
    value, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{size:,} bytes" if units[0] == "bytes" else f"{value:,.1f} {units[0]}"
