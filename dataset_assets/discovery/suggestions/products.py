"""Suggest the columns that describe products: name, category and subcategory."""

from collections.abc import Iterator

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column
from dataset_assets.discovery.suggestions.reach import Candidate, Reach, values_text

_ANY_PRODUCT = words_of.PRODUCT | words_of.PRODUCT_WEAK
_TITLES = words_of.TITLE | words_of.DESCRIPTION
_CATEGORIES = words_of.CATEGORY | words_of.CATEGORY_WEAK | words_of.SUB


def product_name_candidates(reach: Reach) -> Iterator[Candidate]:
    """Yield the texts that name products."""
    for ref, column in reach.every():
        points = _name_points(reach, column)
        if points and column.type is ColumnType.STRING and column.cardinality > 1:
            yield Candidate(ref, points, f"`{column.name}` names products; {values_text(column)}")


def _name_points(reach: Reach, column: Column) -> int:
    name, own = column.named, column.table == reach.suggestions.main_table
    about = bool(_ANY_PRODUCT & set(name.words))
    if not own and not reach.is_product_table(column.table):
        return 0
    if name.head in _TITLES and not name.identifies:
        others = set(name.words) - _ANY_PRODUCT - _TITLES
        base = 90 if name.head in words_of.TITLE else 80
        if others:
            base -= 40
        return base if about or not own else _bare_name_points(name.head)
    return 60 if about and set(name.words) <= _ANY_PRODUCT and _is_not_the_id(reach, column) else 0


def _bare_name_points(head: str) -> int:
    """Return the points of a name in the main table that does not say what it names."""
    return {"title": 70, "description": 60, "desc": 60}.get(head, 30)


def _is_not_the_id(reach: Reach, column: Column) -> bool:
    return reach.suggestions.accepted("product_id") not in (None, column.name)


def categories(reach: Reach) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates for the category, and those for the subcategory, which divides it further.

    Of several columns the coarsest is the category, and the next one the subcategory.
    """
    found = [
        (ref, column, points) for ref, column in reach.every() if (points := _category_points(reach, column))
    ]
    found.sort(key=lambda each: (each[1].named.has(words_of.SUB), each[2] < 80, each[1].cardinality))
    if not found:
        return [], []
    first = found[0]
    if first[1].named.has(words_of.SUB):
        return [], [_candidate(*each) for each in found]
    finer = [each for each in found[1:] if each[1].cardinality > first[1].cardinality]
    finer.sort(key=lambda each: (not each[1].named.has(words_of.SUB), each[1].cardinality))
    others = [(ref, column, 30) for ref, column, _ in found[1:]]
    return [_candidate(*each) for each in (first, *others)], [_candidate(*each) for each in finer]


def _candidate(ref: str, column: Column, points: int) -> Candidate:
    return Candidate(ref, points, f"`{column.name}` groups products; {values_text(column)}")


def _category_points(reach: Reach, column: Column) -> int:
    name, own = column.named, column.table == reach.suggestions.main_table
    products = reach.is_product_table(column.table)
    about = bool((_ANY_PRODUCT | words_of.CATEGORY) & set(name.words))
    if column.type is not ColumnType.STRING or not 1 < column.cardinality <= max(column.rows // 2, 2):
        return 0
    if not (own or products) or not set(name.words) & _CATEGORIES or name.head in words_of.TIME:
        return 0
    if name.head in words_of.CATEGORY or name.has(words_of.SUB):
        return 95 if products else 80
    if name.head in words_of.CATEGORY_WEAK and (products or about):
        return 80 if about else 60
    named = name.head in words_of.TITLE and set(name.words) & words_of.CATEGORY
    return 80 if named else 0
