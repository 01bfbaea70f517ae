"""Find a column by its physical name: an exact match first, then a match that ignores case."""

from collections.abc import Sequence


class AmbiguousNameError(LookupError):
    """A name that matches several columns, which the text lists."""


def find_column(name: str, names: Sequence[str]) -> str | None:
    """Return the one of `names` that matches `name`; None if none does.

    Raises AmbiguousNameError if two of them are equal, or differ only in case and neither is exactly `name`.
    """
    alike = [each for each in names if each.lower() == name.lower()]
    exact = [each for each in alike if each == name]
    if len(exact) == 1:
        return name
    if len(alike) > 1:
        relation = "are called alike" if len(set(alike)) == 1 else "differ in case alone"
        listed = ", ".join(repr(each) for each in alike)
        raise AmbiguousNameError(f"is ambiguous: the columns {listed} {relation}")
    return alike[0] if alike else None
