"""Suggest the column of revenue: what was paid for a row. A rating or the price of one unit is not."""

from collections.abc import Iterator

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column
from dataset_assets.discovery.suggestions.reach import Candidate, Reach

_MONEY = words_of.SALES | words_of.AMOUNT | words_of.PRICE | words_of.VALUE
_GENERIC = _MONEY | words_of.CURRENCY
_UNIT = frozenset({"unit"})


def revenue_candidates(reach: Reach) -> Iterator[Candidate]:
    """Yield the columns of the main table that hold amounts of money."""
    quantity = quantity_column(reach)
    for column in reach.main:
        points, because = _points(column, quantity)
        if points:
            figures = f"from {column.described.min} to {column.described.max}"
            yield Candidate(column.name, points, f"{because}; {figures}")


def quantity_column(reach: Reach) -> Column | None:
    """Return the column that says how many units a row is of; None if there is none."""
    return next(
        (
            each
            for each in reach.main
            if _is_number(each) and each.named.has(words_of.QUANTITY) and not each.named.has(_MONEY)
        ),
        None,
    )


_KINDS = (
    (words_of.SALES, 90, "is of sales by its name"),
    (words_of.AMOUNT, 80, "is an amount by its name"),
    (words_of.PRICE, 60, "is a price, and no column says how many units"),
    (words_of.VALUE, 35, "may be an amount of money"),
)


def _points(column: Column, quantity: Column | None) -> tuple[int, str]:
    """Return the points and the reason of an amount; no points for what is not what was paid for a row."""
    if not _can_be_money(column) or _is_unit_price(column, quantity):
        return 0, ""
    exact = 5 if column.type is ColumnType.DECIMAL else 0
    found = next(
        ((each, said) for words, each, said in _KINDS if column.named.has(words)), (30, _KINDS[-1][2])
    )
    return found[0] + exact, f"`{column.name}` {found[1]}"


def _can_be_money(column: Column) -> bool:
    name = column.named
    if not _is_number(column) or column.cardinality < 2 or name.identifies:
        return False
    other = words_of.NOT_MONEY - (_UNIT if name.has(words_of.PRICE) else frozenset())
    return name.head in _GENERIC and not name.has(other)


def _is_number(column: Column) -> bool:
    return column.type in (ColumnType.DECIMAL, ColumnType.INTEGER)


def _is_unit_price(column: Column, quantity: Column | None) -> bool:
    """Return whether a column is the price of one unit, because the number of units is in another one."""
    name = column.named
    return (
        quantity is not None and name.has(words_of.PRICE) and not name.has(words_of.AMOUNT | words_of.SALES)
    )


def why_no_revenue(reach: Reach) -> str:
    """Return why no column is revenue: which one looks like it, and what it is instead."""
    quantity = quantity_column(reach)
    prices = [each for each in reach.main if _is_number(each) and _is_unit_price(each, quantity)]
    if prices and quantity:
        return (
            f"`{prices[0].name}` is the price of one unit, and `{quantity.name}` says how many: let the "
            "source have a column with their product"
        )
    rating = next((each for each in reach.main if _is_number(each) and each.named.has(words_of.RATING)), None)
    if rating:
        return f"`{rating.name}` is a rating, not money"
    return "no column of the main table is an amount of money by its name"
