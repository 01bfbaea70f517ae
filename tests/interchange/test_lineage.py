"""The column lineage of events is that of the SQL: sqlglot finds the same sources in the compiled query."""

import pytest
from sqlglot import exp, lineage

from dataset_assets.contract.scope import Scope
from dataset_assets.interchange.lineage import Influence, lineage_of
from dataset_assets.sql.build import assemble
from dataset_assets.sql.dialect import BIGQUERY
from tests.golden.test_golden import CATALOG, VARIANTS, rows, variant

DATASETS = [
    *CATALOG.entries,
    "split_by_user",
    "split_by_product",
    "split_by_columns",
    "split_by_row",
    "split_none",
    "window_rolling_of_a_date",
    "fit_on_train",
]


def scope_of(name: str) -> Scope:
    if name in VARIANTS:
        return Scope(variant(**VARIANTS[name]), CATALOG.find)
    return CATALOG.scope(CATALOG.entry(name))


def schema_of(scope: Scope) -> dict[str, dict[str, str]]:
    return {
        source.reads.removeprefix("datasets/"): {each.name: each.type.value for each in source.columns}
        for source in scope.sources
    }


def leaves(name: str, sql: str, schema: dict) -> set[tuple[str, str]]:
    """Return the columns of stored tables that a column of the query is computed from."""
    root = lineage.lineage(name, sql, schema=schema, dialect="bigquery")
    found = set()
    for node in root.walk():
        if isinstance(node.expression, exp.Table) and not node.downstream:
            found.add((node.expression.name, node.name.rpartition(".")[2].strip('`"').lower()))
    return found


@pytest.mark.parametrize("name", DATASETS)
def test_sqlglot_finds_the_same_sources(name):
    scope = scope_of(name)
    sql = BIGQUERY.render(assemble(rows(scope, BIGQUERY)))
    stated = lineage_of(scope)
    assert list(stated.columns) == [each.name for each in scope.outputs]
    for column, sources in stated.columns.items():
        expected = {(each.source.removeprefix("datasets/"), each.column.lower()) for each in sources}
        assert leaves(column, sql, schema_of(scope)) == expected, column


def test_columns_that_choose_rows_are_named():
    scope = scope_of("grocery_recommender")
    found = lineage_of(scope)
    filters = {each.column for each in found.rows if each.influence is Influence.FILTER}
    assert filters == {"household_id", "product_id", "sales_value", "transaction_timestamp"}
    joins = [(each.source, each.column) for each in found.rows if each.influence is Influence.JOIN]
    assert joins == [
        ("transactions", "product_id"),
        ("products", "product_id"),
        ("transactions", "household_id"),
        ("demographics", "household_id"),
    ]
    [split] = found.columns["split"]
    assert (split.column, split.influence) == ("transaction_timestamp", Influence.TRANSFORMATION)
