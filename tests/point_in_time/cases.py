"""Random tables and settings of point-in-time lookups, and what they mean in plain Python.

Sales read `price`, by changes or by intervals, as of the time of the sale. `price` is a table or a nested
dataset. `rate` is joined on a column of `price`, as of the sale or as of the change of the price.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
CLOCK_SET_BACK = datetime(2026, 10, 25, tzinfo=UTC)
"""An hour later the clocks in Berlin show 2:00 for the second time."""
INSTANTS = (
    *(CLOCK_SET_BACK + timedelta(minutes=30 * n) for n in range(-3, 7)),
    *(CLOCK_SET_BACK + timedelta(days=n) for n in (-1, 1, 2)),
    CLOCK_SET_BACK + timedelta(microseconds=1),
    CLOCK_SET_BACK + timedelta(hours=1, microseconds=-1),
)
AGES: Mapping[str, timedelta] = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "2d": timedelta(days=2),
}
GRADES = ("good", "fair", "poor")
KINDS = ("timestamp", "date", "naive")
"""`timestamp` is stored as an instant, `naive` as a time of the clocks in Berlin."""

Row = Mapping[str, Any]


def instant(value: datetime | date | None) -> datetime | None:
    """Return the instant that a stored value means: a date is its first instant in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=BERLIN, fold=0).astimezone(UTC)
    return datetime.combine(value, time(), UTC) if value else None


@dataclass(frozen=True)
class Case:
    """The settings `as_of` of both lookups, the kinds of their times, and the rows of all tables."""

    price_as_of: Mapping[str, Any]
    rate_as_of: Mapping[str, Any]
    kinds: Mapping[str, str]
    nested: bool
    mapped: bool
    grades: Sequence[str] | None
    sales: Sequence[Row] = field(repr=False)
    prices: Sequence[Row] = field(repr=False)
    rates: Sequence[Row] = field(repr=False)

    def expected(self) -> list[tuple[Any, ...]]:
        """Return (line, changed, grade, factor) of each selected sale."""
        found = []
        for sale in self.sales:
            price = known(self.price_as_of, self.prices, {"item": sale["item"]}, instant(sale["sold"]))
            if self.grades and (price is None or price["grade"] not in self.grades):
                continue
            rate = known(self.rate_as_of, self.rates, *self.rate_of(sale, price))
            times = instant(price["changed"]) if price else None
            values = (price["grade"] if price else None, rate["factor"] if rate else None)
            found.append((sale["line"], times, *values))
        return sorted(found, key=lambda row: row[0])

    def rate_of(self, sale: Row, price: Row | None) -> tuple[Row, datetime | None]:
        """Return the key and the instant by which a sale with this price reads `rate`."""
        own = {"grade": price["grade"] if price else None}
        if self.rate_as_of["at"] == "sold":
            return own, instant(sale["sold"])
        return own, instant(price["changed"]) if price else None

    def counts(self) -> dict[str, int]:
        """Return the expected counts of `price`, as PointInTimeCounts has them."""
        lines = {row[0] for row in self.expected()}
        found = dict.fromkeys(("without_time", "nothing_before", "outdated", "later"), 0)
        for sale in (sale for sale in self.sales if sale["line"] in lines):
            at = instant(sale["sold"])
            starts = [
                start
                for row in self.prices
                if row["item"] == sale["item"] is not None
                and not is_empty(self.price_as_of, row)
                and (start := start_of(self.price_as_of, row))
            ]
            if at is None:
                found["without_time"] += 1
                continue
            found["later"] += any(start > at for start in starts)
            if known(self.price_as_of, self.prices, {"item": sale["item"]}, at) is None:
                found["outdated" if any(start <= at for start in starts) else "nothing_before"] += 1
        is_interval = "to" in self.price_as_of
        undated = 0 if is_interval else sum(row["changed"] is None for row in self.prices)
        return {**found, "undated": undated}

    def ambiguous(self) -> dict[str, int]:
        """Return the number of keys for which some instant has several rows, by lookup; without zeros."""
        found = {
            "price": repeated(self.price_as_of, self.prices, "item"),
            "rate": repeated(self.rate_as_of, self.rates, "grade"),
        }
        return {name: count for name, count in found.items() if count}


BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)


def start_of(as_of: Mapping[str, Any], row: Row) -> datetime | None:
    """Return from when on a row is known; NULL is an open start of an interval."""
    return instant(row["changed"]) or (BEGINNING if "to" in as_of else None)


def is_empty(as_of: Mapping[str, Any], row: Row) -> bool:
    """Return whether a row is an interval without an instant."""
    return "to" in as_of and (start_of(as_of, row) or BEGINNING) >= (instant(row["ended"]) or END)


def known(as_of: Mapping[str, Any], rows: Sequence[Row], key: Row, at: datetime | None) -> Row | None:
    """Return the row that is known at an instant; the slow way, one row after the other."""
    found = []
    for row in rows:
        start = start_of(as_of, row)
        if at is None or start is None or None in key.values() or start > at:
            continue
        if any(row[name] != value for name, value in key.items()):
            continue
        if "to" in as_of and (ended := instant(row["ended"])) and at >= ended:
            continue
        found.append((start, -1 if row["seq"] is None else row["seq"], row))
    if not found:
        return None
    start, _, row = max(found, key=lambda each: each[:2])
    age = AGES.get(as_of.get("max_age", ""))
    return None if age is not None and at is not None and at - start > age else row


def repeated(as_of: Mapping[str, Any], rows: Sequence[Row], key: str) -> int:
    """Count the keys with two rows that are known at one instant and that nothing tells apart."""
    keys = set()
    for place, one in enumerate(rows):
        for other in rows[:place]:
            if one[key] is None or one[key] != other[key] or not _collide(as_of, one, other):
                continue
            keys.add((one[key], *(() if "to" in as_of else _point(as_of, one))))
    return len(keys)


def _collide(as_of: Mapping[str, Any], one: Row, other: Row) -> bool:
    if "to" not in as_of:
        return one["changed"] is not None and _point(as_of, one) == _point(as_of, other)
    if is_empty(as_of, one) or is_empty(as_of, other):
        return False
    starts = [start_of(as_of, row) or BEGINNING for row in (one, other)]
    return max(starts) < min(instant(row["ended"]) or END for row in (one, other))


def _point(as_of: Mapping[str, Any], row: Row) -> tuple[Any, ...]:
    return (instant(row["changed"]), *((row["seq"],) if as_of.get("latest_by") else ()))


def random_case(seed: int) -> Case:
    """Return a case; the same for the same seed."""
    dice = random.Random(seed)
    kinds = {name: dice.choice(KINDS) for name in ("sales", "prices", "rates")}
    price_as_of = _as_of(dice)
    mapped = dice.random() < 0.5
    if not mapped or dice.random() < 0.3:
        price_as_of["at"] = "sold"
    rate_as_of = {**_as_of(dice), "at": dice.choice(["sold", "price.changed"])}
    sales = [
        {"line": n, "item": _item(dice), "sold": _time(dice, kinds["sales"])}
        for n in range(dice.choice([0, 3, 9, 9]))
    ]
    return Case(
        price_as_of,
        rate_as_of,
        kinds,
        nested=dice.random() < 0.3,
        mapped=mapped,
        grades=GRADES[:2] if mapped and dice.random() < 0.5 else None,
        sales=sales,
        prices=_history(dice, price_as_of, kinds["prices"], ("item", _item), ("grade", _grade)),
        rates=_history(dice, rate_as_of, kinds["rates"], ("grade", _grade), ("factor", _item)),
    )


def _as_of(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.35:
        return {"from": "changed", "to": "ended"}
    as_of: dict[str, Any] = {"column": "changed"}
    if dice.random() < 0.5:
        as_of["max_age"] = dice.choice(list(AGES))
    if dice.random() < 0.5:
        as_of["latest_by"] = ["seq"]
    return as_of


def _item(dice: random.Random) -> int | None:
    return dice.choice([1, 1, 1, 2, 2, None])


def _grade(dice: random.Random) -> str:
    return dice.choice(GRADES)


def _time(dice: random.Random, kind: str) -> datetime | date | None:
    if dice.random() < 0.08:
        return None
    at = dice.choice(INSTANTS)
    if kind == "date":
        return at.date()
    return at if kind == "timestamp" else at.astimezone(BERLIN).replace(tzinfo=None, fold=0)


def _history(
    dice: random.Random,
    as_of: Mapping[str, Any],
    kind: str,
    key: tuple[str, Callable[[random.Random], Any]],
    value: tuple[str, Callable[[random.Random], Any]],
) -> list[Row]:
    """Return rows of a lookup: in two of three cases without ambiguous ones, which block a publication."""
    rows: list[Row] = []
    is_clean = dice.random() < 0.67
    for _ in range(dice.choice([0, 2, 6, 8])):
        times = {"changed": _time(dice, kind), "ended": _time(dice, kind)}
        ends = {name: draw(dice) for name, draw in (key, value)}
        row = {**ends, **times, "seq": dice.choice([None, 1, 2])}
        if not (is_clean and repeated(as_of, [*rows, row], key[0])):
            rows.append(row)
    return rows
