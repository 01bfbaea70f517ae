"""Read a bitemporal table: as of an instant and a Period, or everything that was ever said of its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from dataset_assets.contract.system_columns import (
    INTERVAL_COLUMNS,
    PERIOD_FROM,
    PERIOD_TO,
    VALID_FROM,
    VALID_TO,
)
from dataset_assets.rows.bitemporal import KNOWN, VALID
from dataset_assets.rows.stamping import timestamp
from dataset_assets.sql.build import column, text


@dataclass(frozen=True)
class BitemporalRead:
    """Which rows of a bitemporal table to read.

    Without `valid_at` rows of all valid times are read. Known in a Period that was not loaded is what the
    last load before it says; without `known_in` the last of all loads says it. With `history` the rows of all
    loads are read, in the order in which they became known.
    """

    valid_at: datetime | None = None
    known_in: str | None = None
    history: bool = False

    def rows(self, source: exp.Expr, *, include_deleted: bool = False) -> exp.Subquery:
        """Return the rows for FROM. Deleted rows are left out unless they are asked for (BR-019)."""
        conditions = self._conditions(include_deleted=include_deleted)
        return exp.select("*").from_(source.copy()).where(*conditions).subquery()

    def condition(self) -> exp.Expr:
        """Return whether a row is one of them, and not deleted."""
        return exp.and_(*self._conditions(include_deleted=False))

    def _conditions(self, *, include_deleted: bool) -> Iterator[exp.Expr]:
        if not include_deleted:
            yield exp.not_(column("_deleted"))
        if self.known_in is not None:
            yield KNOWN.contains(text(self.known_in))
        elif not self.history:
            yield column(PERIOD_TO).is_(exp.null())
        if self.valid_at is not None:
            yield VALID.contains(timestamp(self.valid_at))

    @property
    def shown(self) -> tuple[str, ...]:
        """The system columns without which the rows cannot be understood."""
        return INTERVAL_COLUMNS if self.history else (VALID_FROM, VALID_TO)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which the rows are ordered before their id."""
        return (PERIOD_FROM, VALID_FROM) if self.history else ()
