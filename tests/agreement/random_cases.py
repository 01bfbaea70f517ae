"""Hypothesis strategies for random datasets: definitions with any selection, and source rows.

The definitions extend the oracle's by types, zones, Periods and a nested dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.period import Period
from tests.agreement.row_values import CATEGORIES, EXTRA, KINDS, TYPES, Rowmaker, Rows, Shapes
from tests.oracle.oracle import Oracle
from tests.oracle.test_selection import (
    CLOCKS,
    ITEMS,
    SALES,
    SHELVES,
    SPLITS,
    TIMES,
    Draw,
    date_ranges,
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
"""Clock changes in the zones above: by half an hour in Lord Howe, at midnight in Havana."""
SELECTION = ("column_mapping", "filters", "split_config", "extra_columns")
DAYS = st.dates(date(2019, 12, 1), date(2021, 3, 31)) | st.builds(
    lambda change, days: date(*change) + timedelta(days=days),
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-1, 2),
)


@dataclass(frozen=True)
class Case:
    """A dataset with its rows. `zone` is that of naive timestamps; `later` are the sales of the next load.

    The rows are a pure function of the other fields, such as `seed` and `size`.
    """

    definition: Mapping[str, Any]
    shapes: Shapes
    rows: Mapping[str, Rows] = field(repr=False)
    later: Rows = field(repr=False)
    seed: int
    size: int
    as_of: datetime
    period: Period | None
    zone: str

    def __repr__(self) -> str:
        """Return what makes the case again, cut to a length that Hypothesis prints without a warning."""
        names = ("seed", "size", "as_of", "period", "zone", "definition")
        fields = {name: getattr(self, name) for name in names}
        return f"Case({fields})"[:20_000]

    @property
    def nested(self) -> bool:
        """Return whether the lookup `people` is another dataset instead of a table."""
        return any(lookup["target"]["type"] == "dataset" for lookup in self.definition["lookups"])

    def table(self, name: str, rows: Rows) -> pa.Table:
        """Return the rows of a table as Arrow."""
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
"""The nested dataset without its table."""


def columns(shape: Mapping[str, str], *never_null: str) -> list[dict[str, Any]]:
    return [{"name": n, "type": TYPES[kind], "nullable": n not in never_null} for n, kind in shape.items()]


@st.composite
def cases(draw: st.DrawFn, *, nested: bool) -> Case:
    """Draw any dataset; with `nested` a lookup can be another dataset."""
    cadence_name = draw(st.none() | st.sampled_from(CADENCES))
    day = draw(DAYS)
    clock = draw(st.sampled_from(CLOCKS))
    as_of, period, days_in = datetime.combine(day, clock, UTC), None, ZoneInfo("UTC")
    if cadence_name:
        cadence = Calendars.model_validate({"calendars": CALENDARS}).cadence(cadence_name)
        period = cadence.containing(day)
        as_of, days_in = datetime.combine(period.end_date, time(), UTC), cadence.zone
    shapes = draw(shapes_of())
    drawn_by_oracle = draw(definitions(as_of, shapes["sales"]["sold_at"]))
    definition = draw(contracts(drawn_by_oracle, shapes, nested=nested))
    if period:
        definition["partitions"] = {"period": cadence_name, "start": period.id}
    if period is None and draw(st.integers(0, 9)) == 9:
        definition = {name: part for name, part in definition.items() if name not in SELECTION}
    else:
        definition = draw(selections(definition, as_of))
    seed, size = draw(st.integers(0, 2**32)), draw(st.sampled_from([60, 120, 200, 5, 0]))
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
    """Draw a type for each column that can have several."""
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
def contracts(draw: st.DrawFn, found: dict[str, Any], shapes: Shapes, *, nested: bool) -> dict[str, Any]:
    """Return the oracle's definition with all columns, and with a key that can be NULL."""
    for lookup in found["lookups"]:
        lookup["target"]["columns"] = columns(shapes[lookup["alias"]])
    if nested and draw(st.booleans()):
        found["lookups"][2]["target"] = {"type": "dataset", "id": PEOPLE_ID}
    return found | {
        "id": DATASET_ID,
        "owner": "ada",
        "allow_empty": True,
        "natural_key_columns": draw(st.sampled_from([["id"], ["note", "id"], []])),
        "main_table": {"name": "sales", "columns": columns(shapes["sales"], "id")},
    }


@st.composite
def selections(draw: st.DrawFn, found: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """Draw a selection, with windows and splits more often than the oracle; Periods need a rolling window."""
    refs = ["note", *EXTRA, "items.kind", "items.price", "shelves.group"]
    found["extra_columns"] = draw(st.lists(st.sampled_from(refs), unique=True, max_size=6))
    filters, by_period = found["filters"], "partitions" in found
    filters.setdefault("date_range", draw(date_ranges(as_of)))
    if (by_period and filters["date_range"]["type"] == "fixed") or draw(st.integers(0, 3)) == 3:
        del filters["date_range"]
    if filters["product_filter"]["type"] == "categories":
        chosen = st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True)
        filters["product_filter"]["value"] = draw(chosen)
    split = found.setdefault("split_config", draw(SPLITS))
    if split is None:
        del found["split_config"]
        filters["fit_on"] = "all"
        return found
    unit = split.get("unit")
    if unit == ["shelves__group"] and "shelves.group" not in found["extra_columns"]:
        found["extra_columns"].append("shelves.group")
    if unit == "product":  # a filter fitted on train rows would keep no product of eval
        filters["fit_on"] = "all"
    return found
