"""Domain's `column_mapping`: which column plays which part in training."""

from collections.abc import Iterator

from dataset_assets.model import ColumnRef, Model

IDENTIFIERS = frozenset({"user_id", "product_id", "transaction_id"})
"""The concepts whose values only tell things apart: they have no mean."""


class ColumnMapping(Model):
    """Concept → column, in the order in which Domain lists them and the output shows them (BR-113).

    `transaction_id` is ours: what one transaction is (BR-104).
    """

    user_id: ColumnRef
    product_id: ColumnRef
    timestamp: ColumnRef
    revenue: ColumnRef | None = None
    city: ColumnRef | None = None
    product_name: ColumnRef | None = None
    category: ColumnRef | None = None
    subcategory: ColumnRef | None = None
    transaction_id: ColumnRef | None = None

    def concepts(self) -> Iterator[tuple[str, str]]:
        """(concept, column) of everything that is mapped."""
        for concept in type(self).model_fields:
            column = getattr(self, concept)
            if column is not None:
                yield concept, column
