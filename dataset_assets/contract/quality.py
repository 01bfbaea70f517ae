"""The quality rules of a dataset's file. Each becomes a check of the rows, in every run and in Dagster.

A class holds the settings of one kind of rule. `checks/quality.py` says how a kind is checked. To add a kind,
write one class, add it to `AnyQualityRule`, and register there how it is checked.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from dataset_assets.model import Identifier, Integer, Model, Number, Text
from dataset_assets.sql.where.where import Where, named_columns, parse_where
from dataset_assets.text.wording import listed

CHECK_PREFIX = "quality_"
"""Begins the name of each rule's check, so that no rule is called like a check of this library."""


class Severity(StrEnum):
    """Whether rows that break a rule only give a warning, or are not published."""

    WARN = "warn"
    BLOCK = "block"


class QualityRule(Model, ABC):
    """A rule that the published rows of a dataset have to keep. Deleted rows are left out."""

    name: Identifier
    severity: Annotated[
        Severity, Field(description="`warn` reports broken rules; with `block` nothing is published then.")
    ] = Severity.WARN

    @property
    def check_name(self) -> str:
        """The name of the rule's check: `quality_` and the rule's name."""
        return CHECK_PREFIX + self.name

    @property
    def blocks(self) -> bool:
        """Whether nothing is published if the rule is broken."""
        return self.severity is Severity.BLOCK

    @abstractmethod
    def words(self, sensitive: Collection[str]) -> str:
        """Return the rule as a clause for reports, without values of `sensitive` columns (BR-206)."""

    def is_masked(self, sensitive: Collection[str]) -> bool:
        """Return whether the rule has values of `sensitive` columns, which `words` leaves out."""
        return self.words(sensitive) != self.words(())


class ShareRule(QualityRule):
    """A rule on single rows, which `percent` of the rows have to keep: all of them by default."""

    percent: Annotated[
        Number, Field(gt=0, le=100, description="The share of the rows that have to keep the rule.")
    ] = Decimal(100)

    @property
    def _share(self) -> str:
        return "every row" if self.percent == 100 else f"at least {self.percent} % of the rows"

    def kept_by(self, rows: int, broken: int) -> bool:
        """Return whether enough rows keep the rule if `broken` of them do not."""
        return (rows - broken) * 100 >= self.percent * rows


class ConditionRule(ShareRule):
    """A rule that is a condition on single rows."""

    @abstractmethod
    def condition(self, types: Mapping[str, str]) -> Where:
        """Return the condition that is true for a row that keeps the rule.

        `types` are those of the published columns, by name. Raises WhereError if it does not fit them.
        """


class WhereRule(ConditionRule):
    """A rule that says by `where` which rows keep it. A row for which it is NULL breaks the rule."""

    type: Literal["where"]
    where: Text

    @override
    def condition(self, types: Mapping[str, str]) -> Where:
        return parse_where(self.where, types)

    @override
    def words(self, sensitive: Collection[str]) -> str:
        names = {name.lower() for name in sensitive}
        hidden = sorted(named_columns(self.where).intersection(names))
        condition = f"a condition on {listed(hidden)} holds" if hidden else self.where
        return f"for {self._share} {condition}"


class BetweenRule(ConditionRule):
    """A rule that the values of a column are within bounds, which are included. NULL keeps the rule."""

    type: Literal["between"]
    column: Identifier
    min: Text | None = None
    max: Text | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("has neither `min` nor `max`")
        return self

    @override
    def condition(self, types: Mapping[str, str]) -> Where:
        kind = next((kind for name, kind in types.items() if name.lower() == self.column.lower()), "")
        name = f'"{self.column}"'
        bounds = ((">=", self.min), ("<=", self.max))
        within = (f"{name} {sign} {_constant(kind, bound)}" for sign, bound in bounds if bound is not None)
        return parse_where(f"{name} IS NULL OR {' AND '.join(within)}", types)

    @override
    def words(self, sensitive: Collection[str]) -> str:
        is_hidden = self.column.lower() in {name.lower() for name in sensitive}
        within = "within bounds" if is_hidden else _bounds_words(self.min, self.max)
        return f"for {self._share} {self.column} is {within}"


class UniqueRule(QualityRule):
    """A rule that no two rows have the same values in `columns`. Rows with a NULL there are left out."""

    type: Literal["unique"]
    columns: Annotated[tuple[Identifier, ...], Field(min_length=1)]

    @override
    def words(self, sensitive: Collection[str]) -> str:
        return f"no two rows have the same {', '.join(self.columns)}"


class ReferencesRule(ShareRule):
    """A rule that a lookup of the dataset has a row for the rows."""

    type: Literal["references"]
    lookup: Identifier

    @override
    def words(self, sensitive: Collection[str]) -> str:
        return f"{self._share} is found in {self.lookup}"


class RowCountRule(QualityRule):
    """A rule on the number of rows of a publication; both bounds are included."""

    type: Literal["row_count"]
    min: Annotated[Integer, Field(ge=0)] | None = None
    max: Annotated[Integer, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("has neither `min` nor `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"has a `min` of {self.min:,}, above its `max` of {self.max:,}")
        return self

    @override
    def words(self, sensitive: Collection[str]) -> str:
        bounds = (None if bound is None else f"{bound:,}" for bound in (self.min, self.max))
        return f"there are {_bounds_words(*bounds)} rows"


AnyQualityRule = Annotated[
    WhereRule | BetweenRule | UniqueRule | ReferencesRule | RowCountRule, Field(discriminator="type")
]


def _bounds_words(low: str | None, high: str | None) -> str:
    """Return bounds in words: `at least 1 and at most 9`."""
    bounds = (("at least", low), ("at most", high))
    return " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)


def _constant(kind: str, value: str) -> str:
    """Return a bound as a constant of `where`; `kind` is the type of the column."""
    quoted = "'" + value.replace("'", "''") + "'"
    written = {"string": quoted, "date": f"DATE {quoted}", "timestamp": f"TIMESTAMP {quoted}"}
    return written.get(kind, value)
