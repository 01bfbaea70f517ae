"""Suggest the columns that identify users, products and transactions."""

from collections.abc import Iterator
from dataclasses import dataclass

from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column
from dataset_assets.discovery.suggestions.names import Name
from dataset_assets.discovery.suggestions.reach import Candidate, Reach, values_text
from dataset_assets.text.wording import listed


@dataclass(frozen=True)
class Kind:
    """The kind of thing that a concept identifies: the words of its columns, and of its tables."""

    concept: str
    strong: frozenset[str]
    weak: frozenset[str]
    tables: frozenset[str]


USER = Kind("user_id", words_of.USER, frozenset(), words_of.USER_TABLE)
PRODUCT = Kind("product_id", words_of.PRODUCT, words_of.PRODUCT_WEAK, words_of.PRODUCT_TABLE)
TRANSACTION = Kind("transaction_id", words_of.TRANSACTION, words_of.TRANSACTION_WEAK, words_of.TRANSACTION)

_EXACT, _STRONG, _WEAK, _BY_RELATION = 85, 70, 60, 80


def identifier_candidates(reach: Reach, kind: Kind) -> Iterator[Candidate]:
    """Yield the columns that can identify users, products or transactions."""
    for ref, column in reach.every():
        if column.can_identify and column.cardinality > 1 and not _names_own_row(reach, column, kind):
            points, because = _by_name(column, kind)
            related = [table for table in reach.lookups_by(ref) if reach.is_about(table, kind.tables)]
            if related:
                points = max(points + 15, _BY_RELATION)
                because = " and ".join(filter(None, (because, f"it refers to `{listed(related)}`")))
            if points:
                points, remarks = _adjusted(reach, column, points, ref)
                yield Candidate(ref, points, f"{because}; {', '.join((values_text(column), *remarks))}")


def _by_name(column: Column, kind: Kind) -> tuple[int, str]:
    """Return the points and the reason that the name alone gives; no points for another subject."""
    name = column.named
    head = name.head
    if not head or name.is_flag or name.words[0] in words_of.COUNT:
        return 0, ""
    if name.words[-1] in words_of.TIME | words_of.COUNT:
        return 0, ""
    because = f"`{column.name}` names a {head}"
    extra = 10 if name.identifies else 0
    if head in kind.strong:
        return (_EXACT if len(name.subject) == 1 else _STRONG) + extra, because
    if head in kind.weak and (name.identifies or len(name.subject) == 1):
        return (_WEAK if len(name.subject) == 1 else _WEAK - 10) + extra, because
    return 0, ""


def _names_own_row(reach: Reach, column: Column, kind: Kind) -> bool:
    """Return whether a user or product column of the main table is the number of its own rows."""
    table = reach.suggestions.main_table
    return (
        kind is not TRANSACTION
        and column.table == table
        and bool(column.named.subject)
        and column.named.subject == Name(table).words
        and column.cardinality >= column.rows
    )


def _adjusted(reach: Reach, column: Column, points: int, ref: str) -> tuple[int, list[str]]:
    remarks = []
    if column.table != reach.suggestions.main_table:
        points -= 10
    if column.null_percent > 0:
        points -= 30 if column.null_percent > 50 else 5
        remarks.append(f"{column.null_percent:.1f} % NULL")
    if "." not in ref and column.rows > 50 and column.cardinality == column.rows:
        points -= 20
        remarks.append("each row has its own")
    return points, remarks
