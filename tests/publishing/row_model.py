"""A model in plain Python of published rows that people work on: what a table must hold after each step."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Values = tuple[Any, ...]


@dataclass(frozen=True)
class ModelRow:
    """A row: its content, and what the system knows of it. `token` stands for its `_row_id`."""

    values: Values
    token: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    deleted: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    def label(self, key: str) -> str | None:
        return dict(self.labels).get(key)

    def labelled(self, set_: Mapping[str, str], remove: Iterable[str]) -> "ModelRow":
        kept = {k: v for k, v in self.labels if k not in remove} | dict(set_)
        return replace(self, labels=tuple(sorted(kept.items())))


@dataclass
class ModelPeriod:
    """The rows of one Period in the order of their ids, and those of each earlier version of the table."""

    key: tuple[int, ...]
    rows: tuple[ModelRow, ...] = ()
    history: dict[int, tuple[ModelRow, ...]] = field(default_factory=dict)

    def at(self, version: int) -> tuple[ModelRow, ...] | None:
        """The rows in a version of the table; None if the Period was published later."""
        versions = [each for each in self.history if each <= version]
        return self.history[max(versions)] if versions else None

    def refresh(self, source: list[Values], now: datetime, run: str, tokens: Callable[[], int]) -> bool:
        """Replace the rows by those of the source; return whether anything differs."""
        before = self.rows
        known = self._known()
        kept, new = [], []
        for values in source:
            same = known.get(self._identity(values), [])
            if same:
                old = same.pop(0)
                updated = old.updated_at if old.values == values else now
                kept.append(replace(old, values=values, updated_at=updated))
            else:
                new.append(values)
        made = [ModelRow(values, tokens(), now, run, now) for values in new]
        self.rows = tuple(sorted([*kept, *made], key=lambda row: row.token))
        return self.rows != before

    def operate(
        self,
        touches: Callable[[ModelRow], bool],
        change: Callable[[ModelRow], ModelRow],
        now: datetime,
    ) -> int:
        """Change the rows that are touched and not deleted; return how many differ."""
        touched, rows = 0, []
        for row in self.rows:
            changed = change(row) if not row.deleted and touches(row) else row
            touched += changed != row
            rows.append(replace(changed, updated_at=now) if changed != row else row)
        self.rows = tuple(rows)
        return touched

    def rollback(self, earlier: tuple[ModelRow, ...], now: datetime) -> int:
        """Restore earlier rows; return how many rows differ, those that vanish included."""
        present = {row.token: row for row in self.rows}
        rows, touched = [], len(present.keys() - {row.token for row in earlier})
        for row in earlier:
            own = present.get(row.token)
            is_same = own is not None and replace(own, updated_at=row.updated_at) == row
            rows.append(replace(row, updated_at=own.updated_at if own and is_same else now))
            touched += not is_same
        self.rows = tuple(rows)
        return touched

    def _identity(self, values: Values) -> Values:
        return tuple(values[at] for at in self.key) if self.key else values

    def _known(self) -> dict[Values, list[ModelRow]]:
        known: dict[Values, list[ModelRow]] = {}
        for row in self.rows:
            known.setdefault(self._identity(row.values), []).append(row)
        return known
