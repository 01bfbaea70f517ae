"""Every rule, on a valid file with one or two changes that break it."""

# ruff: noqa: E501 - the tables below are read by column: a change and the expected message

import random
import shutil
from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.rules import RULES
from dataset_assets.catalog.structure_rules import _missing_periods
from dataset_assets.contract.model import Partitions
from dataset_assets.periods.cadence import Calendars

FILES = Path(__file__).parent / "files"
GROCERY = (FILES / "grocery_recommender.yaml").read_text()
ORDERS = (FILES / "sales_orders.yaml").read_text()
PRODUCTS = "7c1d2a9e-6a34-4f0e-8c55-90d6a1f0b7c2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("datasets", "projects"):
        (tmp_path / folder).mkdir()
    for stem in ("grocery_recommender", "household_value", "sales_orders", "product_categories"):
        shutil.copy(FILES / f"{stem}.yaml", tmp_path / "datasets")
    shutil.copy(FILES / "users.yaml", tmp_path)
    return tmp_path


def edited(text: str, *edits: tuple[str, str]) -> str:
    for before, after in edits:
        assert text.count(before) == 1, f"{before!r} is there {text.count(before)} times"
        text = text.replace(before, after)
    return text


def faults(root: Path, text: str, stem: str = "grocery_recommender") -> list[str]:
    (root / "datasets" / f"{stem}.yaml").write_text(text)
    return [str(fault).partition(".yaml:")[2] for fault in load_catalog(root).entries[stem].faults]


def test_the_example_files_have_no_faults(root: Path) -> None:
    catalog = load_catalog(root)
    assert catalog.faults == ()
    assert {stem: entry.faults for stem, entry in catalog.entries.items() if not entry.ok} == {}
    assert list(catalog.entries) == sorted(catalog.entries)


def test_entitys_own_example_has_exactly_its_two_faults(root: Path) -> None:
    (root / "datasets" / "sales_orders.yaml").unlink()
    text = (FILES / "entity_example.yaml").read_text()
    lines = text.splitlines()
    at_id = next(n for n, line in enumerate(lines, 1) if "d5e6f7g8" in line)
    at_product = next(n for n, line in enumerate(lines, 1) if "source_column: product_id" in line)
    first, second = faults(root, text, "entity_example")
    assert first.startswith(f"{at_id}:13: dataset.lookups[1].target.id: ")
    assert "'g' is no hexadecimal digit" in first
    assert second.startswith(f"{at_product}:26: dataset.lookups[1].join_conditions[0].source_column: ")
    assert "'product_id', which the main table `orders` does not have" in second


ORDER_COLUMN = "      - name: status\n        type: string\n"
MAPPING = GROCERY[GROCERY.index("  column_mapping:") : GROCERY.index("  extra_columns")]
ROLLING = "{type: rolling, months: 6}"

KEY_OF_ORDERS = "  natural_key_columns: [order_number]\n"
PERIODS = "  partitions: {period: month, start: 2026-01}\n"
MAIN_OF_ORDERS = "    name: orders\n"
BITEMPORAL = MAIN_OF_ORDERS + "    bitemporal: true\n"
BEGUN = ("      - name: region\n", "      - name: begun\n        type: date\n      - name: region\n")
LOOKUPS_OF_ORDERS = ORDERS[ORDERS.index("  lookups:") :]

ONE_FAULT = {
    "table name twice": (GROCERY, [("        name: products\n", "        name: Transactions\n")], "target.name: is 'Transactions', which another table"),
    "alias twice": (GROCERY, [("- alias: value", "- alias: Products")], "lookups[1].alias: names the lookup 'Products', as another lookup"),
    "alias is the main table": (GROCERY, [("- alias: value", "- alias: Transactions")], "lookups[1].alias: names the lookup 'Transactions', as the main table"),
    "column name twice": (GROCERY, [("{name: sales_value, type: decimal}", "{name: sales_value, type: decimal}\n      - {name: Basket_ID, type: integer}")], "columns[4].name: is 'Basket_ID', as in `columns[1]`; remove or rename one"),
    "natural key unknown": (GROCERY, [("[basket_id, product_id]", "[basket_no, product_id]")], "natural_key_columns[0]: is 'basket_no', which the main table"),
    "natural key twice": (GROCERY, [("[basket_id, product_id]", "[basket_id, Basket_ID]")], "natural_key_columns[1]: is 'Basket_ID' once more"),
    "join from nothing": (GROCERY, [("{source_column: household_id", "{source_column: house_id")], "lookups[1].join_conditions[0].source_column: is 'house_id', which"),
    "join from a later lookup": (GROCERY, [("{source_column: product_id", "{source_column: value.user_id")], "lookups[0].join_conditions[0].source_column: is 'value.user_id', but `value` is not joined yet"),
    "join from itself": (GROCERY, [("{source_column: household_id", "{source_column: value.user_id")], "is 'value.user_id', but `value` is not joined yet"),
    "join from an unknown lookup": (GROCERY, [("{source_column: household_id", "{source_column: product.brand")], "is 'product.brand', but there is no lookup `product`; did you mean `products`?"),
    "main table's name before a column": (GROCERY, [("{source_column: household_id", "{source_column: transactions.household_id")], "stand alone; write `household_id`"),
    "join to nothing": (GROCERY, [("target_column: user_id", "target_column: user")], "target_column: is 'user', which the lookup `value` does not have; did you mean `user_id`?"),
    "join of two types": (GROCERY, [("{source_column: product_id", "{source_column: sales_value")], "join_conditions[0]: joins sales_value (decimal) to product_id (integer)"),
    "nested dataset gone": (GROCERY, [(PRODUCTS, "00000000-0000-0000-0000-0000000000ff")], "lookups[1].target.id: is '00000000-0000-0000-0000-0000000000ff', an id that no dataset has"),
    "nested by other Periods": (GROCERY, [("{period: month, start: 2017-07}", "{period: quarter, start: 2017-Q3}")], "is the dataset `household_value`, which is published by `month`, this one by `quarter`"),
    "nested begins later": (GROCERY, [("{period: month, start: 2017-07}", "{period: month, start: 2017-06}")], "is the dataset `household_value`, which begins with 2017-07, after 2017-06"),
    "mapping of nothing": (GROCERY, [("user_id: household_id", "user_id: household")], "column_mapping.user_id: is 'household', which the main table"),
    "mapping of a lookup's nothing": (GROCERY, [("category: products.department", "category: products.dept")], "column_mapping.category: is 'products.dept', which the lookup `products` does not have"),
    "timestamp is a number": (GROCERY, [("timestamp: transaction_timestamp", "timestamp: household_id")], "column_mapping.timestamp: is 'household_id' of type integer; map a column of type date or timestamp"),
    "revenue is a text": (GROCERY, [("revenue: sales_value", "revenue: products.brand")], "column_mapping.revenue: is 'products.brand' of type string; map a column of type decimal or integer"),
    "category is a number": (GROCERY, [("{type: top_revenue_percent, value: 80}", "{type: categories, value: [GROCERY]}"), ("category: products.department", "category: basket_id")], "filters.product_filter: compares texts with `category`"),
    "revenue not mapped": (GROCERY, [("    revenue: sales_value\n", "")], "filters.product_filter: needs `revenue`, which is not mapped"),
    "category not mapped": (GROCERY, [("{type: top_revenue_percent, value: 80}", "{type: categories, value: [GROCERY]}"), ("    category: products.department\n", "")], "filters.product_filter: needs `category`, which is not mapped"),
    "filters without mapping": (GROCERY, [(MAPPING, ""), ("  extra_columns: [products.brand]             # carried along, not mapped\n", "")], "filters.date_range: `filters.date_range` and `filters.product_filter` and `filters.customer_filter` and `split_config` need a `column_mapping`"),
    "extra columns without mapping": (ORDERS, [("  main_table:", "  extra_columns: [amount]\n  main_table:")], "extra_columns: has no meaning without a `column_mapping`"),
    "split by user without mapping": (ORDERS, [("  main_table:", "  split_config: {strategy: random, train_percent: 80, unit: user}\n  main_table:")], "split_config: `split_config` needs a `column_mapping`"),
    "fit on train without split": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "")], "filters.fit_on: is 'train', but there is no `split_config`"),
    "extra column of nothing": (GROCERY, [("[products.brand]", "[products.colour]")], "extra_columns[0]: is 'products.colour', which the lookup `products` does not have"),
    "extra column twice": (GROCERY, [("[products.brand]", "[products.brand, products.Brand]")], "extra_columns[1]: is 'products.Brand' once more"),
    "output name twice": (GROCERY, [("product_id: product_id\n    time", "product_id: household_id\n    time")], "natural_key_columns[1]: would be published as `product_id`, which 'household_id' is already"),
    "a column named split": (ORDERS, [(ORDER_COLUMN, "      - {name: split, type: string}\n"), ("  main_table:", "  split_config: {strategy: random, train_percent: 80}\n  main_table:")], "columns[4].name: would be published as `split`"),
    "a column named fold": (ORDERS, [(ORDER_COLUMN, "      - {name: fold, type: string}\n"), ("  main_table:", "  split_config: {strategy: random, train_percent: 80, folds: 5}\n  main_table:")], "columns[4].name: would be published as `fold`, the column that `split_config` makes; rename it"),
    "split by product without mapping": (ORDERS, [("  main_table:", "  split_config: {strategy: random, train_percent: 80, unit: product}\n  main_table:")], "split_config: `split_config` needs a `column_mapping`"),
    "split by an unknown unit": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: users}\n")], "split_config.unit: is 'users', not one of row, user, product"),
    "split by nothing": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: []}\n")], "split_config.unit: has 0 items, must have at least 1"),
    "split by a strange column": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [user_id, a-b]}\n")], "split_config.unit[1]: is 'a-b', not a"),
    "split by an unknown column": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [user_id, categori]}\n")], "split_config.unit[1]: is 'categori', which is no published column; did you mean `category`?"),
    "split by a source's column": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [products.department]}\n")], "split_config.unit[0]: is 'products.department', which is no published column; it is published as `category`: write that"),
    "split by a hidden column": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [products.product_id]}\n")], "split_config.unit[0]: is 'products.product_id', which is no published column; add it to `extra_columns`, and write `products__product_id`"),
    "split by the split": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [split]}\n")], "split_config.unit[0]: is 'split', which is no published column"),
    "split by a column twice": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [user_id, User_ID]}\n")], "split_config.unit[1]: is 'User_ID' once more; remove it"),
    "NULL as a unit of rows": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, null_unit: error}\n")], "split_config: has a `null_unit`, but a unit that is a row is never NULL"),
    "NULL as an unknown unit": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: user, null_unit: rows}\n")], "split_config.null_unit: is 'rows', not one of together, row, error; did you mean `row`?"),
    "one fold": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, folds: 1}\n")], "split_config.folds: is '1', must be at least 2"),
    "too many folds": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, folds: 101}\n")], "split_config.folds: is '101', must be at most 100"),
    "no product for eval": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: product}\n")], "filters.fit_on: is 'train', but the split keeps each product in one part: no product of eval would be kept; write `fit_on: all`"),
    "no product for eval, by column": (GROCERY, [("  split_config: {strategy: time_based, eval_days: 14}\n", "  split_config: {strategy: random, train_percent: 80, unit: [Product_ID]}\n")], "filters.fit_on: is 'train', but the split keeps each product in one part"),
    "double underscore": (ORDERS, [(ORDER_COLUMN, "      - {name: customers__tier, type: string}\n")], "would be published as `customers__tier`, which 'customers__tier' is already"),
    "fixed range by Period": (GROCERY, [(ROLLING, "{type: fixed, start_date: 2017-01-01, end_date: 2017-12-31}")], "filters.date_range: is fixed, so every Period"),
    "unknown cadence": (ORDERS, [("  main_table:", "  partitions: {period: fortnight, start: 2017-07}\n  main_table:")], "partitions.period: 'fortnight' is not a grain"),
    "start is no Period": (GROCERY, [("start: 2017-07", "start: July")], "partitions.start: 'July' is not a Period of 'month'; write it like '2026-01'"),
    "end is no Period": (GROCERY, [("start: 2017-07", "start: 2017-07, end: December")], "partitions.end: 'December' is not a Period of 'month'; write it like '2026-01'"),
    "end before start": (GROCERY, [("start: 2017-07", "start: 2017-07, end: 2017-06")], "partitions.end: is 2017-06, before the `start` 2017-07; name a later one"),
    "both triggers": (GROCERY, [("{on: upstream}", '{on: upstream, cron: "0 6 * * *"}')], "refresh: has both `on` and `cron`"),
    "no trigger": (GROCERY, [("{on: upstream}", "{}")], "refresh: says neither `on` nor `cron`"),
    "cron of four fields": (GROCERY, [("{on: upstream}", '{cron: "0 6 * *"}')], "refresh.cron: is '0 6 * *': it has 4 fields, not 5"),
    "cron of hour 25": (GROCERY, [("{on: upstream}", '{cron: "0 25 * * *"}')], "`25` is no hour from 0 to 23"),
    "cron of 30 February": (GROCERY, [("{on: upstream}", '{cron: "0 0 30 feb *"}')], "no month of `feb` has a day 30"),
    "a pause alone": (GROCERY, [("{on: upstream}", "{paused: true}")], "refresh: says neither `on` nor `cron`"),
    "lookback below zero": (GROCERY, [("{on: upstream}", "{on: upstream, lookback: -1}")], "refresh.lookback: is '-1', must be at least 0"),
    "lookback in words": (GROCERY, [("{on: upstream}", "{on: upstream, lookback: two}")], "refresh.lookback: is 'two', not a whole number"),
    "lookback without Periods": (GROCERY, [("  partitions: {period: month, start: 2017-07}\n", ""), ("{on: upstream}", "{on: upstream, lookback: 2}")], "refresh.lookback: counts Periods, but the dataset has no `partitions`; remove it"),
    "other lookups": (GROCERY, [("{on: upstream}", "{on: upstream, lookups: refresh}")], "refresh.lookups: is 'refresh', not one of latest, refresh_all; did you mean `refresh_all`?"),
    "lookups without a lookup": (ORDERS, [(LOOKUPS_OF_ORDERS, "  refresh: {on: upstream, lookups: latest}\n")], "refresh.lookups: there are no lookups that could change; remove it"),
    "lookups without Periods": (GROCERY, [("  partitions: {period: month, start: 2017-07}\n", ""), ("{on: upstream}", "{on: upstream, lookups: refresh_all}")], "refresh.lookups: chooses among Periods, but the dataset has no `partitions`"),
    "lookups by the clock": (GROCERY, [("{on: upstream}", '{cron: "0 6 * * *", lookups: latest}')], "refresh.lookups: goes with `on: upstream`; a tick of `cron` refreshes the latest Period"),
    "paused how": (GROCERY, [("{on: upstream}", "{on: upstream, paused: yes}")], "refresh.paused: is 'yes', not true or false"),
    "freshness without a unit": (GROCERY, [("{on: upstream}", "{on: upstream}\n  freshness: {within: 26}")], "freshness.within: is '26', not a length of time; write it as 30m, 26h or 7d"),
    "freshness of no time": (GROCERY, [("{on: upstream}", "{on: upstream}\n  freshness: {within: 0h}")], "freshness.within: is '0h', not a length of time"),
    "drift of nothing": (GROCERY, [("{on: upstream}", "{on: upstream}\n  drift: {over: 3}")], "drift: compares nothing: it has none of `categories`, `null_percent`, `row_count`, `split_share`; add one, or remove `drift`"),
    "drift in words": (GROCERY, [("{on: upstream}", "{on: upstream}\n  drift: {row_count: some}")], "drift.row_count: is 'some', not a number"),
    "drift of too much": (GROCERY, [("{on: upstream}", "{on: upstream}\n  drift: {split_share: 100.5}")], "drift.split_share: is '100.5', must be at most 100"),
    "quality name twice": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality:\n    - {type: row_count, name: a, min: 1}\n    - {type: row_count, name: A, max: 9}")], "quality[1].name: is 'A', as a rule before; rename one"),
    "quality of an unknown kind": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: sum, name: a}]")], "quality[0].type: is 'sum'"),
    "quality of an unknown column": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: unique, name: a, columns: [user_id, produkt_id]}]")], "quality[0].columns[1]: is 'produkt_id', which is no published column; did you mean `product_id`?"),
    "quality with a wrong condition": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: where, name: a, where: \"revenu > 0 AND split = 'x'\"}]")], "quality[0].where: there is no column 'revenu' (line 1, column 1 of the condition); `split` (integer) is not comparable with 'x' (string) (line 1, column 24 of the condition); did you mean `revenue`?"),
    "quality without bounds": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: between, name: a, column: revenue}]")], "quality[0]: has neither `min` nor `max`"),
    "quality with a bound of another type": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: between, name: a, column: revenue, max: 1 OR split = 1}]")], "quality[0].max: is '1 OR split = 1', but revenue is of type decimal; write a number, such as 1.50"),
    "quality with a day that is none": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: between, name: a, column: timestamp, max: 2017-02-30}]")], "quality[0].max: is '2017-02-30', but timestamp is of type timestamp; write a timestamp in UTC"),
    "quality of an unknown lookup": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: references, name: a, lookup: product}]")], "quality[0].lookup: is 'product', but there is no such lookup; did you mean `products`?"),
    "quality of nothing": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: where, name: a, where: split = 1, percent: 0}]")], "quality[0].percent: is '0', must be greater than 0"),
    "quality upside down": (GROCERY, [("{on: upstream}", "{on: upstream}\n  quality: [{type: row_count, name: a, min: 9, max: 8}]")], "quality[0]: has a `min` of 9, above its `max` of 8"),
    "drift without a split": (ORDERS, [("  main_table:", "  drift: {row_count: 0.5, split_share: 5}\n  main_table:")], "drift.split_share: compares the parts of a split, but there is no `split_config`; remove it"),
    "bitemporal without Periods": (ORDERS, [(MAIN_OF_ORDERS, BITEMPORAL)], "main_table.bitemporal: needs `partitions`: each Period is one load of the table; add `partitions: {period: …, start: …}`"),
    "bitemporal without a key": (ORDERS, [(KEY_OF_ORDERS, PERIODS), (MAIN_OF_ORDERS, BITEMPORAL)], "main_table.bitemporal: needs `natural_key_columns`: they say which rows are of one thing at different times"),
    "bitemporal by a window": (GROCERY, [("    name: transactions\n", "    name: transactions\n    bitemporal: true\n"), ("{strategy: time_based, eval_days: 14}", "{strategy: random, unit: row, train_percent: 80}")], "filters.date_range: selects a part of a snapshot by time, and what a load of a bitemporal table lacks ends; remove it"),
    "bitemporal by a split of days": (GROCERY, [("    name: transactions\n", "    name: transactions\n    bitemporal: true\n"), ("    date_range: {type: rolling, months: 6}    # or {type: fixed, start_date, end_date}\n", "")], "split_config.strategy: moves rows with each Period, so that each load of a bitemporal table would end them"),
    "a valid time that is not asked for": (ORDERS, [(MAIN_OF_ORDERS, MAIN_OF_ORDERS + "    valid_from: begun\n"), BEGUN], "main_table.valid_from: names when a row of a bitemporal table is true, and this table is none; add `bitemporal: true`, or remove it"),
    "a valid time without a begin": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_to: begun\n"), BEGUN], "main_table.valid_to: names the end of the valid time without its begin; name the begin: `valid_from`"),
    "a valid time that is not there": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_from: begn\n"), BEGUN], "main_table.valid_from: is 'begn', which the main table `orders` does not have; did you mean `begun`?"),
    "a valid time of numbers": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_from: region\n"), BEGUN], "main_table.valid_from: is 'region', a column of type string; name a date or a timestamp"),
    "a valid time that is sensitive": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_from: begun\n"), (BEGUN[0], BEGUN[1].replace("type: date\n", "type: date\n        sensitive: true\n"))], "main_table.valid_from: is 'begun', a sensitive column, and the valid time of each row is shown"),
    "a valid time of one column": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_from: begun\n    valid_to: Begun\n"), BEGUN], "main_table.valid_to: is 'Begun', as `valid_from`: no valid time would have a length"),
    "a valid time in the key": (ORDERS, [(KEY_OF_ORDERS, KEY_OF_ORDERS.replace("]", ", begun]") + PERIODS), (MAIN_OF_ORDERS, BITEMPORAL + "    valid_from: begun\n"), BEGUN], "natural_key_columns[1]: is 'begun', a column of the valid time: each row would be a thing of its own"),
    "bitemporal lookup": (GROCERY, [("        name: products\n", "        name: products\n        bitemporal: true\n")], "lookups[0].target.bitemporal: says nothing of the Periods by which the table was loaded; name their grain: `as_of: {knowledge: as_known, period: month}`"),
    "owner unknown": (GROCERY, [("owner: user-marcos", "owner: user-markos")], "owner: is 'user-markos', whom users.yaml does not have; did you mean `user-marcos`?"),
    "joins are not materialised here": (GROCERY, [("  partitions:", "  materialised: eager\n  partitions:")], "dataset.materialised: is not a known key"),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE_FAULT)
def test_one_broken_setting_is_one_fault(root: Path, case: str) -> None:
    text, edits, expected = ONE_FAULT[case]
    stem = "sales_orders" if text is ORDERS else "grocery_recommender"
    found = faults(root, edited(text, *edits), stem)
    assert len(found) == 1, found
    assert expected in found[0]


ALLOWED = [
    [("  natural_key_columns: [basket_id, product_id]\n", "")],
    [("{source_column: household_id", "{source_column: products.product_id")],
    [("  partitions: {period: month, start: 2017-07}\n", "")],
    [("{period: month, start: 2017-07}", "{period: month, start: 2019-02}")],
    [("{period: month, start: 2017-07}", "{period: month, start: 2017-07, end: 2017-07}")],
    [("{on: upstream}", '{cron: "*/15 6-18 * jan-jun,dec mon-fri"}')],
    [("{on: upstream}", '{cron: "0 6 * * *", lookback: 3, paused: false}')],
    [("{on: upstream}", "{on: upstream, lookback: 0, lookups: refresh_all, paused: true}")],
    [
        (
            "{on: upstream}",
            "{on: upstream}\n  freshness: {within: 90m}\n  drift: {row_count: 0, null_percent: 0.25}",
        )
    ],
    [("{on: upstream}", "{on: upstream}\n  drift: {split_share: 5, categories: true, over: 12}")],
    [("[products.brand]", "[products.brand, value.value, household_id]")],
    [("{type: top_revenue_percent, value: 80}", "{type: none}"), ("    revenue: sales_value\n", "")],
]


@pytest.mark.parametrize("edits", ALLOWED)
def test_allowed_changes(root: Path, edits: list[tuple[str, str]]) -> None:
    assert faults(root, edited(GROCERY, *edits)) == []


def test_rows_can_be_split_without_a_mapping(root: Path) -> None:
    split = "  split_config: {strategy: random, train_percent: 80}\n  main_table:"
    assert faults(root, edited(ORDERS, ("  main_table:", split)), "sales_orders") == []


INDEPENDENT = [name for name, (text, edits, _) in ONE_FAULT.items() if text is GROCERY and len(edits) == 1]
TYPE_FAULTS = {
    "months": (ROLLING, "{type: rolling, months: 60}", "filters.date_range.months: is '60'"),
    "column type": ("{name: brand, type: string}", "{name: brand, type: text}", "columns[2].type: is 'text'"),
    "column name": ("{name: department, type", "{name: _department, type", "columns[1].name: is '_department'"),
    "id": ("id: 0b6f3a52-", "id: xb6f3a52-", "dataset.id: is 'xb6f3a52-"),
    "status": ("status: active", "status: retired", "dataset.status: is 'retired'"),
    "unknown key": ("ml_model: recommender", "ml_modell: recommender", "dataset.ml_modell: is not a known key"),
    "no owner": ("  owner: user-marcos                          # a user or team of users.yaml\n", "", "dataset.owner: is required"),
    "no main name": ("    name: transactions\n", "", "main_table.name: is required"),
    "nullable": ("{name: basket_id, type: integer, nullable: false}", "{name: basket_id, type: integer, nullable: 0}", "columns[1].nullable: is '0'"),
    "target type": ("{type: dataset, id:", "{type: data, id:", "lookups[1].target.type: is 'data'"),
    "split": ("strategy: time_based", "strategy: by_time", "split_config.strategy: is 'by_time'"),
    "misspelt filters": ("  filters:\n", "  filter:\n", "dataset.filter: is not a known key"),
    "empty refresh": ("refresh: {on: upstream}", "refresh: {on: downstream}", "refresh.on: is 'downstream'"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", TYPE_FAULTS)
def test_a_fault_of_one_field_has_no_consequences(root: Path, wrong: str) -> None:
    before, after, expected = TYPE_FAULTS[wrong]
    found = faults(root, edited(GROCERY, (before, after)))
    assert len(found) == 1, found
    assert expected in found[0]


RETAIL = "{period: shop.month, start: RY2017-M05}"
WITHOUT_A_CLOCK = {
    "{on: upstream, lookback: 2}": "refresh.lookback: counts back from the latest Period, but no schedule can follow when a `shop.month` begins; remove it",
    "{on: upstream, lookups: latest}": "refresh.lookups: is 'latest', but no schedule can follow when a `shop.month` begins; write `refresh_all`",
    "{on: upstream, lookups: refresh_all}": "",
    "{on: upstream}": "",
}  # fmt: skip


@pytest.mark.parametrize("refresh", WITHOUT_A_CLOCK)
def test_settings_that_count_back_need_a_cron_schedule(root: Path, refresh: str) -> None:
    (root / "periods.yaml").write_text("calendars:\n  shop: {type: retail}\n")
    nested = root / "datasets" / "household_value.yaml"
    nested.write_text(edited(nested.read_text(), ("{period: month, start: 2017-07}", RETAIL)))
    edits = [("{period: month, start: 2017-07}", RETAIL), ("{on: upstream}", refresh)]
    found, expected = faults(root, edited(GROCERY, *edits)), WITHOUT_A_CLOCK[refresh]
    assert len(found) == bool(expected), found
    assert expected in "".join(found)


def _overlap(text: str, first: str, second: str) -> bool:
    """Return whether two replaced places overlap or are in the same entry of the file (a line and its children)."""
    lines = [text[: text.index(part)].count("\n") for part in (first, second)]
    return abs(lines[0] - lines[1]) <= first.count("\n") + second.count("\n")


# Rule violations that depend on the broken value, so that they are not reported beside it.
DEPENDS = {
    "target type": (
        "nested dataset gone",
        "nested by other Periods",
        "nested begins later",
        "join to nothing",
        "alias",
    ),
    "misspelt filters": (
        "revenue not mapped",
        "fixed range by Period",
        "fit on train without split",
        "no product for eval",
        "no product for eval, by column",
    ),
    "split": ("fit on train without split", "quality with a wrong condition"),
    "months": ("fixed range by Period",),
    "column type": ("revenue is a text",),
    "column name": (
        "mapping of a lookup's nothing",
        "extra column of nothing",
        "split by a source's column",
    ),
    "no main name": ("table name twice", "alias is the main table", "main table's name before a column"),
}


def test_two_independent_faults_are_both_reported(root: Path) -> None:
    """A fault of the model and a violation of a rule at random places: neither hides the other."""
    pairs = [(wrong, case) for wrong in TYPE_FAULTS for case in INDEPENDENT]
    tried, wrongly = 0, []
    for wrong, case in random.Random(7).sample(pairs, len(pairs)):
        before, after, expected_type = TYPE_FAULTS[wrong]
        _, [(rule_before, rule_after)], expected_rule = ONE_FAULT[case]
        if _overlap(GROCERY, before, rule_before) or case in DEPENDS.get(wrong, ()):
            continue
        found = faults(root, edited(GROCERY, (before, after), (rule_before, rule_after)))
        tried += 1
        reported = [any(expected in text for text in found) for expected in (expected_type, expected_rule)]
        if len(found) != 2 or not all(reported):
            wrongly.append((wrong, case, found))
    assert not wrongly, "\n".join(map(str, wrongly))
    assert tried > 200


def test_every_rule_is_named_once() -> None:
    assert len({rule.__name__ for rule in RULES}) == len(RULES)
    assert all(rule.__doc__ for rule in RULES)


def valid_datasets(catalog: Catalog) -> list[str]:
    return [stem for stem, entry in catalog.entries.items() if entry.ok]


NESTED = """dataset:
  id: 00000000-0000-0000-0000-00000000000{id}
  name: {name}
  owner: team-data
  main_table:
    name: t
    columns: [{{name: k, type: integer}}]
  lookups:
    - alias: inner
      target: {{type: dataset, id: 00000000-0000-0000-0000-00000000000{nested}}}
      join_conditions: [{{source_column: k, target_column: k}}]
"""


def test_cycles_print_their_path(root: Path) -> None:
    for stem, own, nested in (("a", 1, 2), ("b", 2, 3), ("c", 3, 1), ("above", 4, 1), ("me", 5, 5)):
        text = NESTED.format(id=own, name=stem, nested=nested)
        (root / "datasets" / f"{stem}.yaml").write_text(text)
    catalog = load_catalog(root)
    messages = {stem: entry.faults[0].message for stem, entry in catalog.entries.items() if entry.faults}
    assert messages == {
        "a": "makes a cycle: a -> b -> c -> a",
        "b": "makes a cycle: b -> c -> a -> b",
        "c": "makes a cycle: c -> a -> b -> c",
        "above": "is the dataset `a`, whose file has faults",
        "me": "makes a cycle: me -> me",
    }
    assert all(len(catalog.entries[stem].faults) == 1 for stem in messages)
    assert "grocery_recommender" in valid_datasets(catalog)


def test_a_broken_nested_dataset_breaks_only_those_that_nest_it(root: Path) -> None:
    nested = root / "datasets" / "household_value.yaml"
    nested.write_text(nested.read_text().replace("type: decimal", "type: money"))
    catalog = load_catalog(root)
    assert valid_datasets(catalog) == ["product_categories", "sales_orders"]
    [fault] = catalog.entries["grocery_recommender"].faults
    assert fault.message == "is the dataset `household_value`, whose file has faults"


def test_one_id_in_two_files(root: Path) -> None:
    shutil.copy(root / "datasets" / "sales_orders.yaml", root / "datasets" / "copy.yaml")
    catalog = load_catalog(root)
    assert "as in `copy`" in str(catalog.entries["sales_orders"].faults[0])
    assert "as in `sales_orders`" in str(catalog.entries["copy"].faults[0])


@pytest.mark.parametrize(
    ("name", "wrong"), [("monthly-orders", "cannot name a table"), ("Sales_Orders", "by case")]
)
def test_file_names(root: Path, name: str, wrong: str) -> None:
    text = ORDERS.replace("d1a2b3c4", "d1a2b3c5")
    assert wrong in faults(root, text, name)[0]


@pytest.mark.parametrize(
    ("own", "nested", "lacks"),
    [
        (("2024-01", None), ("2024-01", None), ""),
        (("2024-02", "2024-06"), ("2024-01", "2024-06"), ""),
        (("2024-01", "2024-07"), ("2024-01", "2024-06"), "ends with 2024-06, before 2024-07"),
        (("2024-01", None), ("2024-01", "2024-06"), "ends with 2024-06, before this one, which has no end"),
        (("2024-01", None), ("2024-02", None), "begins with 2024-02, after 2024-01"),
        (("2024-01", None), ("2024-13", None), ""),
    ],
)
def test_a_nested_dataset_has_all_periods_of_its_parent(own, nested, lacks) -> None:
    def partitions(start: str, end: str | None) -> Partitions:
        return Partitions(period="month", start=start, end=end)

    assert _missing_periods(Calendars(), partitions(*own), partitions(*nested)) == lacks
