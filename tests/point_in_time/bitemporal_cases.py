"""Random bitemporal tables and rows that read them, and what the rows must find, in plain Python.

A sale reads `price` as it was known in the Period of the sale, `latest` by the latest knowledge, and `label`
by a value of `price`. What is known is found in the snapshots of the loads, never in the intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from dataset_assets.periods.cadence import Cadence, Calendars
from dataset_assets.periods.period import Period
from tests.rows import bitemporal_oracle as oracle

BERLIN = ZoneInfo("Europe/Berlin")
_SAO_PAULO = {"zone": "America/Sao_Paulo"}
CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "brazil": {"type": "standard", **_SAO_PAULO},
            "corporate": {"type": "fiscal", "start_month": "4", "year_label": "ending"},
            "shops": {"type": "retail", **_SAO_PAULO},
        }
    }
)
MICROSECOND = timedelta(microseconds=1)
KINDS = ("timestamp", "date", "naive")
LABELS = (("a", "first"), (None, "of nothing"))

Row = Mapping[str, Any]


@dataclass(frozen=True)
class BitemporalCase:
    """The snapshots of some loads, the sales, and the settings of the lookups."""

    cadence: Cadence
    snapshots: Mapping[str, oracle.Snapshot] = field(repr=False)
    sales: Sequence[Row] = field(repr=False)
    kinds: Mapping[str, str]
    deleted: frozenset[oracle.Row]
    nested: bool
    mapped: bool
    by_h: bool
    """Whether the lookups are joined on a part of the key, so that several rows can be read."""

    @property
    def rows(self) -> list[oracle.Row]:
        """The rows of the bitemporal table that are not deleted."""
        return sorted(oracle.table(self.snapshots) - self.deleted, key=repr)

    def expected(self) -> list[tuple[Any, ...]]:
        """Return (line, v of price, n of price, v of latest, name of label) of each sale."""
        found = []
        for sale in self.sales:
            price, latest = (self.known(sale, as_known=as_known) for as_known in (True, False))
            label = dict(LABELS).get(price[0]) if price and price[0] is not None else None
            found.append((sale["line"], *(price or (None, None)), latest[0] if latest else None, label))
        return found

    def known(self, sale: Row, *, as_known: bool) -> oracle.Value | None:
        """Return the value that a sale reads; None if nothing is true and known."""
        at, key = instant(sale["sold"]), (sale["h"], sale["k"])
        if at is None or None in key or not self.snapshots:
            return None
        period = self.cadence.containing(at).id if as_known else max(self.snapshots)
        value = oracle.known(self.snapshots, period).get(key, (oracle.ABSENT,) * oracle.CELLS)[cell_of(at)]
        if value == oracle.ABSENT or at < oracle.START:
            return None
        is_deleted = any(
            row.segment.key == key
            and _contains(row.segment.valid_from, row.segment.valid_to, at)
            and _contains(row.period_from, row.period_to, period)
            for row in self.deleted
        )
        return None if is_deleted else value

    def counts(self, *, as_known: bool) -> dict[str, int]:
        """Return the expected counts of a lookup, as PointInTimeCounts has them."""
        found = dict.fromkeys(("without_time", "nothing_before", "outdated", "later", "undated"), 0)
        for sale in self.sales:
            at, rows = instant(sale["sold"]), list(self._of_key(sale))
            if at is None:
                found["without_time"] += 1
                continue
            today = [row for row in rows if row.period_to is None]
            read = rows if as_known else today
            last = max(today, key=lambda row: row.segment.valid_from, default=None)
            found["later"] += last is not None and self._begun(last, as_known=as_known) > at
            if self.known(sale, as_known=as_known) is None:
                has_begun = any(self._begun(row, as_known=as_known) <= at for row in read)
                found["outdated" if has_begun else "nothing_before"] += 1
        return found

    def _of_key(self, sale: Row) -> Iterator[oracle.Row]:
        key = (sale["h"], sale["k"])
        return (row for row in self.rows if None not in key and row.segment.key == key)

    def _begun(self, row: oracle.Row, *, as_known: bool) -> datetime:
        begin = row.segment.valid_from
        assert begin
        return max(begin, self.cadence.parse(row.period_from).start) if as_known else begin

    def ambiguous(self) -> dict[str, int]:
        """Return for how many keys some sale could find several rows, by lookup; without zeros."""
        if not self.by_h:
            return {}
        everything, today = self.rows, [row for row in self.rows if row.period_to is None]
        found = {"price": len(_crossing(everything)), "latest": len(_crossing(today))}
        return {name: count for name, count in found.items() if count}


def _crossing(rows: Sequence[oracle.Row]) -> set[int]:
    """Return the parts `h` of keys of rows that are true and known at one time."""
    found = set()
    for place, one in enumerate(rows):
        for other in rows[:place]:
            valid = [(each.segment.valid_from, each.segment.valid_to) for each in (one, other)]
            loads = [(each.period_from, each.period_to) for each in (one, other)]
            if one.segment.key[0] == other.segment.key[0] and _cross(*valid) and _cross(*loads):
                found.add(one.segment.key[0])
    return found


def _cross(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return all(a[0] < b[1] if b[1] else True for a, b in ((one, other), (other, one)))


def _contains(begin: Any, end: Any, point: Any) -> bool:
    return begin <= point and (end is None or point < end)


def instant(value: datetime | date | None) -> datetime | None:
    """Return the instant that a stored time means: a date is its first instant in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=BERLIN).astimezone(UTC)
    return datetime.combine(value, time(), UTC) if value else None


def cell_of(at: datetime) -> int:
    """Return the cell of time that an instant is in; the first one for an instant before all cells."""
    begun = [cell for cell in range(oracle.CELLS) if (oracle.instant(cell) or at) <= at]
    return max(begun, default=0)


def bitemporal_case(seed: int) -> BitemporalCase:
    """Return a case; the same for the same seed."""
    dice = Random(seed)
    cadence = CALENDARS.cadences[dice.choice(sorted(CALENDARS.cadences))]
    periods = _periods(cadence, dice)
    snapshots = _snapshots([period.id for period in periods], dice)
    kinds = {name: dice.choice(KINDS) for name in ("sales",)} | {"prices": dice.choice(KINDS[::2])}
    rows = sorted(oracle.table(snapshots), key=repr)
    sales = [
        {
            "line": n,
            "h": dice.choice([0, 0, 1, None]),
            "k": dice.choice(["x", "x", "", None]),
            "sold": _sold(periods, kinds["sales"], dice),
        }
        for n in range(dice.choice([0, 4, 12, 12]))
    ]
    return BitemporalCase(
        cadence,
        snapshots,
        sales,
        kinds,
        frozenset(row for row in rows if dice.random() < 0.1),
        nested=dice.random() < 0.5,
        mapped=dice.random() < 0.5,
        by_h=dice.random() < 0.2,
    )


def _periods(cadence: Cadence, dice: Random) -> list[Period]:
    """Return Periods that follow one another, some of which hold the times of the cells."""
    periods = [cadence.containing(oracle.START)]
    for _ in range(dice.randrange(3)):
        periods.insert(0, cadence.previous(periods[0]))
    while len(periods) < 6:
        periods.append(cadence.next(periods[-1]))
    return periods


def _snapshots(ids: Sequence[str], dice: Random) -> dict[str, oracle.Snapshot]:
    """Return the snapshots of some of the Periods; each was changed from one that was loaded before it."""
    base = {**oracle.first_snapshot(0, dice), **oracle.first_snapshot(1, dice)}
    snapshots: dict[str, oracle.Snapshot] = {}
    for id_ in dice.sample(ids, dice.randrange(1, len(ids))):
        snapshots[id_] = base = oracle.changed(base, list(snapshots.values()), dice)
    return snapshots


def _sold(periods: Sequence[Period], kind: str, dice: Random) -> datetime | date | None:
    """Return a time at or beside the begin of a Period or of a cell; sometimes none."""
    if dice.random() < 0.08:
        return None
    cells = [at for cell in range(oracle.CELLS) if (at := oracle.instant(cell))]
    at = dice.choice([dice.choice(cells), dice.choice(periods).start])
    at += dice.choice([-MICROSECOND, timedelta(), timedelta(), MICROSECOND, timedelta(hours=5)])
    if kind == "date":
        return at.date()
    return at if kind == "timestamp" else at.astimezone(BERLIN).replace(tzinfo=None)
