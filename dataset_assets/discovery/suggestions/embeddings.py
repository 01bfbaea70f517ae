"""Suggest the dimensions of embeddings by the number of distinct values."""

from dataset_assets.discovery.suggestions.facts import Facts
from dataset_assets.discovery.suggestions.reach import Reach
from dataset_assets.discovery.suggestions.suggestion import (
    Confidence,
    EmbeddingSuggestion,
    Suggestions,
)

DIMENSIONS = ((50, 8), (1_000, 16), (10_000, 32), (100_000, 64), (1_000_000, 96))
"""(bound, dimension): fewer distinct values than the bound have this dimension (BR-130)."""
_LARGEST = 128
_EMBEDDED = ("user_id", "product_id", "city", "category", "subcategory")


def embedding_dimension(cardinality: int) -> int:
    """Return the dimension of an embedding of so many distinct values."""
    return next((size for bound, size in DIMENSIONS if cardinality < bound), _LARGEST)


def suggest_embeddings(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest a dimension for each concept whose values a model can embed."""
    reach = Reach(facts, suggestions)
    found: dict[str, EmbeddingSuggestion] = {}
    for concept in _EMBEDDED:
        ref = suggestions.accepted(concept)
        if ref:
            values = reach.find(ref).cardinality
            found[concept] = EmbeddingSuggestion(
                cardinality=values,
                dimension=embedding_dimension(values),
                reason=f"{values:,} distinct values",
                confidence=Confidence.HIGH,
            )
    return suggestions.model_copy(update={"embeddings": found})
