"""Source rows on which engines could differ: few distinct values for ties, NULLs and edge cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tests.oracle.test_selection import CLOCKS, DECLARED, TIMES, Draw

NIGHT = [*CLOCKS, time(0, 30), time(1), time(1, 45), time(2), time(2, 15), time(2, 30), time(3)]

KINDS = {
    "BIGINT": pa.int64(),
    "VARCHAR": pa.string(),
    "DECIMAL(38, 9)": pa.decimal128(38, 9),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
TYPES = DECLARED | TIMES | {"BOOLEAN": "boolean"}
EXTRA = {
    "flag": "BOOLEAN",
    "day": "DATE",
    "size": "BIGINT",
    "weight": "DECIMAL(38, 9)",
    "seen": "TIMESTAMPTZ",
}

WORDS = [
    *(None, "a", "a", "b", "", "ab", "ä|s1:", "n", "é", "e\u0301", "שלום", "👩‍👧 \U0001f600", "ﬁ", "ß"),
    *('it\'s "q"', "back\\slash\\n", "two\nlines\r\n\ttab", " ", "%s%d{x}`y`", "@p ? $1", "\u2028\ufeff\x01"),
]
CATEGORIES = ["a", "ab", 'it\'s "q"', "back\\slash\\n", "שלום", "e\u0301", "%s%d{x}`y`"]
DECIMALS = [
    *(None, Decimal(0), Decimal(1), Decimal(1), Decimal(-1), Decimal("0.5"), Decimal("7.25")),
    *(Decimal("0.000000001"), Decimal("-0.000000001"), Decimal("333736947.77")),
    *(Decimal("12345678901234567890.123456789"), Decimal("-98765432109876543210.987654321")),
]
FLOATS = [
    *(None, 0.0, -0.0, 1.0, 1.0, -1.0, 0.5, 7.25, 0.1 + 0.2, 333736947.77, -9999999.99),
    *(4194304.0009765625, 2.5e-9, -2.5e-9, 5e-10, 1e15 / 7, -1e19 / 3),
]
POOLS: Mapping[str, Sequence[Any]] = {
    "VARCHAR": WORDS,
    "DECIMAL(38, 9)": DECIMALS,
    "DOUBLE": FLOATS,
    "BOOLEAN": [None, True, False],
    "BIGINT": [None, 0, 1, 1, -1, 2**63 - 1, -(2**63), 10**15],
    "DATE": [None, date(1, 1, 1), date(1969, 12, 31), date(2020, 2, 29), date(9999, 12, 31)],
    "TIMESTAMPTZ": [
        None,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2020, 2, 29, 12, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
}
NUMBERS, NAMES = [None, 1, 1, 2, 3, 4], [None, "a", "a", "é", "e\u0301", "שלום", 'it\'s "q"']
KEYS = {
    "buyer": {"BIGINT": NUMBERS, "VARCHAR": NAMES},
    "item": {"BIGINT": [*NUMBERS, 5, 6]},
    "shelf": {"BIGINT": [None, 1, 2, 3]},
    "basket": {"BIGINT": [None, 1, 2, 3]},
    "kind": {"VARCHAR": [None, "b", *CATEGORIES]},
    "group": {"VARCHAR": [None, "b", *CATEGORIES]},
}
"""Columns that are joined on, counted as transactions or filtered, which have few distinct values."""

Rows = list[tuple]
Shapes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Rowmaker:
    """Creates the rows of all tables, most inside of the selection (from `first` on) or near its edges."""

    shapes: Shapes
    draw: Draw
    random: Random
    zone: ZoneInfo
    first: date
    has_no_end: bool

    def tables(self) -> dict[str, Rows]:
        sales = [self.sale(number) for number in range(self.draw.size)]
        return {
            "sales": sales,
            **{name: self.looked_up(name) for name in ("items", "shelves", "people")},
        }

    def looked_up(self, name: str) -> Rows:
        """Return one row for each key except the last one."""
        key, *others = self.shapes[name].items()
        keys = list(dict.fromkeys(KEYS[key[0]][key[1]]))[:-1]
        return [(value, *(self.value(*other) for other in others)) for value in keys]

    def sale(self, number: int) -> tuple:
        return (number, *(self.value(*each) for each in list(self.shapes["sales"].items())[1:]))

    def value(self, name: str, kind: str) -> Any:
        if name == "sold_at":
            return self.moment(kind)
        return self.random.choice(KEYS[name][kind] if name in KEYS else POOLS[kind])

    def moment(self, kind: str) -> date | None:
        """Draw an instant in local time of the selection's zone; rarely far away, if no window bounds it."""
        chance = self.random.random()
        if chance < 0.04:
            return None
        if chance < 0.08 and self.has_no_end and kind in POOLS:
            return self.random.choice(POOLS[kind])
        anchor = self.draw.oracle.anchor
        near = self.random.choice(self.draw.edges()) + timedelta(days=self.random.choice([-1, 0, 0, 1]))
        inside = anchor - timedelta(days=self.random.randint(1, max((anchor - self.first).days, 1)))
        far = anchor - timedelta(days=self.random.randint(-5, 120))
        day = self.random.choice([near, inside, inside, far])
        if kind == "DATE":
            return day
        clock = datetime.combine(day, self.random.choice(NIGHT))
        return clock if kind == "TIMESTAMP" else clock.replace(tzinfo=self.zone).astimezone(UTC)

    def changed(self, sales: Rows) -> Rows:
        """Return the sales a day later, in another order: some removed, some changed, some new."""
        kept = [row for row in sales if self.random.random() > 0.15]
        rows = [self.other(row) if self.random.random() < 0.3 else row for row in kept]
        rows += [self.sale(len(sales) + number) for number in range(len(sales) // 8)]
        self.random.shuffle(rows)
        return rows

    def other(self, row: tuple) -> tuple:
        fresh = self.sale(row[0])
        return tuple(new if self.random.random() < 0.3 else old for new, old in zip(fresh, row, strict=True))
