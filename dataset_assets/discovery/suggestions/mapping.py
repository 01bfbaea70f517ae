"""Suggest the column of each concept, over all columns of the main table and the lookups."""

from collections.abc import Callable, Sequence

from dataset_assets.discovery.suggestions.amounts import revenue_candidates, why_no_revenue
from dataset_assets.discovery.suggestions.facts import Facts
from dataset_assets.discovery.suggestions.identifiers import (
    PRODUCT,
    TRANSACTION,
    USER,
    identifier_candidates,
)
from dataset_assets.discovery.suggestions.places import place_candidates
from dataset_assets.discovery.suggestions.products import categories, product_name_candidates
from dataset_assets.discovery.suggestions.reach import Candidate, Reach, best
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.discovery.suggestions.times import time_candidates, why_no_time
from dataset_assets.selection.column_mapping import ColumnMapping

REQUIRED = ("user_id", "product_id", "timestamp")
"""The concepts without which a dataset has no mapping, and is a contract alone."""

Candidates = Callable[[Reach], Sequence[Candidate]]
Why = Callable[[Reach], str]


def _because(reason: str) -> Why:
    return lambda _: reason


_IDS = "no column of integers or texts names {} or refers to a table of {}"
CONCEPTS: tuple[tuple[str, Candidates, Why | None], ...] = (
    (
        "product_id",
        lambda reach: [*identifier_candidates(reach, PRODUCT)],
        _because(_IDS.format("a product", "products")),
    ),
    (
        "user_id",
        lambda reach: [*identifier_candidates(reach, USER)],
        _because(_IDS.format("a user", "users")),
    ),
    ("timestamp", lambda reach: [*time_candidates(reach)], why_no_time),
    ("revenue", lambda reach: [*revenue_candidates(reach)], why_no_revenue),
    ("city", lambda reach: [*place_candidates(reach)], None),
    ("product_name", lambda reach: [*product_name_candidates(reach)], None),
    ("category", lambda reach: categories(reach)[0], None),
    ("subcategory", lambda reach: categories(reach)[1], None),
    ("transaction_id", lambda reach: [*identifier_candidates(reach, TRANSACTION)], None),
)
"""Concept, its candidates, and why there is none, in the order of suggesting: a later one reads earlier ones.

A concept without a reason is optional and left out without a word."""


def suggest_mapping(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest the column of each concept; no column is suggested for two of them."""
    for concept, candidates, why_none in CONCEPTS:
        reach = Reach(facts, suggestions)
        taken = {each.column for each in suggestions.column_mapping.values() if each.confidence.is_accepted}
        found = best([each for each in candidates(reach) if each.ref not in taken])
        if found:
            mapping = {**suggestions.column_mapping, concept: found}
            suggestions = suggestions.model_copy(update={"column_mapping": mapping})
        if why_none and not (found and found.confidence.is_accepted):
            guess = f"; `{found.column}` is a guess" if found else ""
            suggestions = suggestions.without(f"column_mapping.{concept}", f"{why_none(reach)}{guess}")
    return _in_order(suggestions)


def _in_order(suggestions: Suggestions) -> Suggestions:
    """Return the mapping in the order of the file, and say if it lacks what every mapping needs."""
    found = suggestions.column_mapping
    ordered = {concept: found[concept] for concept in ColumnMapping.model_fields if concept in found}
    suggestions = suggestions.model_copy(update={"column_mapping": ordered})
    if has_mapping(suggestions):
        return suggestions
    missing = [f"`{concept}`" for concept in REQUIRED if not suggestions.accepted(concept)]
    reason = (
        f"it needs {' and '.join(missing)}, for which there is no column: the dataset publishes the tables' "
        "columns as they are, without filters and split"
    )
    return suggestions.without("column_mapping", reason)


def has_mapping(suggestions: Suggestions) -> bool:
    """Return whether all required concepts have a column, so that a draft has a mapping."""
    return all(suggestions.accepted(concept) for concept in REQUIRED)
