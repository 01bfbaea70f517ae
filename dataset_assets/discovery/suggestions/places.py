"""Suggest the column of the place of a user or a transaction."""

from collections.abc import Iterator

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column
from dataset_assets.discovery.suggestions.reach import Candidate, Reach, values_text

_POINTS = (
    (words_of.CITY, 90),
    (words_of.PLACE, 75),
    (words_of.REGION, 70),
    (words_of.STATE, 65),
    (words_of.STORE, 55),
)


def place_candidates(reach: Reach) -> Iterator[Candidate]:
    """Yield the columns that hold places; the place of a product's maker is not one of the user's."""
    for ref, column in reach.every():
        points = _points(column) or _name_points(reach, column)
        if points and column.cardinality > 1 and not reach.is_product_table(column.table):
            if column.type is not ColumnType.STRING:
                because = f"`{column.name}` numbers places, it does not name them"
            else:
                because = f"`{column.name}` names a place"
            points -= 10 if column.null_percent > 50 else 0
            yield Candidate(ref, points, f"{because}; {values_text(column)}")


def _name_points(reach: Reach, column: Column) -> int:
    """Return the points of the names of places in a table of places."""
    is_name = column.named.words in (("name",), ("title",)) and column.type is ColumnType.STRING
    about = next((points for vocabulary, points in _POINTS if reach.is_about(column.table, vocabulary)), 0)
    return about if is_name and column.table != reach.suggestions.main_table else 0


def _points(column: Column) -> int:
    name = column.named
    found = next((points for vocabulary, points in _POINTS if name.head in vocabulary), 0)
    if not column.can_identify or not found or name.has(words_of.PERSONAL) or name.is_flag:
        return 0
    return 30 if column.type is ColumnType.INTEGER else found - 20 * name.identifies
