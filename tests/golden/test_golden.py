"""The SQL of each demo dataset, window, filter and split equals the stored SQL in both dialects.

Whoever changes the compiler sees here what changes for its readers. `pytest tests/golden --update-golden`
writes the files anew; the difference is then read and committed like code.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlglot import exp

from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.versions import Lock, Version
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import ROWS, compile_rows
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.row_operations import DeleteRows, LabelRows, ReperiodRows
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.contract.where_types import where_types
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.rows.identity import EarlierRows, Identity
from dataset_assets.rows.output_rows import (
    CheckedOperation,
    EarlierOutput,
    OutputStamp,
    published_rows,
    rows_after,
    stamped_rows,
)
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import CTE, assemble, table
from dataset_assets.sql.dialect import DIALECTS, Dialect
from dataset_assets.sql.where.where import parse_where

HERE = Path(__file__).parent
CATALOG = load_catalog(HERE.parents[1] / "definitions")
AS_OF = datetime(2018, 1, 1, tzinfo=UTC)

PHYSICAL: Mapping[str, Mapping[ColumnType, tuple[PhysicalType, str]]] = {
    "duckdb": {
        ColumnType.STRING: (PhysicalType.STRING, "VARCHAR"),
        ColumnType.INTEGER: (PhysicalType.INTEGER, "BIGINT"),
        ColumnType.DECIMAL: (PhysicalType.FLOAT, "DOUBLE"),
        ColumnType.DATE: (PhysicalType.DATE, "DATE"),
        ColumnType.TIMESTAMP: (PhysicalType.DATETIME, "TIMESTAMP"),
    },
    "bigquery": {
        ColumnType.STRING: (PhysicalType.STRING, "STRING"),
        ColumnType.INTEGER: (PhysicalType.INTEGER, "INT64"),
        ColumnType.DECIMAL: (PhysicalType.FLOAT, "FLOAT64"),
        ColumnType.DATE: (PhysicalType.DATE, "DATE"),
        ColumnType.TIMESTAMP: (PhysicalType.TIMESTAMP, "TIMESTAMP"),
    },
}
"""Usual column types of each store: floats for money, timestamps without a zone in DuckDB."""


def relation(source: Source, dialect: Dialect) -> Relation:
    """Return a source under its logical name; a resolver would return a path or a qualified table."""
    types = PHYSICAL[dialect.name]
    name = source.nested.stem if source.nested else source.table
    columns = (PhysicalColumn(column.name, *types[column.type]) for column in source.stored_columns)
    return Relation(table(name), tuple(columns), version="1")


def inputs(scope: Scope, dialect: Dialect) -> SelectionInput:
    sources = scope.sources
    partitions = scope.dataset.partitions
    period = None
    if partitions:
        period = CATALOG.calendars.cadence(partitions.period).containing(datetime(2017, 12, 31, tzinfo=UTC))
    as_of = AsOf(period.end, period.zone) if period else AsOf(AS_OF)
    return SelectionInput(
        scope, {source.name: relation(source, dialect) for source in sources}, as_of, period
    )


def rows(scope: Scope, dialect: Dialect) -> tuple[CTE, ...]:
    return compile_rows(inputs(scope, dialect))


def published(stem: str, dialect: Dialect, *, again: bool) -> tuple[CTE, ...]:
    """Return the query of a run: rows with system columns, for a first run or a refresh."""
    scope = CATALOG.scope(CATALOG.entry(stem))
    dataset = scope.dataset
    definitions = tuple(output.definition for output in scope.outputs)
    identity = Identity(
        definitions, dataset.natural_key_columns, "timestamp" if dataset.column_mapping else None
    )
    period = inputs(scope, dialect).period
    stamp = Stamp(
        dataset.id or UUID(int=0),
        scope.main.name,
        UUID("01a2001c-5bb6-78a2-b67e-09700bdd3521"),
        "run-1",
        datetime(2018, 1, 2, 6, tzinfo=UTC),
        period.id if period else None,
    )
    before = EarlierRows(table(f"published_{stem}"), definitions) if again else None
    metadata = row_metadata(ROWS, identity, stamp, before, bucketed=dialect.sorts_in_one_place)
    return (*rows(scope, dialect), *metadata)


OPERATIONS = (
    LabelRows(where="category IN ('GROCERY', 'DRUG GM')", set={"shelf": "pantry"}, remove=("draft",)),
    DeleteRows(where="revenue <= 0 OR label('shelf') = 'old'"),
    ReperiodRows(where="timestamp >= TIMESTAMP '2017-12-31 18:00:00Z'", to="2018-01"),
)


def output(stem: str) -> tuple[CTE, ...]:
    """Return the query of an output that reads two Periods, with rows that were published before."""
    outputs = CATALOG.scope(CATALOG.entry(stem)).outputs
    names = [each.name for each in outputs]
    types = where_types((each.name, each.definition.type.value) for each in outputs)
    operations = [CheckedOperation(each, parse_where(each.where, types)) for each in OPERATIONS]
    source = table(f"published_{stem}")
    stamp = OutputStamp(
        UUID("01a2001c-5bb6-78a2-b67e-09700bdd3521"), "run-1", datetime(2018, 1, 2, 6, tzinfo=UTC), "2018-01"
    )
    before = EarlierOutput((source, source), has_columns=True)
    stamped = stamped_rows(rows_after([source, source], names, operations), before, names, [], stamp)
    return (CTE("output", published_rows(stamped.subquery("_stamped"), names, include_deleted=False)),)


def bitemporal(dialect: Dialect, *, late: bool) -> exp.Query:
    """Return the query of a run that loads a Period of prices, as the first one or between two others."""
    dataset = Dataset.model_validate(BITEMPORAL)
    selected = inputs(Scope(dataset, CATALOG.find), dialect)
    assert selected.period
    entry = Entry("prices", Path("prices.yaml"), None, dataset, (), Lock("prices.lock"))
    request = Request(entry, "run-1", datetime(2018, 1, 2, 6, tzinfo=UTC), selected.period)
    columns = [{"name": each.name, "type": each.definition.type} for each in selected.scope.outputs]
    record = {
        "published_at": "2018-01-01T00:00:00+00:00",
        "columns": columns,
        LOADED_PERIODS: {"2017-11": {}, "2018-01": {}},
    }
    earlier = Relation(table("published_prices"), (), "1")
    previous = Publication("prices", None, 1, record, earlier) if late else None
    version = Version(1, "", pending=False, kind="first", summary="")
    run = PreparedRun(request, selected, compile_rows(selected), version, UUID(int=0), previous)
    return run.query(bucketed=dialect.sorts_in_one_place)


def variant(**changes: Any) -> Dataset:
    """`grocery_recommender` with other settings."""
    given = CATALOG.entry("grocery_recommender").dataset
    assert given is not None
    return Dataset.model_validate({**given.model_dump(exclude={"partitions"}), **changes})


ROLLING = {"type": "rolling", "months": 6}
FIXED = {"type": "fixed", "start_date": "2017-07-01", "end_date": "2017-12-31"}
BY_DATE = {
    "name": "transactions",
    "columns": [
        {"name": "household_id", "type": "integer"},
        {"name": "basket_id", "type": "integer"},
        {"name": "product_id", "type": "integer"},
        {"name": "sales_value", "type": "decimal"},
        {"name": "transaction_timestamp", "type": "date"},
    ],
}
PRICES = {
    "alias": "price",
    "target": {
        "type": "table",
        "name": "prices",
        "columns": [
            {"name": "product_id", "type": "integer", "nullable": False},
            {"name": "valid_from", "type": "timestamp"},
            {"name": "valid_to", "type": "date"},
            {"name": "revision", "type": "integer"},
            {"name": "tier", "type": "string"},
        ],
    },
    "join_conditions": [{"source_column": "product_id", "target_column": "product_id"}],
}
KNOWN_PRICES = {
    **PRICES,
    "target": {
        "type": "table",
        "name": "prices",
        "bitemporal": True,
        "columns": [
            {"name": "product_id", "type": "integer", "nullable": False},
            {"name": "tier", "type": "string"},
        ],
    },
}
TIERS = {
    "filters": {"date_range": ROLLING},
    "split_config": None,
    "column_mapping": {
        "user_id": "household_id",
        "product_id": "product_id",
        "timestamp": "transaction_timestamp",
        "category": "price.tier",
    },
    "extra_columns": [],
}
BITEMPORAL = {
    "name": "Prices",
    "owner": "ada",
    "natural_key_columns": ["product_id"],
    "main_table": {
        "name": "prices",
        "bitemporal": True,
        "valid_from": "begins",
        "valid_to": "ends",
        "columns": [
            {"name": "product_id", "type": "integer", "nullable": False},
            {"name": "price", "type": "decimal"},
            {"name": "begins", "type": "date", "nullable": False},
            {"name": "ends", "type": "timestamp"},
        ],
    },
    "partitions": {"period": "month", "start": "2017-11"},
}
RANDOM = {"strategy": "random", "train_percent": 80, "seed": 7}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "window_fixed": {"filters": {"date_range": FIXED}},
    "window_rolling_of_a_date": {"filters": {"date_range": ROLLING}, "main_table": BY_DATE},
    "window_none": {"filters": {}, "split_config": RANDOM},
    "products_by_rank": {
        "filters": {"date_range": ROLLING, "product_filter": {"type": "top_revenue_percent", "value": 80}}
    },
    "products_by_category": {
        "filters": {
            "date_range": ROLLING,
            "product_filter": {"type": "categories", "value": ["DELI", "MEAT"]},
        }
    },
    "customers_by_rows": {
        "filters": {"date_range": ROLLING, "customer_filter": {"type": "min_transactions", "value": 2}},
        "column_mapping": {
            "user_id": "household_id",
            "product_id": "product_id",
            "timestamp": "transaction_timestamp",
        },
    },
    "split_gap_and_test": {
        "filters": {"date_range": ROLLING},
        "split_config": {"strategy": "time_based", "eval_days": 14, "gap_days": 7, "test_days": 14},
    },
    "split_by_row": {"filters": {"date_range": ROLLING}, "split_config": RANDOM},
    "split_by_user": {
        "filters": {"date_range": ROLLING},
        "split_config": {**RANDOM, "unit": "user", "test_percent": 10},
    },
    "split_by_product": {
        "filters": {"date_range": ROLLING},
        "split_config": {**RANDOM, "unit": "product", "folds": 5},
    },
    "split_by_columns": {
        "filters": {
            "date_range": ROLLING,
            "customer_filter": {"type": "min_transactions", "value": 2},
            "fit_on": "train",
        },
        "split_config": {
            **RANDOM,
            "unit": ["category", "products__brand"],
            "null_unit": "row",
            "folds": 10,
        },
    },
    "split_none": {"filters": {"date_range": ROLLING}, "split_config": None},
    "as_of_changes": {
        **TIERS,
        "lookups": [
            {**PRICES, "as_of": {"column": "valid_from", "max_age": "90d", "latest_by": ["revision"]}}
        ],
    },
    "as_of_intervals": {
        **TIERS,
        "lookups": [{**PRICES, "as_of": {"from": "valid_from", "to": "valid_to"}}],
        "filters": {
            "date_range": ROLLING,
            "product_filter": {"type": "categories", "value": ["gold"]},
        },
    },
    "as_of_knowledge_as_known": {
        **TIERS,
        "lookups": [{**KNOWN_PRICES, "as_of": {"knowledge": "as_known", "period": "month"}}],
    },
    "as_of_knowledge_latest": {
        **TIERS,
        "lookups": [{**KNOWN_PRICES, "as_of": {"knowledge": "latest_knowledge"}}],
    },
    "fit_on_train": {
        "filters": {
            "date_range": ROLLING,
            "product_filter": {"type": "cumulative_revenue_percent", "value": 80},
            "customer_filter": {"type": "min_transactions", "value": 2},
            "fit_on": "train",
        }
    },
}


def _demo(stem: str) -> Callable[[Dialect], tuple[CTE, ...]]:
    return lambda dialect: rows(CATALOG.scope(CATALOG.entry(stem)), dialect)


def _variant(changes: Mapping[str, Any]) -> Callable[[Dialect], tuple[CTE, ...]]:
    return lambda dialect: rows(Scope(variant(**changes), CATALOG.find), dialect)


QUERIES: Mapping[str, Callable[[Dialect], tuple[CTE, ...] | exp.Query]] = {
    **{f"demo_{stem}": _demo(stem) for stem in CATALOG.entries},
    **{name: _variant(changes) for name, changes in VARIANTS.items()},
    "run_first": lambda dialect: published("grocery_recommender", dialect, again=False),
    "run_refresh": lambda dialect: published("grocery_recommender", dialect, again=True),
    "run_output": lambda _: output("grocery_recommender"),
    "load_first": lambda dialect: bitemporal(dialect, late=False),
    "load_late": lambda dialect: bitemporal(dialect, late=True),
}
"""File stem → the function that returns the query."""


def query(name: str, dialect: Dialect) -> exp.Query:
    """Return the query of a golden file."""
    found = QUERIES[name](dialect)
    return found if isinstance(found, exp.Query) else assemble(found)


def rendered(name: str, dialect: Dialect) -> str:
    """Return the text of a golden file."""
    return dialect.render(query(name, dialect)) + "\n"


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_golden(name, dialect, pytestconfig):
    text = rendered(name, dialect)
    path = HERE / dialect.name / f"{name}.sql"
    if pytestconfig.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_rendering_leaves_the_query_as_it_was(name, dialect):
    rendered = query(name, dialect)
    before = repr(rendered)
    dialect.render(rendered, pretty=False)
    assert repr(rendered) == before


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_golden_file_is_left_over(dialect):
    assert sorted(path.stem for path in (HERE / dialect).glob("*.sql")) == sorted(QUERIES)
