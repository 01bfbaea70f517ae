"""Generate random catalogs: datasets over partitioned tables, unpartitioned tables and other datasets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Literal

from dataset_assets.periods.cadence import Cadence, Calendars
from dataset_assets.periods.period import Period

NOW = datetime(2024, 6, 10, tzinfo=UTC)
TABLES = {
    "monthly": "month",
    "other": "month",
    "weekly": "week",
    "retail": "shop.month",
    "one": None,
    "two": None,
}
"""Table → the cadence by which it is stored."""

STARTS = {"month": "2024-02", "week": "2024-W17", "quarter": "2023-Q3", "shop.month": "RY2024-M01"}
CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "shop": {"type": "retail"},
            "corporate": {"type": "fiscal", "start_month": 4, "year_label": "ending"},
        }
    }
)
FIXED = ("2024-02-10", "2024-04-20")

TEXT = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-{number:012}
  name: D{number}
  owner: ada
  status: {status}
  main_table:
    name: {main}
    columns: [{{name: k, type: integer}}, {{name: u, type: string}}, {{name: at, type: timestamp}}]
  lookups: [{lookups}]
  column_mapping: {{user_id: u, product_id: k, timestamp: at}}
{more}
"""
LOOKUP = "{{alias: {alias}, target: {target}, join_conditions: [{{source_column: k, target_column: {key}}}]}}"
TABLE = "{{type: table, name: {name}, columns: [{{name: k, type: integer}}]}}"
NESTED = "{{type: dataset, id: 01a2001c-5bb3-7d55-869e-{number:012}}}"


def text(
    number: int,
    main: str,
    *more: str,
    tables: Iterable[str] = (),
    nested: Iterable[int] = (),
    status: str = "active",
) -> str:
    """Return the file of a dataset with lookups of `tables` and of datasets by their numbers."""
    joined = [LOOKUP.format(alias=name, target=TABLE.format(name=name), key="k") for name in tables]
    for each in nested:
        target = NESTED.format(number=each)
        joined.append(LOOKUP.format(alias=f"d{each}", target=target, key="product_id"))
    lines = "\n".join(f"  {line}" for line in more)
    return TEXT.format(number=number, status=status, main=main, lookups=", ".join(joined), more=lines)


@dataclass(frozen=True)
class Spec:
    """One dataset file. `first` is the id of its first Period, `months` the length of its rolling window."""

    number: int
    cadence: str | None
    first: str | None
    main: str
    tables: tuple[str, ...]
    nested: tuple["Spec", ...]
    months: int | None
    fixed: bool
    refreshes: bool
    status: str
    paused: bool
    lookback: int | None
    refresh_all: bool

    @property
    def stem(self) -> str:
        return f"d{self.number}"

    @property
    def automatic(self) -> bool:
        return self.refreshes and not self.paused and self.status == "active"

    @property
    def by_clock(self) -> bool:
        return self.cadence != "shop.month"

    def periods(self, now: datetime) -> list[Period]:
        """Return the complete Periods."""
        cadence = cadence_of(self.cadence or "")
        return [each for each in cadence.between(cadence.parse(self.first or ""), now) if each.end <= now]

    def text(self) -> str:
        more = [f"partitions: {{period: {self.cadence}, start: {self.first}}}"] if self.cadence else []
        if self.months:
            more.append(f"filters: {{date_range: {{type: rolling, months: {self.months}}}}}")
        if self.fixed:
            first, last = FIXED
            more.append(f"filters: {{date_range: {{type: fixed, start_date: {first}, end_date: {last}}}}}")
        if self.refreshes:
            more.append(f"refresh: {{{', '.join(self._refresh())}}}")
        nested = tuple(each.number for each in self.nested)
        return text(self.number, self.main, *more, tables=self.tables, nested=nested, status=self.status)

    def _refresh(self) -> list[str]:
        found = ["on: upstream"]
        if self.lookback is not None:
            found.append(f"lookback: {self.lookback}")
        if self.refresh_all:
            found.append("lookups: refresh_all")
        return [*found, "paused: true"] if self.paused else found


def cadence_of(name: str) -> Cadence:
    return CALENDARS.cadence(name)


def catalog(random: Random) -> list[Spec]:
    """Return random datasets, each one after those that it nests."""
    found: list[Spec] = []
    for number in range(1, random.randint(4, 9)):
        found.append(_spec(random, number, found))
    return found


def _spec(random: Random, number: int, earlier: list[Spec]) -> Spec:
    cadence = random.choice(["month"] * 5 + ["week", "quarter", "shop.month", None, None])
    first = _first(random, cadence) if cadence else None
    main = random.choice([name for name, stored in TABLES.items() if _suits(stored, cadence)])
    tables = [name for name in ("one", "two", "other") if name != main and random.random() < 0.35]
    nestable = [each for each in earlier if _nestable(each, cadence, first)]
    nested = random.sample(nestable, min(len(nestable), random.choice([0, 1, 1, 2])))
    window: Literal["rolling", "fixed", "none"] = random.choice(["rolling", "rolling", "fixed", "none"])
    lookups = bool(tables or nested) and cadence is not None
    return Spec(
        number=number,
        cadence=cadence,
        first=first,
        main=main,
        tables=tuple(tables),
        nested=tuple(nested),
        months=random.choice([1, 2, 3, 6]) if window == "rolling" else None,
        fixed=window == "fixed" and cadence is None,
        refreshes=random.random() < 0.9,
        status=random.choice(["active"] * 9 + ["draft"]),
        paused=random.random() < 0.05,
        lookback=random.choice([None, None, 0, 1, 2]) if cadence and cadence != "shop.month" else None,
        refresh_all=lookups and random.random() < 0.3,
    )


def _first(random: Random, cadence: str) -> str:
    found = cadence_of(cadence)
    period = found.parse(STARTS[cadence])
    for _ in range(random.randint(0, 2)):
        period = found.next(period)
    return period.id


def _suits(stored: str | None, cadence: str | None) -> bool:
    """Retail months begin with weeks, all others with months."""
    return stored != "shop.month" or cadence in ("shop.month", None)


def _nestable(each: Spec, cadence: str | None, first: str | None) -> bool:
    if each.cadence is None or cadence is None:
        return True
    return each.cadence == cadence and str(each.first) <= str(first)
