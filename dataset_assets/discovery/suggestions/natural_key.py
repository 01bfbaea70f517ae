"""Suggest the natural key: the smallest set of columns that is measured to be unique (BR-014)."""

from collections.abc import Iterator
from itertools import combinations
from math import prod

from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column, Facts, KeyCounts
from dataset_assets.discovery.suggestions.reach import Reach
from dataset_assets.discovery.suggestions.suggestion import (
    Confidence,
    NaturalKeySuggestion,
    Suggestions,
)

_CONCEPTS = ("transaction_id", "product_id", "user_id", "timestamp")
"""Concepts in the order in which their columns are sensible in a key."""
_MOST_CANDIDATES = 8


def suggest_natural_key(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest the smallest unique set of columns of the main table; none if every set has duplicates."""
    reach = Reach(facts, suggestions)
    table = suggestions.main_table
    candidates = [*_candidates(reach)][:_MOST_CANDIDATES]
    if not candidates:
        return suggestions.without("natural_key_columns", "no column without NULLs identifies anything")
    whole = facts.measure.key(table, [each.name for each in candidates])
    if not whole.is_unique:
        names = ", ".join(f"`{each.name}`" for each in candidates)
        reason = f"{whole.duplicates:,} of {whole.rows:,} rows repeat the values of another row in {names}"
        return suggestions.without("natural_key_columns", reason)
    columns, counts = _smallest(facts, candidates, whole)
    reason = f"all {counts.rows:,} rows differ in {' and '.join(f'`{each.name}`' for each in columns)}"
    sensible = len(columns) < len(candidates) or len(columns) <= facts.settings.natural_key.most_columns
    found = NaturalKeySuggestion(
        columns=tuple(each.name for each in columns),
        reason=reason,
        confidence=Confidence.HIGH if sensible and _says_so(columns, reach) else Confidence.MEDIUM,
    )
    return suggestions.model_copy(update={"natural_key_columns": found})


def _candidates(reach: Reach) -> Iterator[Column]:
    """Yield the columns that may be part of a key, the most sensible first."""
    by_name = {each.name: each for each in reach.main}
    mapped = [reach.suggestions.accepted(concept) for concept in _CONCEPTS]
    joined = [
        condition.source_column
        for lookup in reach.suggestions.lookups
        for condition in lookup.join_conditions
    ]
    identifying = [each.name for each in reach.main if each.can_identify and each.named.identifies]
    unique = [name for name in identifying if by_name[name].cardinality == by_name[name].rows]
    times = [each.name for each in reach.main if each.is_time]
    rest = [each.name for each in reach.main if each.can_identify and not _is_measure(each)]
    for name in dict.fromkeys((*unique, *filter(None, mapped), *joined, *identifying, *times, *rest)):
        column = by_name.get(name)
        if column and column.null_percent == 0 and column.cardinality > 1 and not column.named.numbers_rows:
            yield column


def _is_measure(column: Column) -> bool:
    """Return whether a column measures something, so that equal rows may differ in it by chance."""
    name = column.named
    return name.has(words_of.NOT_MONEY | words_of.SALES | words_of.AMOUNT | words_of.PRICE)


def _smallest(
    facts: Facts, candidates: list[Column], whole: KeyCounts
) -> tuple[tuple[Column, ...], KeyCounts]:
    """Return the first unique set of the smallest size, all candidates if none is smaller."""
    settings, measured = facts.settings.natural_key, 0
    for size in range(1, min(settings.most_columns, len(candidates)) + 1):
        for chosen in combinations(candidates, size):
            if not _can_be_unique(chosen, whole.rows):
                continue
            if measured >= settings.most_measured:
                return tuple(candidates), whole
            measured += 1
            counts = facts.measure.key(candidates[0].table, [each.name for each in chosen])
            if counts.is_unique:
                return chosen, counts
    return tuple(candidates), whole


def _can_be_unique(columns: tuple[Column, ...], rows: int) -> bool:
    """Return whether a set can distinguish so many rows; a time alone would do so only by chance."""
    return prod(each.cardinality for each in columns) >= rows and not all(each.is_time for each in columns)


def _says_so(columns: tuple[Column, ...], reach: Reach) -> bool:
    """Return whether names or roles say that the columns identify something."""
    mapped = {reach.suggestions.accepted(concept) for concept in _CONCEPTS}
    return all(each.named.identifies or each.name in mapped or each.is_time for each in columns)
