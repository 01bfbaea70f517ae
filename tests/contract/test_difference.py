"""The differences between two structures, and which of them break a consumer."""

# ruff: noqa: E501 - the tables below are read by column

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_assets.catalog.structures import content_hash, structural_hash, structure
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import difference
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

TEXT = (Path(__file__).parent / "files" / "grocery_recommender.yaml").read_text()
EXTRA = "  extra_columns: [products.brand]             # carried along, not mapped\n"


def dataset(*edits: tuple[str, str]) -> Dataset:
    text = TEXT
    for before, after in edits:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return build(read(text, "x.yaml"), Dataset, "dataset")


ADDITIVE: dict[str, list[tuple[str, str]]] = {
    "column `size` of the lookup `products` added": [("{name: brand, type: string}", "{name: brand, type: string}\n          - {name: size, type: string}")],
    "lookup `stores` added": [("    - alias: value", "    - {alias: stores, target: {type: table, name: s, columns: [{name: id, type: integer}]}, join_conditions: [{source_column: basket_id, target_column: id}]}\n    - alias: value")],
    "`city` is mapped, to `products.brand`": [("    category: products.department\n", "    category: products.department\n    city: products.brand\n")],
    "extra column `household_id` added": [("[products.brand]", "[products.brand, household_id]")],
    "columns of the main table in another order": [("      - {name: household_id, type: integer, nullable: false}\n      - {name: basket_id, type: integer, nullable: false}\n", "      - {name: basket_id, type: integer, nullable: false}\n      - {name: household_id, type: integer, nullable: false}\n")],
    "column `sales_value` of the main table may no longer be NULL": [("{name: sales_value, type: decimal}", "{name: sales_value, type: decimal, nullable: false}")],
}  # fmt: skip
BREAKING: dict[str, list[tuple[str, str]]] = {
    "the main table is `sales` instead of `transactions`": [("    name: transactions\n", "    name: sales\n")],
    "column `brand` of the lookup `products` removed": [("          - {name: brand, type: string}\n", "")],
    "column `basket_id` of the main table is string instead of integer": [("{name: basket_id, type: integer", "{name: basket_id, type: string")],
    "column `basket_id` of the main table may now be NULL": [("{name: basket_id, type: integer, nullable: false}", "{name: basket_id, type: integer}")],
    "lookup `products` removed": [("- alias: products", "- alias: goods")],
    "the lookup `value` is joined on `basket_id` = `user_id` instead of `household_id` = `user_id`": [("{source_column: household_id,", "{source_column: basket_id,")],
    "the target of the lookup `value.id` changed from '7c1d2a9e-6a34-4f0e-8c55-90d6a1f0b7c2'": [("7c1d2a9e-", "8c1d2a9e-")],
    "the natural key is `basket_id` instead of `basket_id`, `product_id`": [("[basket_id, product_id]", "[basket_id]")],
    "`user_id` is mapped to `basket_id` instead of `household_id`": [("user_id: household_id", "user_id: basket_id")],
    "`transaction_id` is no longer mapped": [('    transaction_id: basket_id                 # ours: what one "transaction" is\n', "")],
    "extra column `products.brand` removed": [(EXTRA, "")],
    "the date range is the last 7 months instead of the last 6 months": [("months: 6", "months: 7")],
    "filters are fitted on all rows instead of train rows": [("    fit_on: train                             # all | train\n", "")],
    "the split: the last 7 days evaluate instead of the last 14 days evaluate": [("eval_days: 14", "eval_days: 7")],
    "rows are no longer split": [("  split_config: {strategy: time_based, eval_days: 14}\n", "")],
    "`partitions.period` changed from 'month' to 'day'": [("period: month", "period: day")],
    "`resolver_id` added": [("  ml_model:", "  resolver_id: retail\n  ml_model:")],
}  # fmt: skip
NOT_STRUCTURAL: dict[str, list[tuple[str, str]]] = {
    "id": [("id: 0b6f3a52-", "id: 1b6f3a52-")],
    "name": [("Grocery recommender", "Something else")],
    "owner": [("owner: user-marcos", "owner: team-data")],
    "status": [("status: active", "status: disabled")],
    "ml_model": [("ml_model: recommender", "ml_model: ranking")],
    "refresh": [("{on: upstream}", '{cron: "0 6 * * *"}')],
    "refresh.lookback": [("{on: upstream}", "{on: upstream, lookback: 2}")],
    "refresh.lookups": [("{on: upstream}", "{on: upstream, lookups: refresh_all}")],
    "refresh.paused": [("{on: upstream}", "{on: upstream, paused: true}")],
    "freshness": [("  ml_model:", "  freshness: {within: 26h}\n  ml_model:")],
    "quality": [("  ml_model:", "  quality: [{type: row_count, name: enough, min: 9}]\n  ml_model:")],
    "drift": [("  ml_model:", "  drift: {row_count: 30, split_share: 5, null_percent: 0.5, categories: true, over: 3}\n  ml_model:")],
    "allow_empty": [("  ml_model:", "  allow_empty: true\n  ml_model:")],
    "column description": [("{name: brand, type: string}", "{name: brand, type: string, description: Who makes it}")],
    "sensitive": [("{name: brand, type: string}", "{name: brand, type: string, sensitive: true}")],
}  # fmt: skip
DEFAULTS: dict[str, list[tuple[str, str]]] = {
    "nullable": [("{name: brand, type: string}", "{name: brand, type: string, nullable: true}")],
    "bitemporal": [("    name: transactions\n", "    name: transactions\n    bitemporal: false\n")],
    "gap_days": [("eval_days: 14", "eval_days: 14, gap_days: 0, test_days: 0")],
    "alias": [("    - alias: products\n      target:", "    - target:")],
    "status": [("  status: active                              # draft | active | disabled | archived\n", "")],
    "allow_empty": [("  ml_model:", "  allow_empty: false\n  ml_model:")],
    "refresh": [("{on: upstream}", "{on: upstream, lookups: latest, paused: false}")],
    "layout": [("    timestamp: transaction_timestamp\n", "    # when\n    timestamp: 'transaction_timestamp'\n")],
}  # fmt: skip


@pytest.mark.parametrize("text", ADDITIVE)
def test_additive_changes(text: str) -> None:
    found = difference(structure(dataset()), structure(dataset(*ADDITIVE[text])))
    assert (found.kind, found.summary) == ("additive", text)


@pytest.mark.parametrize("text", BREAKING)
def test_breaking_changes(text: str) -> None:
    found = difference(structure(dataset()), structure(dataset(*BREAKING[text])))
    assert found.kind == "breaking"
    assert found.summary.startswith(text)


@pytest.mark.parametrize("name", NOT_STRUCTURAL)
def test_changes_that_are_not_structural(name: str) -> None:
    changed = dataset(*NOT_STRUCTURAL[name])
    assert structural_hash(changed) == structural_hash(dataset())
    assert (content_hash(changed) == content_hash(dataset())) == (name == "id")


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_explicit_default_is_no_change(name: str) -> None:
    assert structural_hash(dataset(*DEFAULTS[name])) == structural_hash(dataset())


def test_a_mapped_transaction_id_is_breaking_if_it_can_select_other_customers() -> None:
    line = ('    transaction_id: basket_id                 # ours: what one "transaction" is\n', "")
    customers = ("    customer_filter: {type: min_transactions, value: 2}\n", "")
    with_filter = difference(structure(dataset(line)), structure(dataset()))
    without = difference(structure(dataset(line, customers)), structure(dataset(customers)))
    assert (with_filter.kind, without.kind) == ("breaking", "additive")


def test_a_new_split_is_additive_unless_its_gap_removes_rows() -> None:
    none = [("  split_config: {strategy: time_based, eval_days: 14}\n", "")]
    gap = [("eval_days: 14", "eval_days: 14, gap_days: 1")]
    assert difference(structure(dataset(*none)), structure(dataset())).kind == "additive"
    assert difference(structure(dataset(*none)), structure(dataset(*gap))).kind == "breaking"


RANDOM: dict[str, Any] = {"strategy": "random", "train_percent": 80}
SPLITS: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, str, str]] = {
    "product": ({**RANDOM, "unit": "user"}, {**RANDOM, "unit": "product"}, "breaking", "the split: 80 % of the products train, at random instead of 80 % of the users train, at random"),
    "columns": (RANDOM, {**RANDOM, "unit": ["user_id", "category"]}, "breaking", "the split: 80 % of the values of `user_id`, `category` train, at random instead of 80 % of the rows"),
    "order of columns": ({**RANDOM, "unit": ["category", "user_id"]}, {**RANDOM, "unit": ["user_id", "category"]}, "breaking", "the split: 80 % of the values of `user_id`, `category`"),
    "null_unit": ({**RANDOM, "unit": "user"}, {**RANDOM, "unit": "user", "null_unit": "row"}, "breaking", "the split: 80 % of the users train, at random, each row without a unit by itself instead of"),
    "null_unit that is an error": ({**RANDOM, "unit": "user"}, {**RANDOM, "unit": "user", "null_unit": "error"}, "breaking", "the split: 80 % of the users train, at random, no row may be without a unit instead of"),
    "folds": (RANDOM, {**RANDOM, "folds": 5}, "additive", "the number of folds is 5 instead of none"),
    "more folds": ({**RANDOM, "folds": 5}, {**RANDOM, "folds": 6}, "breaking", "the number of folds is 6 instead of 5"),
    "no folds": ({**RANDOM, "folds": 5}, RANDOM, "breaking", "the number of folds is none instead of 5"),
    "folds and seed": (RANDOM, {**RANDOM, "folds": 5, "seed": 3}, "breaking", "the split: 80 % of the rows train, at random (seed 3) instead of 80 % of the rows train, at random; the number"),
    "split with folds": (None, {**RANDOM, "folds": 5}, "additive", "the number of folds is 5 instead of none; rows are split: 80 % of the rows train"),
    "nothing": ({**RANDOM, "unit": "user"}, {**RANDOM, "unit": "user", "null_unit": "together", "folds": None, "seed": 0}, "same", "nothing changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_changes_of_a_random_split(name: str) -> None:
    old, new, kind, text = SPLITS[name]
    before, after = (
        structure(Dataset.model_validate({**dataset().model_dump(), "split_config": each}))
        for each in (old, new)
    )
    found = difference(before, after)
    assert found.kind == kind
    assert found.summary.startswith(text)


ENDS = [
    ("month", "2017-12", "2018-01", "additive", "`partitions.end` changed from '2017-12' to '2018-01'"),
    ("month", "2017-12", None, "additive", "`partitions.end` removed"),
    ("month", "2017-12", "2017-11", "breaking", "`partitions.end` changed from '2017-12' to '2017-11'"),
    ("month", None, "2017-12", "breaking", "`partitions.end` added"),
    ("corporate.quarter", "FY2017-Q3", "FY2018-Q1", "additive", "`partitions.end` changed from"),
    ("corporate.quarter", "2017-10-01", "FY2017-Q1", "breaking", "`partitions.end` changed from"),
]


@pytest.mark.parametrize(("period", "old", "new", "kind", "text"), ENDS)
def test_only_a_later_end_of_the_periods_is_additive(
    period: str, old: str | None, new: str | None, kind: str, text: str
) -> None:
    def with_end(end: str | None) -> Dataset:
        partitions = f"{{period: {period}, start: 2017-07{f', end: {end}' if end else ''}}}"
        return dataset(("{period: month, start: 2017-07}", partitions))

    found = difference(structure(with_end(old)), structure(with_end(new)))
    assert found.kind == kind
    assert found.summary.startswith(text)


def test_a_later_end_of_other_periods_is_breaking() -> None:
    plain = ("{period: month, start: 2017-07}", "{period: month, start: 2017-07, end: 2017-12}")
    other = ("{period: month, start: 2017-07}", "{period: shop.month, start: 2017-07, end: 2018-12}")
    found = difference(structure(dataset(plain)), structure(dataset(other)))
    assert [change.breaking for change in found.changes] == [True, True]


def _leaves(node: Any, path: tuple = ()) -> list[tuple]:
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return [leaf for key, child in items for leaf in _leaves(child, (*path, key))]
    return [path]


STRUCTURE = structure(dataset())


@given(st.sampled_from(_leaves(STRUCTURE)))
def test_every_changed_value_is_a_difference(leaf: tuple) -> None:
    changed = structure(dataset())
    node: Any = changed
    for step in leaf[:-1]:
        node = node[step]
    node[leaf[-1]] = "something_else"
    assert difference(STRUCTURE, changed).kind in ("additive", "breaking")
    assert difference(changed, changed).changes == ()
