"""SQL can be compiled without resolving sources: logical names, the declared schema, no casts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.scope import Scope
from dataset_assets.periods.instants import AsOf
from dataset_assets.sql.build import assemble
from dataset_assets.sql.dialect import DIALECTS

CATALOG = load_catalog(Path(__file__).parents[2] / "definitions")
AS_OF = AsOf(datetime(2018, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
@pytest.mark.parametrize("stem", ["household_profiles", "promo_response", "quarterly_sales", "sales_orders"])
def test_the_contract_alone_is_enough(stem, dialect):
    entry = CATALOG.entry(stem)
    schedule = schedule_of(CATALOG, entry)
    period = schedule.last_complete(AS_OF.instant) if schedule else None
    scope = CATALOG.scope(entry)
    inputs = SelectionInput(scope, logical_relations(scope, period), AS_OF, period)
    tree = sqlglot.parse_one(DIALECTS[dialect].render(assemble(compile_rows(inputs))), read=dialect)
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    names = {found.name for found in tree.find_all(exp.Table)} - ctes
    sources = scope.sources
    assert names == {each.nested.stem if each.nested else each.table for each in sources}
    reading = next(cte.this for cte in tree.find_all(exp.CTE))
    assert not [cast for each in reading.expressions for cast in each.find_all(exp.Cast)]


def test_a_nested_dataset_is_read_for_the_same_period():
    outer = CATALOG.checked(CATALOG.entry("promo_response"))
    inner = CATALOG.entry("grocery_recommender")
    schedule = schedule_of(CATALOG, inner)
    assert schedule is not None
    id_ = CATALOG.checked(inner).id
    assert id_ is not None
    found = CATALOG.find(id_)
    scope = Scope(outer, lambda _: found)
    source = logical_relations(scope, schedule.period("2017-12"))["household"].source
    assert source.sql() == "(SELECT * FROM grocery_recommender WHERE _period = '2017-12')"
    assert logical_relations(scope)["household"].source.sql() == "grocery_recommender"
