"""Parse answers: names, lists, numbers, columns, yes and no. A wrong answer raises a sentence."""

from collections.abc import Iterable

from dataset_assets.lifecycle.wizard.question import wrong
from dataset_assets.lifecycle.wizard.state import NONE
from dataset_assets.text.wording import listed, nearest, nearest_first, shown

_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})


def parse_text(text: str, what: str) -> str:
    """Return a text that is not empty, on one line."""
    if not text.strip():
        raise wrong(f"{what} is required")
    if not text.isprintable():
        raise wrong(f"{what} {shown(text)} has characters that cannot be printed", "leave them out")
    return text.strip()


def parse_optional(text: str, what: str) -> str:
    """Return a text, empty for an answer that chooses nothing."""
    return "" if not text.strip() or text.strip().lower() in NONE else parse_text(text, what)


def parse_list(text: str) -> tuple[str, ...]:
    """Return the parts of a list that is separated by commas, each once; none for `-`."""
    if text.strip().lower() in NONE:
        return ()
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def parse_choice(text: str, known: Iterable[str], what: str) -> str:
    """Return the known value that the answer means, whatever its case."""
    values = list(known)
    found = {value.lower(): value for value in values}.get(text.strip().lower())
    if found is None:
        message = f"{shown(text.strip())} is no {what}" if text.strip() else f"a {what} is required"
        hint = nearest_first(text, values, "" if nearest(text, values) else f"choose: {listed(values, 12)}")
        raise wrong(message, hint)
    return found


def parse_number(text: str, what: str, low: int, high: int) -> int:
    """Return a whole number within limits, both included."""
    bare = text.strip().removesuffix("%").strip()
    if not bare.isdecimal() or not low <= int(bare) <= high:
        raise wrong(f"{what} {shown(text.strip())} is no whole number from {low} to {high}")
    return int(bare)


def parse_yes(text: str) -> bool:
    """Return whether the answer is yes."""
    answer = text.strip().lower()
    if answer not in _YES | _NO:
        raise wrong(f"{shown(text.strip())} is neither yes nor no", "answer `yes` or `no`")
    return answer in _YES
