"""Find the joins between the chosen tables: pairs of columns by name and type first, then measured.

A table can be a lookup if its key is measured to be unique. The share of rows that find a match is measured
as well, because a shared name alone proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column, Facts, KeyCounts, percent
from dataset_assets.discovery.suggestions.names import Name, same_subject

Pair = tuple[Column, Column]
"""A column of the table that is joined from, and the column of the lookup."""

_MOST_JOIN_COLUMNS = 3
_JOINED_BY_VALUES = (ColumnType.STRING,)
"""Integers are not joined by their values alone: most ranges of numbers overlap."""


@dataclass(frozen=True)
class Join:
    """A join from one table to another whose key is unique. `coverage` is 0 to 100, None if not measured.

    `by_name` is false if only the values of the columns fit.
    """

    source: str
    target: str
    pairs: tuple[tuple[str, str], ...]
    coverage: float | None
    key_rows: int
    by_name: bool = True

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The sort key of joins of one lookup, the best one last."""
        return self.by_name, self.coverage or 0.0, -len(self.pairs)


@dataclass
class JoinFinder:
    """Measures joins between tables, each pair of columns once and not more than the settings allow."""

    facts: Facts
    measured: int = 0
    exhausted: bool = False
    """Whether pairs of columns were left out because enough was measured."""
    rejected: dict[tuple[str, str], str] = field(default_factory=dict)
    """(source, target) → why the target cannot be a lookup of the source."""
    _keys: dict[tuple[str, tuple[str, ...]], KeyCounts] = field(default_factory=dict)
    _joins: dict[tuple[str, str], Join | None] = field(default_factory=dict)

    def join(self, source: str, target: str) -> Join | None:
        """Return the best join from `source` to the lookup `target` by names; None if there is none."""
        if (source, target) not in self._joins:
            found = [*self._named(source, target)]
            self._joins[source, target] = max(found, key=lambda each: each.rank, default=None)
        return self._joins[source, target]

    def join_by_values(self, source: str, target: str) -> Join | None:
        """Return the best join whose names differ and whose values agree; None if there is none."""
        found = [*self._by_values(source, target)]
        return max(found, key=lambda each: each.rank, default=None)

    def _named(self, source: str, target: str) -> Iterator[Join]:
        """Yield the joins of the smallest number of columns whose names say that they belong together."""
        pairs = [*self._pairs(source, target)]
        for size in range(1, _MOST_JOIN_COLUMNS + 1):
            found = [
                join
                for chosen in combinations(pairs, size)
                if self._is_sensible(chosen) and (join := self._measured(chosen, by_name=True))
            ]
            if found:
                yield from found
                return
        if pairs:
            names = ", ".join(f"`{right.name}`" for _, right in pairs)
            reason = f"no key of up to {_MOST_JOIN_COLUMNS} of {names} is unique in `{target}`"
            self.rejected.setdefault((source, target), reason)

    def _pairs(self, source: str, target: str) -> Iterator[Pair]:
        for left in self.facts.columns(source):
            for right in self.facts.columns(target):
                if _is_named_alike(left, right):
                    if left.type is right.type:
                        yield left, right
                    else:
                        self.rejected.setdefault((source, target), _other_type(left, right))

    def _is_sensible(self, pairs: tuple[Pair, ...]) -> bool:
        """Return whether pairs of different columns on both sides can be a key, by what is known already."""
        lefts, rights = ({each.name for each in side} for side in zip(*pairs, strict=True))
        if len(lefts) < len(pairs) or len(rights) < len(pairs):
            return False
        if not any(right.can_identify for _, right in pairs):
            return False
        most = 1
        for _, right in pairs:
            most *= max(right.cardinality, 1)
        return most >= (1.0 - max(right.null_percent for _, right in pairs) / 100) * pairs[0][1].rows * 0.97

    def _by_values(self, source: str, target: str) -> Iterator[Join]:
        """Yield joins of text columns of any name whose values are those of a unique column."""
        keys = [right for right in self.facts.columns(target) if _is_text_key(right)]
        for left in self.facts.columns(source):
            if left.type in _JOINED_BY_VALUES and left.cardinality > 2:
                for right in keys:
                    if _can_contain(right, left) and (join := self._measured(((left, right),), False)):
                        yield from [join] if (join.coverage or 0.0) >= 90 else []

    def _measured(self, pairs: tuple[Pair, ...], by_name: bool) -> Join | None:
        """Return the join by these pairs if its key is unique and rows match; None if not."""
        source, target = pairs[0][0].table, pairs[0][1].table
        key = self._key(target, tuple(right.name for _, right in pairs))
        if key is None or not key.is_lookup_key:
            return None
        self.measured += 1
        rows = pairs[0][0].rows
        matched = self.facts.measure.matched(
            source, [left.name for left, _ in pairs], target, [right.name for _, right in pairs]
        )
        coverage = None if matched is None else percent(matched, rows)
        named = tuple((left.name, right.name) for left, right in pairs)
        if coverage is not None and coverage < self.facts.settings.lookups.least_coverage_percent:
            if by_name:
                names = " and ".join(f"`{left}`" for left, _ in named)
                reason = f"only {matched:,} of {rows:,} rows of `{source}` have a match by {names}"
                self.rejected[source, target] = reason
            return None
        return Join(source, target, named, coverage, key.rows, by_name)

    def _key(self, table: str, columns: tuple[str, ...]) -> KeyCounts | None:
        """Return the counts of a key; None if no more may be measured."""
        if (table, columns) not in self._keys:
            if self.measured >= self.facts.settings.lookups.most_measured:
                self.exhausted = True
                return None
            self.measured += 1
            self._keys[table, columns] = self.facts.measure.key(table, columns)
        return self._keys[table, columns]


def _is_named_alike(left: Column, right: Column) -> bool:
    """Return whether two columns have the same name, or the lookup's is the id of what the other names."""
    if right.type is ColumnType.DECIMAL or right.type is ColumnType.BOOLEAN or _is_prose(right):
        return False
    if same_subject(left.named.text, right.named.text):
        return True
    if not (left.can_identify and right.can_identify):
        return False
    subject, table = left.named.subject, Name(right.table).words
    own = right.named.subject
    if not own and right.named.identifies:
        return bool(subject) and subject[-1:] == table[-1:]
    return bool(own) and own == subject and (left.named.identifies or right.named.identifies)


def _is_prose(column: Column) -> bool:
    """Return whether a column names or describes something for people, which is no key to join on."""
    return column.named.has(words_of.TITLE | words_of.DESCRIPTION | words_of.PROSE)


def _other_type(left: Column, right: Column) -> str:
    return (
        f"`{left.table}.{left.name}` is {left.type}, `{right.table}.{right.name}` is {right.type}: "
        "a join needs the same type"
    )


def _is_text_key(column: Column) -> bool:
    return (
        column.type in _JOINED_BY_VALUES
        and not _is_prose(column)
        and column.cardinality >= 0.97 * (1 - column.null_percent / 100) * column.rows
        and column.cardinality > 2
    )


def _can_contain(key: Column, column: Column) -> bool:
    """Return whether a key has enough values for another column's, apart from a few that match nothing."""
    return column.cardinality <= key.cardinality * 1.1
