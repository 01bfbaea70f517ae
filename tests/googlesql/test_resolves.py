"""Every golden query of BigQuery resolves in GoogleSQL, and has exactly the declared columns and types."""

import pytest
from zetasql.core import ServerError

from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, LABELS_TYPE
from dataset_assets.sql.dialect import BIGQUERY
from tests.golden.test_golden import (
    BITEMPORAL,
    CATALOG,
    HERE,
    PHYSICAL,
    QUERIES,
    VARIANTS,
    rendered,
    variant,
)
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.session import GOOGLESQL, LABELS, SYSTEM

DECLARED = {
    ColumnType.STRING: "STRING",
    ColumnType.INTEGER: "INT64",
    ColumnType.DECIMAL: "NUMERIC",
    ColumnType.BOOLEAN: "BOOL",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
BITEMPORAL_SYSTEM = {
    each.name: GOOGLESQL[LABELS if each.sql_type == LABELS_TYPE else each.sql_type]
    for each in BITEMPORAL_COLUMNS
}
SYSTEM_COLUMNS = {name: GOOGLESQL[native] for name, native in SYSTEM.items()}


def scope_of(query: str) -> Scope:
    if query.startswith("load_"):
        return Scope(Dataset.model_validate(BITEMPORAL), CATALOG.find)
    if query in VARIANTS:
        return Scope(variant(**VARIANTS[query]), CATALOG.find)
    stem = "grocery_recommender" if query.startswith("run_") else query.removeprefix("demo_")
    return CATALOG.scope(CATALOG.entry(stem))


def published(scope: Scope) -> dict[str, str]:
    return {output.name: DECLARED[output.definition.type] for output in scope.outputs}


def physical(source: Source) -> tuple[str, dict[str, str]]:
    """Return a table with the usual types of BigQuery, or a nested dataset as published."""
    if source.nested:
        return source.nested.stem, published(scope_of(source.nested.stem)) | SYSTEM_COLUMNS
    kinds = PHYSICAL["bigquery"]
    return source.table, {column.name: kinds[column.type][1] for column in source.stored_columns}


def analyzer(scope: Scope) -> Analyzer:
    tables = dict(physical(source) for source in scope.sources)
    earlier = {
        "published_grocery_recommender": published(scope) | SYSTEM_COLUMNS,
        "published_prices": published(scope) | BITEMPORAL_SYSTEM,
    }
    return Analyzer(tables | earlier)


@pytest.mark.parametrize("query", QUERIES)
def test_a_golden_query_resolves_with_the_declared_types(query):
    scope = scope_of(query)
    text = (HERE / "bigquery" / f"{query}.sql").read_text(encoding="utf-8")
    assert rendered(query, BIGQUERY) == text
    system = SYSTEM_COLUMNS if query.startswith("run_") else {}
    system = BITEMPORAL_SYSTEM if query.startswith("load_") else system
    assert analyzer(scope).analyze(text) == list((published(scope) | system).items())


def test_published_types_are_those_of_the_core():
    assert {kind: GOOGLESQL[native] for kind, native in SQL_TYPES.items()} == DECLARED


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT seen >= DATE '2020-01-01' FROM given", "No matching signature for operator >="),
        ("SELECT n FROM given QUALIFY COUNT(*) OVER (PARTITION BY n) = 1", "QUALIFY"),
        ("SELECT TRY_CAST(n AS STRING) FROM given", "Function not found"),
        ("SELECT n || 1 FROM given", "No matching signature"),
        ("SELECT missing FROM given", "Unrecognized name"),
        ("SELECT CAST(n AS DOUBLE) FROM given", "Type not found"),
        ("SELECT n, COUNT(*) FROM given", "neither grouped nor aggregated"),
        ("SELECT CAST(n AS TIMESTAMP) FROM given", "Invalid cast"),
        ("SELECT n FROM given; SELECT n FROM given", "Expected end of input"),
    ],
)
def test_what_bigquery_refuses_is_refused(sql, reason):
    with pytest.raises(ServerError, match=reason):
        Analyzer({"given": {"n": "INT64", "seen": "TIMESTAMP"}}).analyze(sql)
