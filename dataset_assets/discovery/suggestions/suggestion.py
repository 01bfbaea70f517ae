"""The models of suggestions: each value with the reason for it and how sure it is.

Their JSON form is described in `docs/json.md`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from dataset_assets.contract.model import ColumnType, JoinCondition
from dataset_assets.model import Model
from dataset_assets.selection.date_range import DateRange
from dataset_assets.selection.filters import CustomerFilter, ProductFilter
from dataset_assets.selection.split_config import SplitConfig


class Confidence(StrEnum):
    """How sure a suggestion is.

    `high`: names, types and measured figures agree. `medium`: they permit no better choice. `low`: a guess
    that a person has to confirm; no draft contains it unasked.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def is_accepted(self) -> bool:
        """Whether a draft contains the suggestion unasked."""
        return self is not Confidence.LOW


class Suggestion(Model):
    """A suggestion. `reason` is a sentence with the figures that it rests on."""

    reason: str
    confidence: Confidence


class TableRole(Suggestion):
    """The part of a table in the dataset: the main table, a lookup, or none."""

    table: str
    role: Literal["main", "lookup", "unused"]


class LookupSuggestion(Suggestion):
    """A lookup, whose key was measured to be unique (BR-111).

    `coverage_percent` is the share of the rows joined from that have a match, None if it was not measured.
    """

    table: str
    alias: str
    join_conditions: tuple[JoinCondition, ...]
    coverage_percent: float | None


class ConceptColumn(Suggestion):
    """The column of a concept, as `column` or `alias.column`. `alternatives` begin with the best one."""

    column: str
    alternatives: tuple[str, ...] = ()


class NaturalKeySuggestion(Suggestion):
    """The columns that distinguish the rows of the main table."""

    columns: tuple[str, ...]


class ExtraColumnSuggestion(Suggestion):
    """A column that is published beside the concepts, as `column` or `alias.column`."""

    column: str


class ColumnSuggestion(Suggestion):
    """The declaration of a column."""

    table: str
    name: str
    type: ColumnType
    nullable: bool
    sensitive: bool = False


class DateRangeSuggestion(Suggestion):
    """The time range of the rows."""

    value: DateRange


class ProductFilterSuggestion(Suggestion):
    """The filter of products."""

    value: ProductFilter


class CustomerFilterSuggestion(Suggestion):
    """The filter of customers."""

    value: CustomerFilter


class FitOnSuggestion(Suggestion):
    """The rows that the filters are fitted on (BR-105)."""

    value: Literal["all", "train"]


class FilterSuggestions(Model):
    """The suggested filters; None for a filter that the figures give no reason for."""

    date_range: DateRangeSuggestion | None = None
    product_filter: ProductFilterSuggestion | None = None
    customer_filter: CustomerFilterSuggestion | None = None
    fit_on: FitOnSuggestion | None = None


class SplitSuggestion(Suggestion):
    """How rows become train and eval rows."""

    value: SplitConfig


class EmbeddingSuggestion(Suggestion):
    """The dimension of an embedding for the values of a concept."""

    cardinality: int
    dimension: int


class Omission(Model):
    """A setting or table that is not suggested. `subject` is the field of the file, or a table."""

    subject: str
    reason: str


class Suggestions(Model):
    """All suggestions for a dataset over some tables.

    `resolver_id` is set if the tables are those of a resolver that is not the target's choice for them.
    """

    resolver_id: str | None = None
    tables: tuple[TableRole, ...] = ()
    lookups: tuple[LookupSuggestion, ...] = ()
    column_mapping: Mapping[str, ConceptColumn] = {}
    natural_key_columns: NaturalKeySuggestion | None = None
    extra_columns: tuple[ExtraColumnSuggestion, ...] = ()
    columns: tuple[ColumnSuggestion, ...] = ()
    filters: FilterSuggestions = FilterSuggestions()
    split_config: SplitSuggestion | None = None
    embeddings: Mapping[str, EmbeddingSuggestion] = {}
    omitted: tuple[Omission, ...] = ()

    @property
    def main_table(self) -> str:
        """The name of the main table (BR-001)."""
        return next(each.table for each in self.tables if each.role == "main")

    def without(self, subject: str, reason: str) -> "Suggestions":
        """Return the same suggestions with one omission more."""
        return self.model_copy(update={"omitted": (*self.omitted, Omission(subject=subject, reason=reason))})

    def accepted(self, concept: str) -> str | None:
        """Return the column of a concept that a draft contains unasked; None if there is none."""
        found = self.column_mapping.get(concept)
        return found.column if found and found.confidence.is_accepted else None
