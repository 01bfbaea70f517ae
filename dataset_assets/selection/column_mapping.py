"""`column_mapping`: which column holds which concept of training, such as user or revenue."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dataset_assets.model import ColumnRef, Model

TRANSACTION = "transaction_id"
IDENTIFIERS = frozenset({"user_id", "product_id", TRANSACTION})
"""The concepts whose values are identifiers, so that a mean of them has no meaning."""


class ColumnMapping(Model):
    """The column of each concept, in the order in which a dataset publishes them (BR-113).

    `transaction_id` identifies one transaction (BR-104). `column_types` lists
    the types that the column of a concept may have; a concept that is not in it may have any type.
    """

    column_types: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "timestamp": ("date", "timestamp"),
        "revenue": ("decimal", "integer"),
    }

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
        """Yield (concept, column) for each concept that is mapped."""
        for concept in type(self).model_fields:
            column = getattr(self, concept)
            if column is not None:
                yield concept, column
