"""The columns that a dataset over the suggested tables can refer to, and the candidates for a concept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Column, Facts
from dataset_assets.discovery.suggestions.names import Name
from dataset_assets.discovery.suggestions.suggestion import ConceptColumn, Confidence, Suggestions

HIGH, MEDIUM = 80, 50
"""The points from which a candidate is of high and of medium confidence."""


@dataclass(frozen=True)
class Candidate:
    """A column for a concept, with points and what speaks for it."""

    ref: str
    points: int
    because: str


@dataclass(frozen=True)
class Reach:
    """The main table and the suggested lookups."""

    facts: Facts
    suggestions: Suggestions

    @cached_property
    def main(self) -> tuple[Column, ...]:
        """The columns of the main table."""
        return tuple(self.facts.columns(self.suggestions.main_table))

    @cached_property
    def joined(self) -> tuple[tuple[str, Column], ...]:
        """The columns of the lookups as (`alias.column`, column), without those that they are joined by."""
        return tuple(
            (f"{lookup.alias}.{each.name}", each)
            for lookup in self.suggestions.lookups
            for each in self.facts.columns(lookup.table)
            if each.name not in {condition.target_column for condition in lookup.join_conditions}
        )

    def every(self) -> Iterator[tuple[str, Column]]:
        """Yield every column with its reference, the main table's first."""
        yield from ((each.name, each) for each in self.main)
        yield from self.joined

    def find(self, ref: str) -> Column:
        """Return the column of a reference."""
        return next(column for name, column in self.every() if name == ref)

    def lookups_by(self, ref: str) -> Iterator[str]:
        """Yield the tables that are joined by a column, alone or among others."""
        for lookup in self.suggestions.lookups:
            if any(condition.source_column == ref for condition in lookup.join_conditions):
                yield lookup.table

    def is_about(self, table: str, vocabulary: frozenset[str]) -> bool:
        """Return whether a table's name says that its rows are of the kinds of a vocabulary."""
        return bool(vocabulary & set(Name(table).words))

    def is_product_table(self, table: str) -> bool:
        """Return whether the rows of a lookup are products, by its name or by the column it is joined by."""
        if table == self.suggestions.main_table:
            return False
        product = self.suggestions.accepted("product_id")
        return table in self._below(product) or self.is_about(table, words_of.PRODUCT_TABLE)

    def is_user_table(self, table: str) -> bool:
        """Return whether the rows of a lookup are users, by its name or by the column it is joined by."""
        if table == self.suggestions.main_table:
            return False
        user = self.suggestions.accepted("user_id")
        return table in self._below(user) or self.is_about(table, words_of.USER_TABLE)

    def _below(self, ref: str | None) -> set[str]:
        """Return the lookups that are joined by a column, and those that are joined from these."""
        tables = set(self.lookups_by(ref)) if ref else set[str]()
        for lookup in self.suggestions.lookups:
            sources = {each.source_column.rpartition(".")[0] for each in lookup.join_conditions}
            if sources & tables:
                tables.add(lookup.table)
        return tables


def best(candidates: Sequence[Candidate]) -> ConceptColumn | None:
    """Return the candidate with the most points, of equal ones the first; None if there is none."""
    ranked = sorted((each for each in candidates if each.points > 0), key=lambda each: -each.points)
    if not ranked:
        return None
    first = ranked[0]
    sure = Confidence.HIGH if first.points >= HIGH else Confidence.MEDIUM
    return ConceptColumn(
        column=first.ref,
        reason=first.because,
        confidence=sure if first.points >= MEDIUM else Confidence.LOW,
        alternatives=tuple(each.ref for each in ranked[1:6]),
    )


def values_text(column: Column) -> str:
    """Return the number of distinct values for a reason."""
    return f"{column.cardinality:,} distinct values"
