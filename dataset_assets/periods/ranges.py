"""Group what belongs to Periods into ranges of consecutive Periods."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dataset_assets.periods.period import Period

_T = TypeVar("_T")


def ranges(items: Iterable[_T], continues: Callable[[_T, _T], bool]) -> Iterator[tuple[_T, ...]]:
    """Yield runs of neighbouring items in which each one continues the one before it."""
    current: list[_T] = []
    for item in items:
        if current and not continues(current[-1], item):
            yield tuple(current)
            current = []
        current.append(item)
    if current:
        yield tuple(current)


def follows(before: Period | None, period: Period | None) -> bool:
    """Return whether a Period begins where another one ends; None is no Period."""
    return before is not None and period is not None and before.end == period.start
