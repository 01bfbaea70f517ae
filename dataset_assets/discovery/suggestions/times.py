"""Suggest the column that says when the event of a row happened."""

from collections.abc import Iterator

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column
from dataset_assets.discovery.suggestions.reach import Candidate, Reach

_EPOCHS = (range(100_000_000, 5_000_000_000), range(100_000_000_000, 5_000_000_000_000))
"""Seconds and milliseconds since 1970 of the years 1973 to 2128."""


def time_candidates(reach: Reach) -> Iterator[Candidate]:
    """Yield the columns that can say when a row's event happened."""
    about = words_of.PRODUCT_TABLE | words_of.USER_TABLE
    for ref, column in reach.every():
        days = column.days
        of_event = column.table == reach.suggestions.main_table or not reach.is_about(column.table, about)
        if days and of_event:
            points, because = _points(column, ref)
            yield Candidate(ref, points, f"{because}; from {days[0]} to {days[1]}")


def _points(column: Column, ref: str) -> tuple[int, str]:
    """Return the points and a reason: a time of the event counts more than one of something around it."""
    name, kind = column.named, column.type or ""
    points = 70
    because = f"`{column.name}` is a {kind}"
    if name.has(words_of.EVENT) or set(name.words) <= words_of.TIME:
        points, because = 90, f"`{column.name}` is the {kind} of an event by its name"
    if name.has(words_of.TIME_OF_OTHERS) or name.has(words_of.PERSONAL):
        points, because = 40, f"`{column.name}` is a {kind}, but its name is of something else"
    points += 5 if column.type is ColumnType.TIMESTAMP else 0
    points -= 10 if "." in ref else 0
    if column.null_percent:
        points -= 30 if column.null_percent > 50 else 10
        because = f"{because} ({column.null_percent:.1f} % NULL)"
    return points, because


def why_no_time(reach: Reach) -> str:
    """Return why no column says when: which one would, if its values were of another type."""
    for column in reach.main:
        if column.named.has(words_of.TIME) and not column.is_time:
            low = column.described.min
            if column.type is ColumnType.INTEGER and isinstance(low, int) and any(low in r for r in _EPOCHS):
                return (
                    f"`{column.name}` holds whole numbers such as {low}, as of seconds or milliseconds since "
                    "1970: store it as a timestamp"
                )
            if column.type is ColumnType.STRING:
                return f"`{column.name}` holds texts: store it as a date or a timestamp"
    return "no column holds dates or timestamps of the main table's rows"
