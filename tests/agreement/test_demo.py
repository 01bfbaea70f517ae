"""The demo's datasets are equal on DuckDB and BigQuery: digest, counts, statistics, every row and id.

An analysis before each publication has the same sizes.

`DATASET_ASSETS_DEMO=all pytest tests/agreement` publishes all eight, each for up to three Periods.
"""

import os
import shutil
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlglot import exp

from dataset_assets.discovery.analyze import analyze
from dataset_assets.interfaces.cli import demo_data as demo
from dataset_assets.ports.engine import Session
from dataset_assets.publishing.materialize import materialize
from resources.target import PROJECT
from tests.agreement.analyses import assert_equal, choice
from tests.agreement.parity import EnginePair, engine_pair, findings, published
from tests.bigquery.emulator import Emulator

FEW = (
    ("household_profiles", None),
    ("promo_response", None),
    ("product_categories", None),
)
"""The default: the other datasets have half a million rows, for which the tests' BigQuery needs a minute."""
ALL = (
    *FEW,
    ("sales_orders", None),
    ("fresh_food_affinity", None),
    ("grocery_recommender", "2017-07"),
    ("grocery_recommender", "2017-11"),
    ("grocery_recommender", "2017-12"),
    ("quarterly_sales", "FY2016-Q4"),
    ("quarterly_sales", "FY2017-Q1"),
    ("quarterly_sales", "FY2017-Q3"),
    ("price_response", "2017-09"),
)
"""In build order: nested datasets before those that read them."""
NOW = datetime(2018, 1, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def retailer(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Generator[EnginePair]:
    """Load the demo's tables into both stores, and copy its definitions and lock files."""
    data = tmp_path_factory.mktemp("demo")
    demo.prepare(data, lambda _: None)
    with engine_pair(emulator) as pair:
        shutil.copytree(PROJECT / "definitions", pair.root / "definitions", dirs_exist_ok=True)
        for name in demo.TABLES:
            pair.load(name, in_microseconds(data / demo.FOLDER / f"{name}.parquet"))
        yield pair


def in_microseconds(path: Path) -> pa.Table:
    """Return the table with times in microseconds, BigQuery's resolution."""
    table = parquet.read_table(path)
    fields = (
        each.with_type(pa.timestamp("us")) if pa.types.is_timestamp(each.type) else each
        for each in table.schema
    )
    return table.cast(pa.schema(fields))


def rows(session: Session, query: exp.Query) -> pa.Table:
    """Return all columns, ordered by id."""
    return session.arrow(query).sort_by("_row_id")


@pytest.mark.parametrize(("stem", "period"), ALL if os.environ.get("DATASET_ASSETS_DEMO") == "all" else FEW)
def test_a_dataset_of_the_demo(retailer: EnginePair, stem: str, period: str | None):
    request = retailer.request(stem, period, "run-1", NOW)
    catalog = retailer.catalog
    made: list[dict[str, Any]] = []
    tables: list[pa.Table] = []
    for target in retailer.targets:
        analysis = analyze(catalog, target, request.entry, choice(request))
        publication = materialize(catalog, target, request, lambda _: None)
        assert_equal(analysis, publication)
        made.append(findings(publication))
        tables.append(published(target, request, rows))
    ours, theirs = tables
    assert made[0] == made[1]
    assert ours.num_rows == made[0]["counts"].rows > 0
    assert theirs.select(ours.column_names).cast(ours.schema) == ours
