"""Split units at random: rows, users, products, or values of columns, with folds (BR-109, BR-135)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp
from typing_extensions import override

from dataset_assets.model import ColumnRef, Integer
from dataset_assets.selection.hash_buckets import bucket, is_below, seeded
from dataset_assets.selection.splits import EVAL, TEST, TRAIN, Split, SplitInput
from dataset_assets.sql.build import big, number
from dataset_assets.sql.nodes import Fingerprint, FingerprintPart

MOST_FOLDS = 100
"""The most folds: the statistics list them one by one."""


class NullUnit(StrEnum):
    """What a row is whose unit is NULL: one of a common unit, a unit of its own, or an error."""

    TOGETHER = "together"
    ROW = "row"
    ERROR = "error"


NAMED_UNITS: Mapping[str, tuple[str, ...]] = {"row": (), "user": ("user_id",), "product": ("product_id",)}
"""The units that have a name, with their published columns."""


class RandomSplit(Split):
    """A share of the units trains, as a pure function of seed and unit (BR-109, BR-135).

    The first 32 bits of the MD5 of `seed:key` are compared as text of eight hexadecimal digits. Both engines
    compute the same, and no row changes its part if rows are reordered, appended or loaded again.
    """

    strategy: Literal["random"]
    train_percent: Annotated[Integer, Field(ge=1, le=99)]
    test_percent: Annotated[Integer, Field(ge=0, le=98)] = 0
    unit: Annotated[
        Literal["row", "user", "product"] | Annotated[tuple[ColumnRef, ...], Field(min_length=1)],
        Field(
            description="What stays together: single rows, all rows of a user or of a product, or all rows "
            "with equal values in these published columns."
        ),
    ] = "row"
    null_unit: Annotated[
        NullUnit,
        Field(
            description="What a row with NULL in a column of its unit is. `together`: NULL is a value like "
            "others. `row`: the row is a unit of its own. `error`: nothing is published."
        ),
    ] = NullUnit.TOGETHER
    folds: Annotated[
        Annotated[Integer, Field(ge=2, le=MOST_FOLDS)] | None,
        Field(description="The number of folds: the column `fold` is 0 to this number less 1, by unit."),
    ] = None
    seed: Integer = 0

    @model_validator(mode="after")
    def _room_for_eval(self) -> Self:
        if self.train_percent + self.test_percent >= 100:
            raise ValueError(
                f"train_percent {self.train_percent} and test_percent {self.test_percent} leave no eval"
            )
        return self

    @model_validator(mode="after")
    def _null_unit_of_columns(self) -> Self:
        if self.null_unit is not NullUnit.TOGETHER and not self.unit_columns:
            raise ValueError("has a `null_unit`, but a unit that is a row is never NULL; remove it")
        return self

    @property
    @override
    def needs(self) -> frozenset[str]:
        return frozenset(self.unit_columns if isinstance(self.unit, str) else ())

    @property
    @override
    def values(self) -> tuple[int, ...]:
        return (TRAIN, EVAL, TEST) if self.test_percent else (TRAIN, EVAL)

    @property
    @override
    def unit_columns(self) -> tuple[str, ...]:
        return NAMED_UNITS[self.unit] if isinstance(self.unit, str) else self.unit

    @property
    @override
    def null_is_row(self) -> bool:
        return self.null_unit is NullUnit.ROW

    @property
    @override
    def refuses_null(self) -> bool:
        return self.null_unit is NullUnit.ERROR

    @property
    @override
    def fold_count(self) -> int:
        return self.folds or 0

    @property
    @override
    def empty_hint(self) -> str:
        if not self.unit_columns:
            return "there are few rows: try another `seed`"
        return "there are few units, or `fit_on: train` leaves out what only they have: try another `seed`"

    @property
    @override
    def asked_percents(self) -> Mapping[int, int]:
        rest = 100 - self.train_percent - self.test_percent
        percents = {TRAIN: self.train_percent, EVAL: rest, TEST: self.test_percent}
        return {value: percents[value] for value in self.values}

    @override
    def expression(self, given: SplitInput) -> exp.Expr:
        found = bucket(f"{self.seed}:", self._key(given))
        # Test rows are the buckets after the train rows, so that adding a test part moves no train row.
        case = exp.Case().when(is_below(found, self.train_percent), number(TRAIN))
        if self.test_percent:
            case = case.when(is_below(found, self.train_percent + self.test_percent), number(TEST))
        return exp.cast(case.else_(number(EVAL)), "BIGINT")

    @override
    def fold(self, given: SplitInput) -> exp.Expr:
        # Another text than that of the split is hashed, so that each fold has its share of train and eval.
        fingerprint = Fingerprint(this=seeded(f"{self.seed}:fold:", self._key(given)))
        hashed = exp.cast(FingerprintPart(this=fingerprint, part=number(0)), "BIGINT")
        return exp.Mod(this=hashed, expression=big(self.fold_count))

    def _key(self, given: SplitInput) -> exp.Expr:
        """Return the text that is hashed: equal for the rows of one unit, and for no others."""
        columns = self.unit_columns
        if not columns:
            return given.row_key
        if not self.null_is_row:
            return given.text_of(columns)
        own = seeded("row:", given.row_key)
        return exp.Case().when(given.lacks(columns), own).else_(given.text_of(columns))
