"""Random datasets: definitions over the whole selection, and rows on which engines could well differ.

The definitions are the oracle's, with more types, zones, Periods and a nested dataset; the rows are small, so
that ties, duplicates, NULLs and the edges of windows are common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from dataset_assets.periods.calendar import Calendars
from dataset_assets.periods.period import Period
from tests.oracle.oracle import Oracle
from tests.oracle.test_selection import (
    CLOCKS,
    DECLARED,
    ITEMS,
    SALES,
    SHELVES,
    TIMES,
    Draw,
    definitions,
)
from tests.oracle.test_selection import PEOPLE as PEOPLE_SHAPE

STEM, NESTED = "chosen", "known_people"
DATASET_ID, PEOPLE_ID = "01a2001c-5bae-7b91-b4bb-a18b13ce1100", "01a2001c-5baf-7ea5-90b9-0d6b764edd8d"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe")
CALENDARS = {
    "berlin": {"type": "standard", "zone": "Europe/Berlin"},
    "york": {"type": "fiscal", "start_month": 4, "year_label": "starting", "zone": "America/New_York"},
    "havana": {"type": "standard", "zone": "America/Havana"},
    "howe": {"type": "retail", "zone": "Australia/Lord_Howe"},
}
CADENCES = ("day", "week", "month", "quarter", "berlin.month", "york.quarter", "havana.day", "howe.week")
CLOCK_CHANGES = [(2020, 3, 8), (2020, 3, 29), (2020, 4, 5), (2020, 10, 4), (2020, 10, 25), (2020, 11, 1)]
"""In the zones above; Lord Howe's clocks move by half an hour, Havana's at midnight."""
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
"""What tables are joined on, what counts as one transaction and what filters ask for: few values."""

Rows = list[tuple]
DAYS = st.dates(date(2019, 12, 1), date(2021, 3, 31)) | st.builds(
    lambda change, days: date(*change) + timedelta(days=days),
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-1, 2),
)


@dataclass(frozen=True)
class Case:
    """`zone` is that of naive timestamps; `later` are the sales of the next load.

    The rows are a function of the rest: `seed` and `size` say which.
    """

    definition: Mapping[str, Any]
    shapes: Mapping[str, Mapping[str, str]]
    rows: Mapping[str, Rows] = field(repr=False)
    later: Rows = field(repr=False)
    seed: int
    size: int
    as_of: datetime
    period: Period | None
    zone: str

    @property
    def nested(self) -> bool:
        """Whether the lookup `people` is a dataset of its own."""
        return any(lookup["target"]["type"] == "dataset" for lookup in self.definition["lookups"])

    def table(self, name: str, rows: Rows) -> pa.Table:
        """Rows of a table as Arrow."""
        shape = self.shapes[name].items()
        columns = {
            column: pa.array([row[place] for row in rows], KINDS[kind])
            for place, (column, kind) in enumerate(shape)
        }
        return pa.table(columns)


PEOPLE = {
    "id": PEOPLE_ID,
    "name": "People",
    "owner": "ada",
    "allow_empty": True,
    "natural_key_columns": ["buyer"],
}
"""The nested dataset but for its table."""


def columns(shape: Mapping[str, str], *never_null: str) -> list[dict[str, Any]]:
    return [{"name": n, "type": TYPES[kind], "nullable": n not in never_null} for n, kind in shape.items()]


@dataclass(frozen=True)
class Rowmaker:
    """Rows of all tables, most of them inside of what is selected (from `first` on), or near its edges."""

    shapes: Mapping[str, Mapping[str, str]]
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
        """One row for each key, but for the last one."""
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
        """By the clock of the zone in which days are days; rarely far away, where nothing bounds it."""
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
        """The sales a day later, in another order: some gone, some with other values, some new."""
        kept = [row for row in sales if self.random.random() > 0.15]
        rows = [self.other(row) if self.random.random() < 0.3 else row for row in kept]
        rows += [self.sale(len(sales) + number) for number in range(len(sales) // 8)]
        self.random.shuffle(rows)
        return rows

    def other(self, row: tuple) -> tuple:
        fresh = self.sale(row[0])
        return tuple(new if self.random.random() < 0.3 else old for new, old in zip(fresh, row, strict=True))


@st.composite
def cases(draw: st.DrawFn, *, nested: bool) -> Case:
    """Any dataset; with `nested` a lookup may be a dataset of its own."""
    cadence_name = draw(st.none() | st.sampled_from(CADENCES))
    day = draw(DAYS)
    clock = draw(st.sampled_from(CLOCKS))
    as_of, period, days_in = datetime.combine(day, clock, UTC), None, ZoneInfo("UTC")
    if cadence_name:
        cadence = Calendars.model_validate({"calendars": CALENDARS}).cadence(cadence_name)
        period = cadence.containing(day)
        as_of, days_in = datetime.combine(period.end_date, time(), UTC), cadence.zone
    shapes = draw(shapes_of())
    definition = draw(definitions(as_of, shapes["sales"]["sold_at"]))
    definition = draw(adapted(definition, shapes, period, cadence_name, nested=nested))
    seed, size = draw(st.integers(0, 2**32)), draw(st.sampled_from([5, 60, 120, 200, 0]))
    oracle = Oracle({"filters": {}, **definition}, {}, as_of)
    drawn = Draw(oracle, "", 0, size)
    has_window = "date_range" in oracle.filters
    first = period.start_date if period and not has_window else drawn.edges()[0]
    maker = Rowmaker(shapes, drawn, Random(seed), days_in, first, not period and not has_window)
    rows = maker.tables()
    zone = draw(st.sampled_from(ZONES))
    later = maker.changed(rows["sales"])
    return Case(definition, shapes, rows, later, seed, size, as_of, period, zone)


@st.composite
def shapes_of(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """The tables with one of the types that each of some columns may have."""
    buyer = draw(st.sampled_from(["BIGINT", "VARCHAR"]))
    money = draw(st.sampled_from(["DECIMAL(38, 9)", "DOUBLE", "BIGINT"]))
    sold_at = draw(st.sampled_from(sorted(TIMES)))
    return {
        "sales": SALES | EXTRA | {"buyer": buyer, "amount": money, "sold_at": sold_at},
        "items": dict(ITEMS),
        "shelves": dict(SHELVES),
        "people": PEOPLE_SHAPE | {"buyer": buyer},
    }


@st.composite
def adapted(
    draw: st.DrawFn,
    definition: dict[str, Any],
    shapes: Mapping[str, Mapping[str, str]],
    period: Period | None,
    cadence: str | None,
    *,
    nested: bool,
) -> dict[str, Any]:
    """The oracle's definition with all columns, Periods, a key that may hold NULLs, or as a mere contract."""
    definition |= {"id": DATASET_ID, "owner": "ada", "allow_empty": True}
    definition["main_table"] = {"name": "sales", "columns": columns(shapes["sales"], "id")}
    for lookup in definition["lookups"]:
        lookup["target"]["columns"] = columns(shapes[lookup["alias"]])
    if nested and draw(st.booleans()):
        definition["lookups"][2]["target"] = {"type": "dataset", "id": PEOPLE_ID}
    definition["natural_key_columns"] = draw(st.sampled_from([[], ["id"], ["note", "id"]]))
    if period is None and draw(st.integers(0, 7)) == 0:
        for part in ("column_mapping", "filters", "split_config", "extra_columns"):
            definition.pop(part, None)
        return definition
    refs = ["note", *EXTRA, "items.kind", "items.price", "shelves.group"]
    definition["extra_columns"] = draw(st.lists(st.sampled_from(refs), unique=True, max_size=6))
    filters = definition["filters"]
    if filters["product_filter"]["type"] == "categories":
        chosen = st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True)
        filters["product_filter"]["value"] = draw(chosen)
    if "split_config" not in definition:
        filters["fit_on"] = "all"
    if period:
        definition["partitions"] = {"period": cadence, "start": period.id}
        if filters.get("date_range", {}).get("type") == "fixed":
            del filters["date_range"]
    return definition
