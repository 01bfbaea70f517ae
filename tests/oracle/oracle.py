"""Oracle of selections in plain Python over lists of dicts, without SQL or code of the compiler.

Written from the rules, as slowly and plainly as they read.
"""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import md5
from itertools import groupby
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

CONCEPTS = (
    "user_id",
    "product_id",
    "timestamp",
    "revenue",
    "city",
    "product_name",
    "category",
    "subcategory",
    "transaction_id",
)
"""Concepts of the column mapping in published order: those of the specification, then ours."""


@dataclass(frozen=True)
class Oracle:
    """A dataset's definition as in its file, evaluated at an as-of over tables of dicts."""

    definition: dict[str, Any]
    tables: Tables
    as_of: datetime

    def rows(self) -> Counter[tuple]:
        """Return the multiset of selected rows, in the published order of columns (BR-113)."""
        chosen = [row for row in self.joined() if self.in_window(row) and not self.in_gap(row)]
        fitted = chosen
        if self.filters.get("fit_on") == "train" and self.split:
            fitted = [row for row in chosen if self.split_of(row) == 0]
        products = self.products(fitted)
        chosen = [row for row in chosen if products(row)]
        # All rows of a user have one split: nothing leaks, and each is judged by their own rows.
        parted = self.unit() == [self.definition["column_mapping"]["user_id"]]
        users = self.users([row for row in (chosen if parted else fitted) if products(row)])
        return Counter(self.published(row) for row in chosen if users(row))

    # The pieces of the definition.

    @property
    def filters(self) -> dict[str, Any]:
        return self.definition.get("filters", {})

    @property
    def split(self) -> dict[str, Any]:
        """Settings of the split; empty for a dataset without one."""
        return self.definition.get("split_config", {})

    def concept(self, row: Row, name: str) -> Any:
        return row[self.definition["column_mapping"][name]]

    def published(self, row: Row) -> tuple:
        mapping = self.definition["column_mapping"]
        refs = [mapping[concept] for concept in CONCEPTS if concept in mapping]
        refs += self.definition.get("natural_key_columns", [])
        refs += self.definition.get("extra_columns", [])
        values = tuple(row[ref] for ref in refs)
        if not self.split:
            return values
        folds = (self.fold_of(row),) if self.split.get("folds") else ()
        return (*values, self.split_of(row), *folds)

    # Lookups: always joined, never dropping a row; NULL matches nothing.

    def joined(self) -> Iterator[Row]:
        for source in self.tables[self.definition["main_table"]["name"]]:
            row = dict(source)
            for lookup in self.definition.get("lookups", []):
                found = self.looked_up(row, lookup)
                for column in lookup["target"]["columns"]:
                    name = column["name"]
                    row[f"{lookup['alias']}.{name}"] = found[name] if found else None
            yield row

    def looked_up(self, row: Row, lookup: dict[str, Any]) -> Row | None:
        conditions = lookup["join_conditions"]
        wanted = [row[condition["source_column"]] for condition in conditions]
        if None in wanted:
            return None
        for target in self.tables[lookup["target"]["name"]]:
            if [target[condition["target_column"]] for condition in conditions] == wanted:
                return target
        return None

    # Time: D is the date of as-of, windows are half-open (BR-106, BR-107).

    @property
    def day(self) -> date:
        return self.as_of.date()

    def in_window(self, row: Row) -> bool:
        date_range = self.filters.get("date_range")
        if not date_range:
            return True
        moment = self.concept(row, "timestamp")
        if moment is None:
            return False
        if date_range["type"] == "fixed":
            return date_range["start_date"] <= day_of(moment) <= date_range["end_date"]
        in_past = instant(moment) < self.as_of
        if self.split.get("strategy") == "time_based":  # days are whole, and that of as-of has only begun
            in_past = day_of(moment) < self.day
        return months_before(self.day, date_range["months"]) <= day_of(moment) and in_past

    @property
    def anchor(self) -> date:
        date_range = self.filters.get("date_range", {})
        return date_range["end_date"] + timedelta(days=1) if date_range.get("type") == "fixed" else self.day

    def days_back(self, row: Row) -> int:
        """1 is the day before the anchor."""
        return (self.anchor - day_of(self.concept(row, "timestamp"))).days

    def in_gap(self, row: Row) -> bool:
        if not self.split.get("gap_days") or self.concept(row, "timestamp") is None:
            return False
        held_out = self.split["eval_days"] + self.split.get("test_days", 0)
        return held_out < self.days_back(row) <= held_out + self.split["gap_days"]

    # The split: 0 train, 1 eval, 2 test (BR-108, BR-109).

    def split_of(self, row: Row) -> int:
        return self.split_by_time(row) if self.split["strategy"] == "time_based" else self.split_by_lot(row)

    def split_by_time(self, row: Row) -> int:
        if self.concept(row, "timestamp") is None:
            return 0
        test_days = self.split.get("test_days", 0)
        if test_days and self.days_back(row) <= test_days:
            return 2
        return 1 if self.days_back(row) <= test_days + self.split["eval_days"] else 0

    def split_by_lot(self, row: Row) -> int:
        seeded = f"{self.split.get('seed', 0)}:{self.key(row)}"
        bucket = int(md5(seeded.encode()).hexdigest()[:8], 16)
        percent = bucket * 100 / 2**32
        train = self.split["train_percent"]
        if percent < train:
            return 0
        return 2 if percent < train + self.split.get("test_percent", 0) else 1

    # The fold and the unit (BR-135).

    def fold_of(self, row: Row) -> int:
        seeded = f"{self.split.get('seed', 0)}:fold:{self.key(row)}"
        last_bytes_first = md5(seeded.encode()).digest()[::-1]
        return int(last_bytes_first.hex()[-15:], 16) % self.split["folds"]

    def unit(self) -> list[str]:
        """References of the columns of the unit; empty for single rows."""
        unit = self.split.get("unit", "row")
        mapping = self.definition["column_mapping"]
        if isinstance(unit, str):
            return {"row": [], "user": [mapping["user_id"]], "product": [mapping["product_id"]]}[unit]
        keys, extra = (self.definition.get(each, []) for each in ("natural_key_columns", "extra_columns"))
        by_name = {ref.replace(".", "__"): ref for ref in [*keys, *extra]} | mapping
        return [by_name[name] for name in unit]

    def key(self, row: Row) -> str:
        """Text that equals that of another row if both are of one unit."""
        unit = self.unit()
        if not unit:
            return self.tagged(row, self.row_key())
        if self.split.get("null_unit") == "row" and any(row[ref] is None for ref in unit):
            return "row:" + self.tagged(row, self.row_key())
        return self.tagged(row, unit)

    def tagged(self, row: Row, refs: list[str]) -> str:
        tables = {"": self.definition["main_table"]}
        tables |= {each["alias"] + ".": each["target"] for each in self.definition.get("lookups", [])}
        types = {
            alias + column["name"]: column["type"]
            for alias, table in tables.items()
            for column in table["columns"]
        }
        return "|".join(TAGGED[types[ref]](row[ref]) for ref in refs)

    def row_key(self) -> list[str]:
        """Columns that identify a row: the natural key, or the main table's published columns without one."""
        if self.definition.get("natural_key_columns"):
            return self.definition["natural_key_columns"]
        mapping = self.definition["column_mapping"]
        refs = [mapping[concept] for concept in CONCEPTS if concept in mapping]
        return [ref for ref in [*refs, *self.definition.get("extra_columns", [])] if "." not in ref]

    # Filters, fitted on the rows given.

    def products(self, rows: list[Row]) -> Callable[[Row], bool]:
        chosen = self.filters.get("product_filter", {"type": "none"})
        if chosen["type"] == "none":
            return lambda _: True
        if chosen["type"] == "categories":
            return lambda row: self.concept(row, "category") in chosen["value"]
        totals: dict[Any, list[Decimal]] = defaultdict(list)
        for row in rows:
            revenue = self.concept(row, "revenue")
            totals[self.concept(row, "product_id")] += [] if revenue is None else [revenue]
        ranked = best_first(
            {product: sum(found, Decimal(0)) if found else None for product, found in totals.items()}
        )
        top = RANKINGS[chosen["type"]](ranked, chosen["value"])
        return lambda row: self.concept(row, "product_id") in top

    def users(self, rows: list[Row]) -> Callable[[Row], bool]:
        chosen = self.filters.get("customer_filter", {"type": "none"})
        if chosen["type"] == "none":
            return lambda _: True
        by_id = "transaction_id" in self.definition["column_mapping"]
        seen: dict[Any, list[Any]] = defaultdict(list)
        for row in rows:
            seen[self.concept(row, "user_id")].append(self.concept(row, "transaction_id") if by_id else 1)
        counts = {user: len(set(found) - {None}) if by_id else len(found) for user, found in seen.items()}
        active = {user for user, n in counts.items() if user is not None and n >= chosen["value"]}
        return lambda row: self.concept(row, "user_id") in active


Ranked = list[tuple[Any, Decimal | None]]


def best_first(totals: dict[Any, Decimal | None]) -> Ranked:
    """Sort by revenue, products without revenue last; ties by product, the unknown product first."""
    return sorted(
        totals.items(),
        key=lambda item: (item[1] is None, -(item[1] or 0), item[0] is not None, item[0] or 0),
    )


def by_rank(ranked: Ranked, percent: int) -> set[Any]:
    """Return the products by PERCENT_RANK: equal revenues share the rank of the first (BR-102)."""
    top: set[Any] = set()
    ahead = 0
    for _, tied in groupby(ranked, key=lambda item: item[1]):
        products = [product for product, _ in tied]
        rank = ahead / (len(ranked) - 1) if len(ranked) > 1 else 0.0
        top |= set(products) if rank <= percent / 100 else set()
        ahead += len(products)
    return top - {None}


def by_share(ranked: Ranked, percent: int) -> set[Any]:
    """A product stays while the revenue of those before it is below the percentage (BR-102).

    The percentage is of the net revenue, and of nothing where that is not positive; 100 percent are all.
    """
    whole = sum((revenue for _, revenue in ranked if revenue is not None), Decimal(0))
    top, before = set(), Decimal(0)
    for product, revenue in ranked:
        if (whole > 0 and before * 100 < percent * whole) or percent == 100:
            top.add(product)
        before += revenue or 0
    return top - {None}


RANKINGS = {"top_revenue_percent": by_rank, "cumulative_revenue_percent": by_share}


def months_before(day: date, months: int) -> date:
    """Return the same day of an earlier month, or the last day of that month if it is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def instant(moment: date) -> datetime:
    """Return a date or naive timestamp as an instant in UTC (BR-128)."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def day_of(moment: date) -> date:
    return instant(moment).date()


def microseconds(moment: date) -> int:
    return (instant(moment) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


TAGGED: dict[str, Callable[[Any], str]] = {
    "string": lambda value: "sn:" if value is None else f"s{len(value)}:{value}",
    "integer": lambda value: "in" if value is None else f"i{value}",
    "decimal": lambda value: "dn" if value is None else f"d{value:.9f}",
    "date": lambda value: "Dn" if value is None else f"D{value.isoformat()}",
    "timestamp": lambda value: "tn" if value is None else f"t{microseconds(value)}",
}
"""Type → the text of a value that no other value has: the letter of its type and the value; `n` for NULL."""


def records(names: Iterable[str], rows: Iterable[tuple]) -> list[Row]:
    """Convert the tuples of a table to dicts."""
    keys = list(names)
    return [dict(zip(keys, row, strict=True)) for row in rows]
