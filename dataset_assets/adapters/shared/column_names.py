"""Finds a column by its physical name: exactly first, then whatever its case."""

from collections.abc import Sequence


class AmbiguousNameError(LookupError):
    """Several columns could be meant. The text says which."""


def matching(name: str, names: Sequence[str]) -> str | None:
    """Return the one of `names` that is meant, None where there is none.

    Raises AmbiguousNameError where two are equal, or differ in case alone and neither is exactly `name`.
    """
    alike = [each for each in names if each.lower() == name.lower()]
    exact = [each for each in alike if each == name]
    if len(exact) == 1:
        return name
    if len(alike) > 1:
        how = "are called alike" if len(set(alike)) == 1 else "differ in case alone"
        listed = ", ".join(repr(each) for each in alike)
        raise AmbiguousNameError(f"is ambiguous: the columns {listed} {how}")
    return alike[0] if alike else None
