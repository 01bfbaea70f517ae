"""A definition test selects given rows as a publication does, and says how they differ from the expected."""

import pytest

from dataset_assets.checks.audit import SPLIT_UNIT_NOT_NULL
from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.checks.lookup_keys import LOOKUPS_UNIQUE
from dataset_assets.checks.row_checks import NATURAL_KEY_UNIQUE
from dataset_assets.contract.definition_test import ROW_CHECKS
from dataset_assets.definition_tests.text_table import failure_lines
from tests.definition_tests.conftest import GOOD, ITEMS, SALES


def test_expected_rows_pass_in_any_order_and_with_some_columns(shop):
    shop.test(GOOD, "whole")
    given, expect = GOOD.split("  expect:\n")
    first, second, _ = expect.split("\n")
    shop.test(f"{given}  expect:\n{second}\n{first}\n", "other_order")
    shop.test(f"{given}  expect: [{{split: 1}}, {{split: 0}}]\n", "some_columns")
    assert {name: each.passed for name, each in shop.results().items()} == {
        "other_order": True,
        "some_columns": True,
        "whole": True,
    }


def test_differences_are_side_by_side_and_sensitive_values_masked(shop):
    shop.test(GOOD.replace('"1.00"', '"1.50"').replace("line: 2, user_id: b1", "line: 9, user_id: zz"))
    found = shop.results()["one"]
    assert not found.passed
    differences = {each.differing: each for each in found.differences}
    assert set(differences) == {("revenue",), ("line", "user_id")}
    changed = differences["revenue",]
    assert (changed.expected["revenue"], changed.found["revenue"]) == ("1.5", "1")
    assert {each.expected["user_id"] for each in found.differences} == {MASKED}
    text = "\n".join(failure_lines(found))
    assert "≠ 1.5" in text
    assert "zz" not in found.model_dump_json()


def test_a_row_that_is_twice_is_not_a_row_that_is_once(shop):
    given, _ = GOOD.split("  expect:\n")
    shop.test(f"{given}  expect: [{{category: fruit}}, {{category: fruit}}, {{category: fruit}}]\n")
    [difference] = shop.results()["one"].differences
    assert difference.found is None


def test_no_row_is_expected(shop):
    shop.test("test: {partition: 2024-02, expect: []}", "empty")
    shop.test(GOOD.split("  expect:\n", maxsplit=1)[0] + "  expect: []\n", "not_empty")
    results = shop.results()
    assert results["empty"].passed
    assert len(results["not_empty"].differences) == 2


ROW = "{line: 1, buyer: b, item: 3, price: 1, sold_at: 2024-02-01}"
OTHER = "{line: 2, buyer: b, item: 3, price: 1, sold_at: 2024-02-01}"


@pytest.mark.parametrize(
    ("check", "rows", "items"),
    [
        ("natural_key_unique", f"{ROW}, {ROW}", "{item: 3, kind: fruit}"),
        ("lookups_unique", f"{ROW}, {OTHER}", "{item: 3, kind: fruit}, {item: 3, kind: bread}"),
        ("not_null", f"{ROW.replace('line: 1', 'line: null')}, {OTHER}", "{item: 3, kind: fruit}"),
        ("priced", f"{ROW.replace('price: 1', 'price: 0')}, {OTHER}", "{item: 3, kind: fruit}"),
        ("quality_many", f"{ROW}, {OTHER}", "{item: 3, kind: fruit}"),
    ],
)
def test_a_failing_check_is_expected_and_fails_a_test_that_expects_rows(shop, check, rows, items):
    given = f"test: {{partition: 2024-02, given: {{sales: [{rows}], items: [{items}]}}, "
    good = f"test: {{partition: 2024-02, given: {{sales: [{ROW}, {OTHER}], items: [{{item: 3}}]}}, "
    shop.test(f"{given}expect_failure: {check}}}", "failing")
    shop.test(f"{good}expect_failure: {check}}}", "passing")
    results = shop.results()
    assert results["failing"].passed, results["failing"].problems
    is_size = check == "quality_many"
    assert results["passing"].passed == is_size
    if check not in ("not_null", "quality_many"):
        shop.test(f"{given}expect: []}}", "rows")
        assert "the check" in shop.results()["rows"].problems[0]


def test_the_names_of_checks_are_those_of_the_checks():
    names = {LOOKUPS_UNIQUE, NATURAL_KEY_UNIQUE.name, SPLIT_UNIT_NOT_NULL.name, "not_null"}
    assert names == set(ROW_CHECKS)


def test_a_nested_dataset_has_the_rows_of_its_name_wherever_no_alias_has_others(shop):
    twice = SALES.replace(
        "  column_mapping:",
        "    - alias: other\n"
        "      target: {type: dataset, id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d}\n"
        "      join_conditions: [{source_column: line, target_column: item}]\n  column_mapping:",
    ).replace("  filters:", "  extra_columns: [other.kind]\n  filters:")
    shop.dataset("sales", twice)
    given = GOOD.split("  expect:\n", maxsplit=1)[0]
    shop.test(f"{given}  expect: [{{other__kind: null}}, {{other__kind: fruit}}]\n", "by_name")
    other = "    other: [{item: 2, kind: x}]"
    shop.test(f"{given}{other}\n  expect: [{{other__kind: x}}, {{other__kind: null}}]\n", "by_alias")
    results = shop.results()
    assert (results["by_name"].passed, results["by_alias"].passed) == (True, True)


EVERY_TYPE = "{item: 9223372036854775807, kind: '5', listed_on: 2024-02-29, fresh: false}"


def test_every_type_is_compared_exactly(shop):
    text = f"test:\n  given:\n    items:\n      - {EVERY_TYPE}\n  expect:\n    - {EVERY_TYPE}\n"
    shop.test(text, stem="items")
    assert shop.results()["one"].passed


def test_a_bitemporal_lookup_has_rows_with_their_intervals(shop):
    bitemporal = "    name: items\n    bitemporal: true\n    valid_from: listed_on\n"
    items = ITEMS.replace("    name: items\n", bitemporal).replace("listed_on, type: date", LISTED)
    shop.dataset("items", f"{items}  partitions: {{period: month, start: 2024-01}}\n")
    given, expect = GOOD.split("  expect:\n")
    given = given.replace("listed_on: 2024-01-01, fresh: true", f"{KNOWN}, _valid_from: 2023-01-01")
    old = f"{{item: 3, kind: soap, {KNOWN}, _valid_from: 2022-01-01, _valid_to: 2023-01-01}}"
    shop.test(f"{given.replace('{item: 4, kind: soap}', old)}  expect:\n{expect}")
    found = shop.results()["one"]
    assert found.passed, failure_lines(found)


LISTED, KNOWN = "listed_on, type: timestamp, nullable: false", "_period_from: 2024-01"
