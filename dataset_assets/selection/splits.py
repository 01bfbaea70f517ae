"""`split_config`: how rows become train, eval or test rows, one class for each strategy (BR-108, BR-109).

The published column `split` is 0 for train, 1 for eval and 2 for test (BR-108). To add a strategy, write a
subclass of `Split` and add it to the union `SplitConfig` of `selection/split_config.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlglot import exp
from typing_extensions import override

from dataset_assets.model import Integer, Model
from dataset_assets.sql.build import number

MOST_DAYS = 36_500
"""The most days that a split may count back (a hundred years), so that the date exists."""

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
