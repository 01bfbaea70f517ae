"""`split_config`: how rows become train, eval or test rows, one class for each strategy (BR-108, BR-109).

The published column `split` is 0 for train, 1 for eval and 2 for test (BR-108). To add a strategy, write a
subclass of `Split` and add it to the union `SplitConfig`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp
from typing_extensions import override

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.model import Integer, Model
from dataset_assets.sql.build import number, text
from dataset_assets.text.wording import shown

MOST_DAYS = 36_500
"""The most days that a split may count back (a hundred years), so that the date exists."""

TRAIN, EVAL, TEST = 0, 1, 2
NAMES = {TRAIN: "train", EVAL: "eval", TEST: "test"}


@dataclass(frozen=True)
class SplitInput:
    """The expressions of a query that a split is computed from.

    `anchor` is the day from which days count back (BR-106). `since(day)` is true for a row whose timestamp
    is the first instant of that day or later. `user_key` and `row_key` are texts that identify the user and
    the row.
    """

    anchor: date
    since: Callable[[date], exp.Expr]
    user_key: exp.Expr
    row_key: exp.Expr


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
    def by_user(self) -> bool:
        """Whether all rows of a user are in one part. Rows without a user count as rows of one user."""
        return False

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


class RandomSplit(Split):
    """A share of the rows or of the users trains, as a pure function of seed and key (BR-109).

    The first 32 bits of the MD5 of `seed:key` are compared as text of eight hexadecimal digits. Both engines
    compute the same, and no row changes its part if rows are reordered, appended or loaded again.
    """

    strategy: Literal["random"]
    train_percent: Annotated[Integer, Field(ge=1, le=99)]
    test_percent: Annotated[Integer, Field(ge=0, le=98)] = 0
    unit: Literal["row", "user"] = "row"
    seed: Integer = 0

    @model_validator(mode="after")
    def _room_for_eval(self) -> Self:
        if self.train_percent + self.test_percent >= 100:
            raise ValueError(
                f"train_percent {self.train_percent} and test_percent {self.test_percent} leave no eval"
            )
        return self

    @property
    @override
    def needs(self) -> frozenset[str]:
        return frozenset({"user_id"} if self.by_user else ())

    @property
    @override
    def values(self) -> tuple[int, ...]:
        return (TRAIN, EVAL, TEST) if self.test_percent else (TRAIN, EVAL)

    @property
    @override
    def by_user(self) -> bool:
        return self.unit == "user"

    @override
    def expression(self, given: SplitInput) -> exp.Expr:
        key = given.user_key if self.by_user else given.row_key
        seeded = exp.Concat(expressions=[text(f"{self.seed}:"), key], safe=False, coalesce=False)
        bucket = exp.Substring(this=exp.MD5(this=seeded), start=number(1), length=number(8))
        # Test rows are the buckets after the train rows, so that adding a test part moves no train row.
        case = exp.Case().when(_below(bucket, self.train_percent), number(TRAIN))
        if self.test_percent:
            case = case.when(_below(bucket, self.train_percent + self.test_percent), number(TEST))
        return exp.cast(case.else_(number(EVAL)), "BIGINT")


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
