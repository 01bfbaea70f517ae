"""`split_config`: how rows become train, eval or test rows, one class for each strategy (BR-108, BR-109).

The published column `split` is 0 for train, 1 for eval and 2 for test (BR-108). To add a strategy, write a
subclass of `Split` and add it to the union `SplitConfig`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp
from typing_extensions import override

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.model import ColumnRef, Integer, Model
from dataset_assets.sql.build import big, number, text
from dataset_assets.sql.nodes import Fingerprint, FingerprintPart
from dataset_assets.text.wording import shown

MOST_DAYS = 36_500
"""The most days that a split may count back (a hundred years), so that the date exists."""

MOST_FOLDS = 100
"""The most folds: the statistics list them one by one."""

SPLIT_COLUMN, FOLD_COLUMN = "split", "fold"
"""The names of the columns that a split publishes."""

TRAIN, EVAL, TEST = 0, 1, 2
NAMES = {TRAIN: "train", EVAL: "eval", TEST: "test"}


@dataclass(frozen=True)
class SplitInput:
    """The expressions of a query that a split is computed from.

    `anchor` is the day from which days count back (BR-106). `since(day)` is true for a row whose timestamp
    is the first instant of that day or later. `row_key` is a text that identifies the row, `text_of` the text
    of the values of published columns, and `lacks` is true for a row that has NULL in one of them.
    """

    anchor: date
    since: Callable[[date], exp.Expr]
    row_key: exp.Expr
    text_of: Callable[[Sequence[str]], exp.Expr]
    lacks: Callable[[Sequence[str]], exp.Expr]


class Split(Model, ABC):
    """A strategy: its settings, what it needs of the dataset, and the SQL of the column `split`.

    `by_day` is true if the parts are ranges of whole days; a window then ends with the last whole day before
    as-of.
    """

    by_day: ClassVar[bool] = False

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """The concepts that the dataset has to map for this split."""

    @property
    @abstractmethod
    def values(self) -> tuple[int, ...]:
        """The values that the column `split` can have, among TRAIN, EVAL and TEST."""

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """The published columns whose values are the unit that stays in one part; empty for single rows."""
        return ()

    @property
    def null_is_row(self) -> bool:
        """Whether a row that has NULL in a column of its unit is a unit of its own."""
        return False

    @property
    def refuses_null(self) -> bool:
        """Whether a row that has NULL in a column of its unit stops the publication."""
        return False

    @property
    def fold_count(self) -> int:
        """The number of folds for cross-validation that are published; 0 for none."""
        return 0

    @property
    def empty_hint(self) -> str:
        """The advice to a person who finds a part of the split without rows."""
        return "look at eval_days and at as-of"

    @property
    def asked_percents(self) -> Mapping[int, int]:
        """The percentage of the units that each part is to have; empty if the file does not say it."""
        return {}

    @property
    def days_not_trained(self) -> Mapping[str, int]:
        """The number of days before the anchor that do not train, by setting; empty if days play no part."""
        return {}

    def gap(self, anchor: date) -> tuple[date, date] | None:  # noqa: ARG002 - for those that have a gap
        """Return the half-open range of days that belong to no part; None if every row belongs to one."""
        return None

    @abstractmethod
    def expression(self, given: SplitInput) -> exp.Expr:
        """Return the SQL of the value of `split`, a BIGINT that is never NULL."""

    def fold(self, given: SplitInput) -> exp.Expr:
        """Return the SQL of the value of `fold`, a BIGINT that is never NULL, of a split that has folds."""
        raise NotImplementedError


class TimeBasedSplit(Split):
    """The last days evaluate, so that a model trains on the past and predicts the future.

    The days count back from the anchor: `test_days` of test, `eval_days` of eval, `gap_days` that belong to
    no part, then train. Days are whole: in a window, rows from the anchor on belong to no part and are not
    selected. Without a window every row is selected, and the last part ends with the last row. A row without
    a timestamp, which no window contains, trains.
    """

    by_day: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"timestamp"})
    strategy: Literal["time_based"]
    eval_days: Annotated[Integer, Field(ge=1, le=MOST_DAYS)]
    gap_days: Annotated[Integer, Field(ge=0, le=MOST_DAYS)] = 0
    test_days: Annotated[Integer, Field(ge=0, le=MOST_DAYS)] = 0

    @property
    @override
    def values(self) -> tuple[int, ...]:
        return (TRAIN, EVAL, TEST) if self.test_days else (TRAIN, EVAL)

    @property
    @override
    def days_not_trained(self) -> Mapping[str, int]:
        days = {"eval_days": self.eval_days, "gap_days": self.gap_days, "test_days": self.test_days}
        return {setting: number for setting, number in days.items() if number}

    @override
    def gap(self, anchor: date) -> tuple[date, date] | None:
        first = self._eval_start(anchor)
        return (first - timedelta(days=self.gap_days), first) if self.gap_days else None

    @override
    def expression(self, given: SplitInput) -> exp.Expr:
        case = exp.Case()
        if self.test_days:
            test_start = given.anchor - timedelta(days=self.test_days)
            case = case.when(given.since(test_start), number(TEST))
        case = case.when(given.since(self._eval_start(given.anchor)), number(EVAL))
        return exp.cast(case.else_(number(TRAIN)), "BIGINT")

    def _eval_start(self, anchor: date) -> date:
        return anchor - timedelta(days=self.test_days + self.eval_days)


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
        seeded = _seeded(f"{self.seed}:", self._key(given))
        bucket = exp.Substring(this=exp.MD5(this=seeded), start=number(1), length=number(8))
        # Test rows are the buckets after the train rows, so that adding a test part moves no train row.
        case = exp.Case().when(_below(bucket, self.train_percent), number(TRAIN))
        if self.test_percent:
            case = case.when(_below(bucket, self.train_percent + self.test_percent), number(TEST))
        return exp.cast(case.else_(number(EVAL)), "BIGINT")

    @override
    def fold(self, given: SplitInput) -> exp.Expr:
        # Another text than that of the split is hashed, so that each fold has its share of train and eval.
        fingerprint = Fingerprint(this=_seeded(f"{self.seed}:fold:", self._key(given)))
        hashed = exp.cast(FingerprintPart(this=fingerprint, part=number(0)), "BIGINT")
        return exp.Mod(this=hashed, expression=big(self.fold_count))

    def _key(self, given: SplitInput) -> exp.Expr:
        """Return the text that is hashed: equal for the rows of one unit, and for no others."""
        columns = self.unit_columns
        if not columns:
            return given.row_key
        if not self.null_is_row:
            return given.text_of(columns)
        own = _seeded("row:", given.row_key)
        return exp.Case().when(given.lacks(columns), own).else_(given.text_of(columns))


def _seeded(seed: str, key: exp.Expr) -> exp.Expr:
    return exp.Concat(expressions=[text(seed), key], safe=False, coalesce=False)


def _below(bucket: exp.Expr, percent: int) -> exp.Expr:
    """Return the condition that a 32-bit bucket, in hexadecimal, is in the first `percent` hundredths."""
    first_after = f"{-(-percent * 2**32 // 100):08x}"
    return exp.LT(this=bucket.copy(), expression=text(first_after))


SplitConfig = Annotated[TimeBasedSplit | RandomSplit, Field(discriminator="strategy")]


def split_value(config: Split | None, name: str) -> int:
    """Return the value of the split called `name`. Raises UnsupportedError if the dataset has none."""
    names = {NAMES[value]: value for value in config.values} if config else {}
    if name not in names:
        hint = f"it has {', '.join(names)}" if names else "it has no split_config"
        raise UnsupportedError(Fault(f"the dataset has no split {shown(name)}", hint=hint))
    return names[name]
