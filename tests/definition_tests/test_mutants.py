"""The demo's recorded tests fail when a definition changes: small changes of the files, and who survives."""

from pathlib import Path

import pytest

from dataset_assets.adapters.duckdb.memory import memory_engine
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.catalog.drafts import with_draft
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.definition_tests.run import run_test

ROOT = Path(__file__).parents[2] / "definitions"
MUTANTS = {
    "grocery_recommender": [
        ("months: 6", "months: 5"),
        ("months: 6", "months: 7"),
        ("cumulative_revenue_percent, value: 80", "cumulative_revenue_percent, value: 79"),
        ("cumulative_revenue_percent, value: 80", "cumulative_revenue_percent, value: 81"),
        ("cumulative_revenue_percent, value: 80", "cumulative_revenue_percent, value: 90"),
        ("type: cumulative_revenue_percent", "type: top_revenue_percent"),
        ("{type: cumulative_revenue_percent, value: 80}", "{type: none}"),
        ("min_transactions, value: 2", "min_transactions, value: 1"),
        ("min_transactions, value: 2", "min_transactions, value: 3"),
        ("{type: min_transactions, value: 2}", "{type: none}"),
        ("fit_on: all", "fit_on: train"),
        ("eval_days: 14", "eval_days: 13"),
        ("eval_days: 14", "eval_days: 15"),
        ("eval_days: 14", "eval_days: 14, gap_days: 1"),
        ("eval_days: 14", "eval_days: 14, test_days: 1"),
        ("source_column: product_id, target", "source_column: basket_id, target"),
        ("source_column: household_id, target", "source_column: product_id, target"),
        ("source_column: household_id, target", "source_column: basket_id, target"),
        ("user_id: household_id", "user_id: basket_id"),
        ("revenue: sales_value", "revenue: household_id"),
        ("category: products.department", "category: products.brand"),
        ("transaction_id: basket_id", "transaction_id: product_id"),
        ("extra_columns: [products.brand", "extra_columns: [products.department"),
        ("demographics.age, demographics.income]", "demographics.age]"),
        ("{name: sales_value, type: decimal,", "{name: sales_value, type: decimal, nullable: false,"),
        ("{name: department, type: string}", "{name: department, type: string, nullable: false}"),
    ],
    "fresh_food_affinity": [
        ("start_date: 2017-01-01", "start_date: 2017-01-02"),
        ("end_date: 2017-12-31", "end_date: 2017-12-30"),
        ("[PRODUCE, MEAT,", "[MEAT,"),
        ("PASTRY, SALAD BAR", "PASTRY, GROCERY"),
        ("min_transactions, value: 5", "min_transactions, value: 4"),
        ("min_transactions, value: 5", "min_transactions, value: 6"),
        ("fit_on: train", "fit_on: all"),
        ("unit: user ", "unit: row "),
        ("train_percent: 80", "train_percent: 70"),
        ("test_percent: 10", "test_percent: 15"),
        ("seed: 7", "seed: 8"),
        ("product_name: products.product_type", "product_name: products.department"),
    ],
    "quarterly_sales": [
        ("top_revenue_percent, value: 80", "top_revenue_percent, value: 79"),
        ("top_revenue_percent, value: 80", "top_revenue_percent, value: 81"),
        ("type: top_revenue_percent", "type: cumulative_revenue_percent"),
        ("fit_on: train", "fit_on: all"),
        ("eval_days: 14", "eval_days: 15"),
        ("gap_days: 7", "gap_days: 6"),
        ("gap_days: 7", "gap_days: 8"),
        ("test_days: 14", "test_days: 13"),
        ("revenue: sales_value", "revenue: store_id"),
        ("extra_columns: [store_id]", "extra_columns: [basket_id]"),
    ],
}
SURVIVORS = {
    ("grocery_recommender", "cumulative_revenue_percent, value: 81"),
    ("grocery_recommender", "source_column: product_id, target"),
    ("grocery_recommender", "source_column: basket_id, target"),
    ("grocery_recommender", "{name: sales_value, type: decimal, nullable: false,"),
    ("grocery_recommender", "{name: department, type: string, nullable: false}"),
    ("fresh_food_affinity", "test_percent: 15"),
    ("fresh_food_affinity", "fit_on: all"),
    ("quarterly_sales", "top_revenue_percent, value: 81"),
}
"""The changes that no recorded test notices; docs/definition_tests.md says why."""


def is_caught(stem, old, new) -> bool:
    path = ROOT / "datasets" / f"{stem}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (stem, old)
    catalog, entry = with_draft(load_catalog(ROOT), path, text.replace(old, new))
    assert [str(each) for each in entry.faults if "lock" not in str(each)] == []
    loaded = load_definition_tests(catalog, {stem})
    if loaded.faults:
        return True
    with memory_engine().connect() as session:
        results = [run_test(catalog, each, session) for each in loaded.tests]
    assert results
    return not all(each.passed for each in results)


@pytest.mark.parametrize("stem", MUTANTS)
def test_changes_of_definitions_are_noticed(stem):
    survived = {(stem, new) for old, new in MUTANTS[stem] if not is_caught(stem, old, new)}
    assert survived == {each for each in SURVIVORS if each[0] == stem}


def test_there_are_enough_changes():
    assert sum(map(len, MUTANTS.values())) >= 30
