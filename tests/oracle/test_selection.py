"""The compiled query and the oracle select the same rows.

Small random tables: few values, so that ties, duplicates, NULLs and the edges of windows are common. The
definitions are random too: every date range, filter, split and kind of lookup meets every other.
`DATASET_ASSETS_PROVE=1 pytest tests/oracle` tries four times as many.
"""

import os
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.contract.model import Dataset
from tests.oracle.harness import connect, create, plain, selected
from tests.oracle.oracle import Oracle, months_before, records

CASES = 400 if os.environ.get("DATASET_ASSETS_PROVE") else 100
SALES = {
    "id": "BIGINT",
    "buyer": "BIGINT",
    "item": "BIGINT",
    "amount": "DECIMAL(38, 9)",
    "basket": "BIGINT",
    "note": "VARCHAR",
    "sold_at": "TIMESTAMPTZ",
}
ITEMS = {"item": "BIGINT", "kind": "VARCHAR", "price": "DECIMAL(38, 9)", "shelf": "BIGINT"}
SHELVES = {"shelf": "BIGINT", "group": "VARCHAR"}
PEOPLE = {"buyer": "BIGINT", "city": "VARCHAR"}
LOOKUPS = {"items": ITEMS, "shelves": SHELVES, "people": PEOPLE}
DECLARED = {"BIGINT": "integer", "VARCHAR": "string", "DECIMAL(38, 9)": "decimal", "DOUBLE": "decimal"}
TIMES = {"DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamp"}


def columns(physical: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": (DECLARED | TIMES)[sql_type]} for name, sql_type in physical.items()]


def lookup(alias: str, source: str, target: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "target": {"type": "table", "name": alias, "columns": columns(LOOKUPS[alias])},
        "join_conditions": [{"source_column": source, "target_column": target}],
    }


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


DAYS = st.dates(date(2019, 12, 1), date(2021, 3, 31))
CLOCKS = [time(), time(0, 0, 1), time(12, 30), time(23, 59, 59, 999999)]
AS_OFS = st.builds(
    lambda day, clock: datetime.combine(day, clock, UTC), DAYS | DAYS.map(month_end), st.sampled_from(CLOCKS)
)
CENTS = [
    None,
    Decimal("0.5"),
    Decimal(1),
    Decimal(1),
    Decimal(2),
    Decimal(3),
    Decimal("7.25"),
    Decimal(-1),
    Decimal(0),
]
WORDS = [None, "a", "b", "", "ab", "ä|s1:"]
BUYERS, ITEM_IDS, SHELF_IDS = [None, 1, 1, 2, 3, 4], [None, 1, 1, 2, 3, 4, 5, 6], [None, 1, 2, 3]


@dataclass(frozen=True)
class Draw:
    """Rows from a seed: more than hypothesis would generate, while it can still shrink their number."""

    oracle: Oracle
    time_type: str
    seed: int
    size: int

    def tables(self) -> dict[str, list[tuple]]:
        random = Random(self.seed)
        rows = [self.sale(random, number) for number in range(self.size)]
        doubled = [(*rows[-1 - number][:1], *row[1:]) for number, row in enumerate(rows[: self.size // 6])]
        return {
            "sales": [*rows[: self.size - len(doubled)], *doubled],
            "items": [
                (item, random.choice(WORDS), random.choice(CENTS), random.choice(SHELF_IDS))
                for item in (None, 1, 2, 3, 4, 6)
            ],
            "shelves": [(shelf, random.choice(WORDS)) for shelf in (None, 1, 2)],
            "people": [(buyer, random.choice(WORDS)) for buyer in (1, 2, 4)],
        }

    def sale(self, random: Random, number: int) -> tuple:
        return (
            number,
            random.choice(BUYERS),
            random.choice(ITEM_IDS),
            random.choice(CENTS),
            random.choice([None, 1, 2, 3]),
            random.choice(WORDS),
            self.moment(random),
        )

    def moment(self, random: Random) -> date | None:
        """Return a random instant, half of the time within a day of an edge of the window, gap or split."""
        if "date_range" in self.oracle.filters and random.random() < 0.05:
            return None
        near = random.choice(self.edges()) + timedelta(days=random.choice([-1, 0, 1]))
        far = self.oracle.anchor - timedelta(days=random.randint(-20, 200))
        day = random.choice([near, far])
        if self.time_type == "DATE":
            return day
        moment = datetime.combine(day, random.choice([*CLOCKS, self.oracle.as_of.time()]), UTC)
        return moment if self.time_type == "TIMESTAMPTZ" else moment.replace(tzinfo=None)

    def edges(self) -> list[date]:
        anchor, split = self.oracle.anchor, self.oracle.split
        back = [split.get(part, 0) for part in ("test_days", "eval_days", "gap_days")]
        chosen = self.oracle.filters.get("date_range", {})
        first = (
            months_before(anchor, chosen["months"])
            if "months" in chosen
            else chosen.get("start_date", anchor)
        )
        return [first, *(anchor - timedelta(days=sum(back[:count])) for count in range(4))]


PERCENT = st.integers(1, 100)
PRODUCT_FILTERS = st.one_of(
    st.just({"type": "none"}),
    st.builds(lambda value: {"type": "top_revenue_percent", "value": value}, PERCENT),
    st.builds(lambda value: {"type": "cumulative_revenue_percent", "value": value}, PERCENT),
    st.just({"type": "categories", "value": ["a", "ab"]}),
)
CUSTOMER_FILTERS = st.just({"type": "none"}) | st.builds(
    lambda value: {"type": "min_transactions", "value": value}, st.integers(1, 4)
)
EXTRA_COLUMNS = [[], ["note"], ["shelves.group", "note"]]
SPLITS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "strategy": st.just("time_based"),
            "eval_days": st.integers(1, 40),
            "gap_days": st.integers(0, 5),
            "test_days": st.integers(0, 30),
        }
    ),
    st.fixed_dictionaries(
        {
            "strategy": st.just("random"),
            "unit": st.just("row"),
            "train_percent": st.integers(1, 80),
            "test_percent": st.integers(0, 18),
            "seed": st.integers(0, 5),
            "folds": st.none() | st.integers(2, 100),
        }
    ),
    st.fixed_dictionaries(
        {
            "strategy": st.just("random"),
            "unit": st.sampled_from(
                ["user", "product", ["user_id"], ["revenue"], ["timestamp", "product_id"], ["shelves__group"]]
            ),
            "null_unit": st.sampled_from(["together", "row"]),
            "train_percent": st.integers(1, 80),
            "test_percent": st.integers(0, 18),
            "seed": st.integers(0, 5),
            "folds": st.none() | st.integers(2, 100),
        }
    ),
)


@st.composite
def date_ranges(draw, as_of: datetime):
    end = draw(st.just(as_of.date()) | DAYS | DAYS.map(month_end))
    fixed = {"type": "fixed", "start_date": end - timedelta(days=draw(st.integers(0, 300))), "end_date": end}
    return draw(st.sampled_from([fixed, {"type": "rolling", "months": draw(st.integers(1, 24))}]))


@st.composite
def definitions(draw, as_of: datetime, time_type: str) -> dict[str, Any]:
    split = draw(SPLITS)
    by = split.get("unit") if split else None
    optional = {
        "city": st.just("people.city"),
        "category": st.sampled_from(["items.kind", "shelves.group"]),
        "transaction_id": st.just("basket"),
    }
    mapping = {"user_id": "buyer", "product_id": "item", "timestamp": "sold_at"}
    mapping["revenue"] = draw(st.sampled_from(["amount", "items.price"]))
    mapping |= {concept: draw(refs) for concept, refs in optional.items() if draw(st.booleans())}
    products = PRODUCT_FILTERS.filter(lambda chosen: chosen["type"] != "categories" or "category" in mapping)
    filters = {
        "product_filter": draw(products),
        "customer_filter": draw(CUSTOMER_FILTERS),
        "fit_on": draw(st.sampled_from(["all", "train"])),
    }
    if draw(st.booleans()):
        filters["date_range"] = draw(date_ranges(as_of))
    return {
        "name": "Sales",
        "owner": "someone",
        "natural_key_columns": draw(st.sampled_from([[], ["id"]])),
        "main_table": {"name": "sales", "columns": columns(SALES | {"sold_at": time_type})},
        "lookups": [
            lookup("items", "item", "item"),
            lookup("shelves", "items.shelf", "shelf"),
            lookup("people", "buyer", "buyer"),
        ],
        "column_mapping": mapping,
        "extra_columns": draw(st.sampled_from(EXTRA_COLUMNS))
        if by != ["shelves__group"]
        else EXTRA_COLUMNS[2],
        "filters": filters,
        **({"split_config": split} if split else {}),
    }


@pytest.fixture(scope="module")
def scratch():
    return connect()


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.data(),
    AS_OFS,
    st.sampled_from(sorted(TIMES)),
    st.sampled_from(["DECIMAL(38, 9)", "DOUBLE"]),
    st.tuples(st.integers(0, 2**32), st.sampled_from([0, 1, 5, 40, 80])),
)
def test_the_query_means_what_the_specification_says(scratch, data, as_of, time_type, money_type, seed):
    definition = data.draw(definitions(as_of, time_type))
    rows = Draw(Oracle(definition, {}, as_of), time_type, *seed).tables()
    shapes = {"sales": SALES | {"sold_at": time_type, "amount": money_type}, **LOOKUPS}
    for name, shape in shapes.items():
        create(scratch, name, shape, rows[name])
    tables = {name: records(shape, rows[name]) for name, shape in shapes.items()}
    expected = Oracle(definition, tables, as_of).rows()
    given_rows = selected(scratch, Dataset.model_validate(definition), as_of)
    assert given_rows == {tuple(map(plain, row)): count for row, count in expected.items()}
