"""A model in plain Python of a Project's output: what its table must hold after each run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.publishing.row_model import ModelRow

Period = str | None


@dataclass(frozen=True)
class ModelStep:
    """An operation: the rows that it touches, how it changes them, and the Period that it moves them to."""

    touches: Callable[[ModelRow], bool]
    change: Callable[[ModelRow], ModelRow] = lambda row: row
    to: Period = None


@dataclass(frozen=True)
class OutputRow:
    """A row of an output: the dataset's row after the operations, with the lineage of the Project."""

    row: ModelRow
    period: Period
    created_at: datetime
    created_by: str
    updated_at: datetime

    @property
    def content(self) -> object:
        row = self.row
        return row.values, row.deleted, row.labels, self.period


@dataclass
class ModelOutput:
    """The rows of an output by Period and token. `steps` and `include_deleted` may change between runs."""

    steps: tuple[ModelStep, ...] = ()
    include_deleted: bool = False
    periods: dict[Period, dict[int, OutputRow]] = field(default_factory=dict)
    moved: dict[Period, bool] = field(default_factory=dict)
    """Whether the publication of a Period was made with an operation that moves rows."""

    def due_rows(self, period: Period, sources: Mapping[Period, Iterable[ModelRow]]) -> list[ModelRow]:
        """Return the rows that belong to a Period after the operations."""
        moved_to = {each.to for each in self.steps if each.to}
        read = [each for each in sources if each == period or period in moved_to]
        rows = [self._after(row, each) for each in read for row in sources[each]]
        return [row for row, found in rows if found == period and (self.include_deleted or not row.deleted)]

    def publish(self, period: Period, rows: Iterable[ModelRow], now: datetime, run: str) -> bool:
        """Replace the rows of a Period; return whether anything differs."""
        before = self.periods.get(period)
        moves = any(each.to for each in self.steps)
        looks_everywhere = moves or self.moved.get(period, False)
        after = {}
        for row in rows:
            known = self._known(row.token, period, looks_everywhere)
            new = OutputRow(row, period, now, run, now)
            if known:
                new = replace(new, created_at=known.created_at, created_by=known.created_by)
                if known.content == new.content:
                    new = replace(new, updated_at=known.updated_at)
            after[row.token] = new
        self.periods[period] = after
        differs = before is None or _told(after) != _told(before)
        if differs:
            self.moved[period] = moves
        return differs

    def _after(self, row: ModelRow, period: Period) -> tuple[ModelRow, Period]:
        for step in self.steps:
            if not row.deleted and step.touches(row):
                row, period = step.change(row), step.to or period
        return row, period

    def _known(self, token: int, period: Period, moves: bool) -> OutputRow | None:
        """Return the row as this Period has it, else as the Period has it that had it first."""
        own = self.periods.get(period, {}).get(token)
        if own or not moves:
            return own
        others = [rows[token] for rows in self.periods.values() if token in rows]
        return min(others, key=lambda each: (each.created_at, each.period), default=None)


def _told(rows: Mapping[int, OutputRow]) -> object:
    """Return what a reader sees of rows; the system columns of the dataset's rows are not among it."""
    return {
        token: (row.content, row.created_at, row.created_by, row.updated_at) for token, row in rows.items()
    }
