"""The facts that suggestions rest on: described tables, and figures that are measured when needed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions.names import Name, common_prefix
from dataset_assets.discovery.suggestions.settings import SuggestionSettings
from dataset_assets.discovery.tables import ColumnDescription, TableDescription

Columns = Sequence[str]


@dataclass(frozen=True)
class KeyCounts:
    """The rows of a table, its distinct values of some columns, and the rows with a NULL in one of them."""

    rows: int
    distinct: int
    null_rows: int

    @property
    def is_unique(self) -> bool:
        """Whether no two rows have the same values, and none has a NULL."""
        return self.distinct == self.rows and not self.null_rows

    @property
    def is_lookup_key(self) -> bool:
        """Whether a value has at most one row; rows with a NULL match nothing (BR-111)."""
        return self.distinct == self.rows - self.null_rows and self.distinct > 0

    @property
    def duplicates(self) -> int:
        """The number of rows that repeat the values of another row."""
        return self.rows - self.distinct


@dataclass(frozen=True)
class GroupCounts:
    """The values of a column, and how many of them occur in one transaction only."""

    groups: int
    singles: int


class Measurements(ABC):
    """Figures of the stored rows. Columns are given by their stored names; NULLs count as no value."""

    @abstractmethod
    def key(self, table: str, columns: Columns) -> KeyCounts:
        """Return how far some columns distinguish the rows of a table."""

    @abstractmethod
    def nulls(self, table: str, columns: Columns) -> Mapping[str, int]:
        """Return the number of NULLs of each column."""

    @abstractmethod
    def matched(self, table: str, columns: Columns, other: str, others: Columns) -> int | None:
        """Return how many rows of `table` have a match in `other` by pairs of columns.

        None if no engine can read both tables.
        """

    @abstractmethod
    def transactions(self, table: str, user: str, transaction: str | None) -> GroupCounts:
        """Return how many users have rows, and how many of them only one transaction, else only one row."""

    @abstractmethod
    def rows_since(self, table: str, time: str, days: Sequence[date]) -> Sequence[int]:
        """Return for each day how many rows have that day or a later one (UTC)."""


@dataclass(frozen=True)
class Column:
    """A described column of a table. `prefix` begins the names of all columns of the table, or is empty."""

    table: str
    name: str
    described: ColumnDescription
    rows: int
    prefix: str = ""

    @property
    def named(self) -> Name:
        """The name without the prefix of its table, split into words."""
        return Name(self.name.removeprefix(self.prefix))

    @property
    def type(self) -> ColumnType | None:
        """The type that a contract declares; None if no type can hold the values."""
        return None if self.described.problem else self.described.declare_as

    @property
    def cardinality(self) -> int:
        """The number of distinct values."""
        return self.described.cardinality or 0

    @property
    def null_percent(self) -> float:
        """The share of NULLs from 0 to 100."""
        return self.described.null_percent or 0.0

    @property
    def can_identify(self) -> bool:
        """Whether the values can be identifiers: integers or texts."""
        return self.type in (ColumnType.INTEGER, ColumnType.STRING)

    @property
    def is_time(self) -> bool:
        """Whether the values are dates or instants."""
        return self.type is not None and self.type.is_time

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day of a time column; None if it has no values or is sensitive."""
        low, high = self.described.min, self.described.max
        if not self.is_time or not (isinstance(low, str) and isinstance(high, str)):
            return None
        return date.fromisoformat(low[:10]), date.fromisoformat(high[:10])


@dataclass(frozen=True)
class Facts:
    """The chosen tables with their statistics, what can be measured, the settings, and the present.

    `main` is the main table if a person chose it. `now` only decides whether a window should move with time.
    """

    descriptions: tuple[TableDescription, ...]
    measure: Measurements
    settings: SuggestionSettings
    now: datetime
    main: str | None = None

    def table(self, name: str) -> TableDescription:
        """Return the description of a table."""
        return next(each for each in self.descriptions if each.table == name)

    def columns(self, table: str) -> Iterator[Column]:
        """Yield the columns of a table that a contract can declare."""
        found = self.table(table)
        prefix = common_prefix([*found.columns])
        for name, described in found.columns.items():
            column = Column(table, name, described, found.row_count or 0, prefix)
            if column.type is not None and is_usable(name):
                yield column

    def column(self, table: str, name: str) -> Column:
        """Return a column of a table."""
        return next(each for each in self.columns(table) if each.name == name)


def is_usable(name: str) -> bool:
    """Return whether a contract can declare a column of this name (BR-011, BR-012)."""
    return len(name) <= 120 and name.isascii() and name.replace("_", "").isalnum() and name[:1].isalpha()


def percent(part: int, whole: int) -> float:
    """Return a share from 0 to 100, zero of nothing."""
    return 100.0 * part / whole if whole else 0.0


def percent_text(value: float) -> str:
    """Return a percentage for a sentence; one that is not whole is never shown as 0 % or 100 %."""
    if 0 < value < 0.1:
        return "less than 0.1 %"
    if 99.9 < value < 100:
        return "more than 99.9 %"
    return f"{value:.1f} %".replace(".0 %", " %")
