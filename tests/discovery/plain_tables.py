"""Tables as Python rows: their descriptions and measured figures in plain Python, to compare with SQL."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from typing_extensions import override

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions.facts import (
    Columns,
    Facts,
    GroupCounts,
    KeyCounts,
    Measurements,
)
from dataset_assets.discovery.suggestions.settings import SuggestionSettings
from dataset_assets.discovery.suggestions.suggest import suggestions_of
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.discovery.tables import ColumnDescription, TableDescription

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TYPES = {
    "i": ColumnType.INTEGER,
    "s": ColumnType.STRING,
    "n": ColumnType.DECIMAL,
    "b": ColumnType.BOOLEAN,
    "d": ColumnType.DATE,
    "t": ColumnType.TIMESTAMP,
}


@dataclass(frozen=True)
class PlainTable:
    """`columns` maps a name to a letter of TYPES and its values."""

    name: str
    columns: Mapping[str, tuple[str, Sequence[Any]]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))[1])

    def values(self, column: str) -> Sequence[Any]:
        return self.columns[column][1]

    def keys(self, columns: Columns) -> list[tuple[Any, ...]]:
        return [*zip(*(self.values(name) for name in columns), strict=True)]

    def describe(self) -> TableDescription:
        return TableDescription(
            table=self.name,
            resolver="shop",
            row_count=self.rows,
            last_modified=None,
            columns={
                name: _described(TYPES[letter], values) for name, (letter, values) in self.columns.items()
            },
        )


def _described(kind: ColumnType, values: Sequence[Any]) -> ColumnDescription:
    known = [value for value in values if value is not None]
    ordered = kind not in (ColumnType.STRING, ColumnType.BOOLEAN) and known
    return ColumnDescription(
        type=kind.value.upper(),
        declare_as=kind,
        cardinality=len(set(known)),
        null_percent=100 * (len(values) - len(known)) / len(values) if values else 0.0,
        min=_shown(min(known)) if ordered else None,
        max=_shown(max(known)) if ordered else None,
    )


def _shown(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | float) else value


@dataclass
class PlainMeasurements(Measurements):
    tables: Mapping[str, PlainTable]
    asked: Counter[str] = field(default_factory=Counter)

    @override
    def key(self, table: str, columns: Columns) -> KeyCounts:
        self.asked["key"] += 1
        keys = self.tables[table].keys(columns)
        whole = [key for key in keys if None not in key]
        return KeyCounts(len(keys), len(set(whole)), len(keys) - len(whole))

    @override
    def nulls(self, table: str, columns: Columns) -> Mapping[str, int]:
        return {name: sum(value is None for value in self.tables[table].values(name)) for name in columns}

    @override
    def matched(self, table: str, columns: Columns, other: str, others: Columns) -> int | None:
        self.asked["matched"] += 1
        known = {key for key in self.tables[other].keys(others) if None not in key}
        return sum(key in known for key in self.tables[table].keys(columns))

    @override
    def transactions(self, table: str, user: str, transaction: str | None) -> GroupCounts:
        found: dict[Any, list[Any]] = defaultdict(list)
        rows = self.tables[table].keys([user, transaction or user])
        for person, value in rows:
            if person is not None:
                found[person].append(value)
        counts = [
            len({each for each in values if each is not None}) if transaction else len(values)
            for values in found.values()
        ]
        return GroupCounts(len(counts), sum(count <= 1 for count in counts))

    @override
    def rows_since(self, table: str, time: str, days: Sequence[date]) -> Sequence[int]:
        values = [_day(value) for value in self.tables[table].values(time) if value is not None]
        return [sum(value >= day for value in values) for day in days]


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def facts_of(
    *tables: PlainTable, settings: SuggestionSettings | None = None, main: str | None = None
) -> Facts:
    return Facts(
        tuple(table.describe() for table in tables),
        PlainMeasurements({table.name: table for table in tables}),
        settings or SuggestionSettings(),
        NOW,
        main,
    )


def suggested(*tables: PlainTable, **options: Any) -> Suggestions:
    return suggestions_of(facts_of(*tables, **options))


def why_not(suggestions: Suggestions, subject: str) -> str:
    """Return the reason why something is not suggested."""
    return next(each.reason for each in suggestions.omitted if each.subject == subject)
