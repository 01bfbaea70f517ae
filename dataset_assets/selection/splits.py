"""Domain's `split_config`: which rows train and which evaluate. One class a strategy.

The column `split` is 0 for train, 1 for eval, 2 for test (BR-108).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp

from dataset_assets.model import Integer, Model
from dataset_assets.sql.build import number, text

MOST_DAYS = 36_500
"""A hundred years: dates that are counted back by so many days exist."""

TRAIN, EVAL, TEST = 0, 1, 2
NAMES = {TRAIN: "train", EVAL: "eval", TEST: "test"}


@dataclass(frozen=True)
class SplitInput:
    """What a split is made from.

    `anchor` is the day from which days count back (BR-106), `since(day)` asks whether a row's timestamp
    is that day's first instant or later, `user_key` and `row_key` are texts that tell users and rows apart.
    """

    anchor: date
    since: Callable[[date], exp.Expr]
    user_key: exp.Expr
    row_key: exp.Expr


class TimeBasedSplit(Model):
    """The last days evaluate: train on the past, predict the future.

    Counting back from the anchor: `test_days` of test, `eval_days` of eval, a hole of `gap_days`, then train.
    The days are whole: in a window, rows from the anchor on belong to no part and are not selected. Without a
    window every row is selected, and the last part goes on to the last row.
    """

    needs: ClassVar[tuple[str, ...]] = ("timestamp",)
    strategy: Literal["time_based"]
    eval_days: Annotated[Integer, Field(ge=1, le=MOST_DAYS)]
    gap_days: Annotated[Integer, Field(ge=0, le=MOST_DAYS)] = 0
    test_days: Annotated[Integer, Field(ge=0, le=MOST_DAYS)] = 0

    @property
    def days(self) -> int:
        """The number of days before the anchor that do not train."""
        return self.eval_days + self.gap_days + self.test_days

    @property
    def values(self) -> tuple[int, ...]:
        """The values `split` takes."""
        return (TRAIN, EVAL, TEST) if self.test_days else (TRAIN, EVAL)

    @property
    def parts_users(self) -> bool:
        """Whether all rows of a user have one split."""
        return False

    @property
    def whole_days(self) -> bool:
        """Whether a window ends with the last whole day before as-of."""
        return True

    def gap(self, anchor: date) -> tuple[date, date] | None:
        """The days between train and eval that belong to neither, half-open; None without a gap."""
        first = self._eval_start(anchor)
        return (first - timedelta(days=self.gap_days), first) if self.gap_days else None

    def expression(self, given: SplitInput) -> exp.Expr:
        """The value of `split`. A row without a timestamp, which no window holds, trains."""
        case = exp.Case()
        if self.test_days:
            test_start = given.anchor - timedelta(days=self.test_days)
            case = case.when(given.since(test_start), number(TEST))
        case = case.when(given.since(self._eval_start(given.anchor)), number(EVAL))
        return exp.cast(case.else_(number(TRAIN)), "BIGINT")

    def _eval_start(self, anchor: date) -> date:
        return anchor - timedelta(days=self.test_days + self.eval_days)


class RandomSplit(Model):
    """A share of the rows or of the users, as a pure function of the key (BR-109).

    MD5 of `seed:key`, its first 32 bits as eight hexadecimal digits, compared as text: both engines agree,
    and a row that is reordered, appended or loaded again never moves.
    """

    needs: ClassVar[tuple[str, ...]] = ()
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
    def values(self) -> tuple[int, ...]:
        """The values `split` takes."""
        return (TRAIN, EVAL, TEST) if self.test_percent else (TRAIN, EVAL)

    @property
    def parts_users(self) -> bool:
        """Whether all rows of a user have one split. All rows without a user count as one user's."""
        return self.unit == "user"

    @property
    def whole_days(self) -> bool:
        """Whether a window ends with the last whole day before as-of."""
        return False

    def gap(self, anchor: date) -> tuple[date, date] | None:  # noqa: ARG002
        """None: every row has a split."""
        return None

    def expression(self, given: SplitInput) -> exp.Expr:
        """The value of `split`: train first, then test, so that asking for a test moves no train row."""
        key = given.user_key if self.unit == "user" else given.row_key
        seeded = exp.Concat(expressions=[text(f"{self.seed}:"), key], safe=False, coalesce=False)
        bucket = exp.Substring(this=exp.MD5(this=seeded), start=number(1), length=number(8))
        case = exp.Case().when(_below(bucket, self.train_percent), number(TRAIN))
        if self.test_percent:
            case = case.when(_below(bucket, self.train_percent + self.test_percent), number(TEST))
        return exp.cast(case.else_(number(EVAL)), "BIGINT")


def _below(bucket: exp.Expr, percent: int) -> exp.Expr:
    """Whether a 32-bit bucket, in hexadecimal, is among the first `percent` hundredths."""
    first_after = f"{-(-percent * 2**32 // 100):08x}"
    return exp.LT(this=bucket.copy(), expression=text(first_after))


SplitConfig = Annotated[TimeBasedSplit | RandomSplit, Field(discriminator="strategy")]
