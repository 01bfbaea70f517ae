"""The query of the specification and the compiled query return the same rows.

Two differences are meant. The query has no upper bound, because no row is later than CURRENT_DATE; here
as-of lies in the past, so its tables hold only rows before it. And money is decimal on both sides: float
sums choose other products from run to run (BR-103).

`DATASET_ASSETS_PROVE=1 pytest tests/oracle` tries more small tables.
"""

import os
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.contract.model import Dataset
from dataset_assets.interfaces.cli import demo_data as demo
from tests.oracle.harness import connect, create, differences, multiset, selected, text_of

QUERY = (Path(__file__).parent / "domain_query.sql").read_text()

TRANSACTIONS = {
    "household_id": "BIGINT",
    "product_id": "BIGINT",
    "store_id": "BIGINT",
    "sales_value": "DECIMAL(38, 9)",
    "trans_date": "DATE",
}
PRODUCTS = {
    "product_id": "BIGINT",
    "department": "VARCHAR",
    "product_category": "VARCHAR",
    "product_type": "VARCHAR",
}
TYPES = {"BIGINT": "integer", "VARCHAR": "string", "DECIMAL(38, 9)": "decimal", "DATE": "date"}


def columns(physical: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": TYPES[sql_type]} for name, sql_type in physical.items()]


def dataset(date_range: dict[str, Any], percent: int = 80, at_least: int = 2, eval_days: int = 14) -> Dataset:
    join = {"source_column": "product_id", "target_column": "product_id"}
    products = {"type": "table", "name": "products", "columns": columns(PRODUCTS)}
    return Dataset.model_validate(
        {
            "name": "Q4 2024 Training Data",
            "owner": "user-marcos",
            "main_table": {"name": "transactions", "columns": columns(TRANSACTIONS)},
            "lookups": [{"alias": "products", "target": products, "join_conditions": [join]}],
            "column_mapping": {
                "user_id": "household_id",
                "product_id": "product_id",
                "timestamp": "trans_date",
                "revenue": "sales_value",
                "city": "store_id",
                "product_name": "products.product_type",
                "category": "products.department",
                "subcategory": "products.product_category",
            },
            "filters": {
                "date_range": date_range,
                "product_filter": {"type": "top_revenue_percent", "value": percent},
                "customer_filter": {"type": "min_transactions", "value": at_least},
            },
            "split_config": {"strategy": "time_based", "eval_days": eval_days},
        }
    )


def replaced(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def rolling_query(as_of: date, months: int = 6) -> str:
    return replaced(
        QUERY, ("INTERVAL 6 MONTH", f"INTERVAL {months} MONTH"), ("CURRENT_DATE()", f"DATE '{as_of}'")
    )


def fixed_query(start: date, end: date) -> str:
    """Return the query of a fixed range, whose eval split counts back from the day after `end` (BR-107)."""
    return replaced(
        QUERY,
        (">= CURRENT_DATE() - INTERVAL 6 MONTH", f"BETWEEN DATE '{start}' AND DATE '{end}'"),
        ("CURRENT_DATE()", f"DATE '{end + timedelta(days=1)}'"),
    )


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@pytest.fixture(scope="module")
def grocer(tmp_path_factory):
    """Open the demo's tables, with a transaction's date as the specification's `trans_date`."""
    root = tmp_path_factory.mktemp("grocer")
    demo.prepare(root, lambda _: None)
    connection = connect()
    connection.execute(
        f"""CREATE TABLE every_transaction AS
        SELECT household_id, product_id, store_id, CAST(sales_value AS DECIMAL(38, 9)) AS sales_value,
            CAST(transaction_timestamp AS DATE) AS trans_date
        FROM '{root / demo.FOLDER / "transactions.parquet"}'"""
    )
    names = ", ".join(PRODUCTS)
    connection.execute(
        f"CREATE TABLE products AS SELECT {names} FROM '{root / demo.FOLDER / 'products.parquet'}'"
    )
    return connection


def before(connection, end: date) -> None:
    connection.execute(
        f"CREATE OR REPLACE VIEW transactions AS FROM every_transaction WHERE trans_date < DATE '{end}'"
    )


def assert_same_rows(connection, query: str, expected: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE given AS {query}")
    connection.execute(f"CREATE OR REPLACE TABLE expected AS {expected}")
    assert connection.execute("SELECT COUNT(*) FROM expected").fetchall()[0][0] > 50_000
    assert differences(connection, "FROM given", "FROM expected") == (0, 0)


# 31 August less six months is 28 February; 31 December less six months is 30 June.
@pytest.mark.parametrize("day", ["2017-03-01", "2017-08-31", "2017-12-31", "2018-01-01"])
def test_rolling_on_the_demo(grocer, day):
    as_of = date.fromisoformat(day)
    before(grocer, as_of)
    chosen = dataset({"type": "rolling", "months": 6})
    assert_same_rows(grocer, text_of(grocer, chosen, midnight(as_of)), rolling_query(as_of))


@pytest.mark.parametrize(("start", "end"), [("2017-02-28", "2017-05-31"), ("2017-12-01", "2017-12-31")])
def test_fixed_on_the_demo(grocer, start, end):
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    before(grocer, date(2019, 1, 1))
    chosen = dataset({"type": "fixed", "start_date": start, "end_date": end})
    query = text_of(grocer, chosen, midnight(date(2020, 5, 17)))
    assert_same_rows(grocer, query, fixed_query(first, last))


@pytest.fixture(scope="module")
def scratch():
    return connect()


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


DAYS = st.dates(date(2019, 12, 1), date(2021, 3, 31))
AS_OF = DAYS | DAYS.map(month_end)
MONEY = [None, Decimal(1), Decimal(1), Decimal(2), Decimal("7.25"), Decimal("0.5"), Decimal(-1)]
WORDS = [None, "a", "b", ""]
SEEDS = st.tuples(st.integers(0, 2**32), st.sampled_from([0, 1, 5, 40, 80]))


def tables(seed: int, size: int, edges: list[date]) -> tuple[list[tuple], list[tuple]]:
    """Few values, so that ties and duplicate rows are common; half the dates lie at the window's edges.

    All of them are before the last edge, as all rows are before CURRENT_DATE.
    """
    random = Random(seed)
    days = [edge + timedelta(days=shift) for edge in edges for shift in (-1, 0, 1)]
    days += [edges[-1] - timedelta(days=random.randint(1, 450)) for _ in days]
    days = [None, *(day for day in days if day < edges[-1])]
    rows = [
        (
            random.choice([None, 1, 1, 2, 3, 4, 5]),
            random.choice([None, 1, 1, 2, 3, 4, 5, 6]),
            random.choice([None, 1, 2, 3]),
            random.choice(MONEY),
            random.choice(days),
        )
        for _ in range(size)
    ]
    items = [(item, *(random.choice(WORDS) for _ in range(3))) for item in (1, 2, 3, 4, 6, 7)]
    return rows + rows[: size // 6], items


def load(connection, data: tuple[list[tuple], list[tuple]]) -> None:
    create(connection, "transactions", TRANSACTIONS, data[0])
    create(connection, "products", PRODUCTS, data[1])


CASES = 200 if os.environ.get("DATASET_ASSETS_PROVE") else 60
SMALL = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))


SETTINGS = st.fixed_dictionaries(
    {
        "months": st.integers(1, 24),
        "percent": st.integers(1, 100),
        "at_least": st.integers(1, 4),
        "eval_days": st.integers(1, 200),
    }
)


@SMALL
@given(AS_OF, SETTINGS, SEEDS)
def test_rolling_on_small_tables(scratch, as_of, chosen, seed):
    first = scratch.execute(
        f"SELECT CAST(DATE '{as_of}' - INTERVAL {chosen['months']} MONTH AS DATE)"
    ).fetchall()
    load(scratch, tables(*seed, [first[0][0], as_of - timedelta(days=chosen["eval_days"]), as_of]))
    expected = replaced(
        rolling_query(as_of, chosen["months"]),
        ("<= 0.80", f"<= {chosen['percent'] / 100:.2f}"),
        ("COUNT(*) >= 2", f"COUNT(*) >= {chosen['at_least']}"),
        ("INTERVAL 14 DAY", f"INTERVAL {chosen['eval_days']} DAY"),
    )
    settings = {name: value for name, value in chosen.items() if name != "months"}
    query = dataset({"type": "rolling", "months": chosen["months"]}, **settings)
    assert selected(scratch, query, midnight(as_of)) == multiset(scratch, expected)


@SMALL
@given(AS_OF, st.integers(0, 300), SEEDS)
def test_fixed_on_small_tables(scratch, end, length, seed):
    start = end - timedelta(days=length)
    load(scratch, tables(*seed, [start, end - timedelta(days=13), end, end + timedelta(days=30)]))
    chosen = dataset({"type": "fixed", "start_date": str(start), "end_date": str(end)})
    assert selected(scratch, chosen, midnight(end)) == multiset(scratch, fixed_query(start, end))
