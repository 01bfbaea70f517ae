"""Quality rules of a file: checked in every run, reported with figures, and able to stop a publication."""

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dataset_assets.checks.results import AuditError, CheckResult
from tests.publishing.shop import KEYED, Shop, open_shop
from tests.sql.random_where import OPERATORS, both, column, constant, opposite, strict, written

Row = Mapping[str, Any]

RULES = """  quality:
    - {name: priced, type: where, where: "revenue > 0"}
    - {name: mostly_priced, type: where, where: "revenue > 0", percent: 98, severity: block}
    - {name: price_range, type: between, column: revenue, min: 0, max: 24.25}
    - {name: this_year, type: between, column: timestamp, min: "2024-01-01", max: "2024-12-31 23:59:59"}
    - {name: one_a_user, type: unique, columns: [user_id]}
    - {name: known_items, type: references, lookup: items, percent: 99.5, severity: block}
    - {name: enough, type: row_count, min: 100, max: 5000}
"""


@pytest.fixture
def shop(store) -> Shop:
    shop = open_shop(store)
    shop.declare(KEYED + RULES)
    return shop


def results(checks: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {each.name.removeprefix("quality_"): each for each in checks if each.name.startswith("quality_")}


def test_each_rule_is_a_check_with_figures(shop: Shop) -> None:
    found = results(shop.publish().checks)
    zero = sum(row["revenue"] == 0 for row in shop.rows())
    rows, users = len(shop.rows()), len({row["user_id"] for row in shop.rows()})
    assert zero > 0
    assert {name: each.passed for name, each in found.items()} == {
        "priced": False,
        "mostly_priced": True,
        "price_range": True,
        "this_year": True,
        "one_a_user": False,
        "known_items": True,
        "enough": True,
    }
    assert found["priced"].message == f"for every row revenue > 0: {zero} of {rows:,} rows break the rule"
    assert found["priced"].metadata["broken"] == zero
    assert found["one_a_user"].metadata["count"] == users
    assert [name for name, each in found.items() if each.blocking] == ["mostly_priced", "known_items"]


def test_a_rule_that_blocks_stops_the_publication(shop: Shop) -> None:
    shop.declare(KEYED + RULES.replace("percent: 98", "percent: 100"))
    with pytest.raises(
        AuditError, match=r"quality_mostly_priced: for every row revenue > 0: .* break the rule"
    ):
        shop.publish()
    assert shop.rows() == []


def test_null_breaks_a_condition_and_keeps_bounds(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * REPLACE (CASE WHEN line % 2 = 0 THEN price END AS price) FROM {sales}")
    shop.declare(KEYED + RULES.replace("percent: 98", "percent: 1"))
    found = results(shop.publish().checks)
    nulls = sum(row["revenue"] is None for row in shop.rows())
    assert nulls > 0
    zero = sum(row["revenue"] == 0 for row in shop.rows())
    assert found["priced"].metadata["broken"] == nulls + zero
    assert found["price_range"].passed


def test_changed_rules_are_checked_although_the_rows_are_the_same(shop: Shop) -> None:
    first = shop.publish()
    assert shop.publish().record == first.record
    shop.declare(KEYED + RULES.replace("max: 5000", "max: 101"))
    again = shop.publish()
    assert not results(again.checks)["enough"].passed
    assert not again.counts.has_changes
    assert again.digest == first.digest
    assert shop.publish().record == again.record


def test_an_empty_publication_keeps_shares(shop: Shop) -> None:
    shop.declare(KEYED.replace("  owner: ada\n", "  owner: ada\n  allow_empty: true\n") + RULES)
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line < 0")
    found = results(shop.publish().checks)
    assert [name for name, each in found.items() if not each.passed] == ["enough"]


def test_values_of_sensitive_columns_are_not_shown(shop: Shop) -> None:
    text = KEYED.replace("{name: buyer, type: string,", "{name: buyer, type: string, sensitive: true,")
    rule = "  quality: [{name: not_her, type: where, where: \"user_id <> 'b3'\"}]\n"
    shop.declare(text + rule)
    found = results(shop.publish().checks)["not_her"]
    assert not found.passed
    assert "b3" not in found.message
    assert "a condition on user_id holds" in found.message


def random_rule(pick: random.Random, number: int) -> tuple[str, Callable[[list[Row]], bool]]:
    """Return a rule as YAML, and whether rows keep it, in plain Python."""
    kind = pick.choice(["where"] * 3 + ["between", "unique", "row_count", "references"])
    percent = pick.choice(["", ", percent: 50", ", percent: 99.5"])
    share = Fraction(percent.split()[-1]) if percent else Fraction(100)
    head = f"{{type: {kind}, name: rule_{number}"

    def enough(rows: list[Row], kept: Callable[[Row], object]) -> bool:
        return 100 * sum(bool(kept(row)) for row in rows) >= share * len(rows)

    if kind == "where":
        text, means = random_condition(pick, 2)
        return f"{head}, where: {json.dumps(text)}{percent}}}", lambda rows: enough(rows, means)
    if kind == "between":
        low, high = sorted(Decimal(pick.randint(0, 97)) / 4 for _ in range(2))
        text = f"{head}, column: revenue, min: {low}, max: {high}{percent}}}"
        return text, lambda rows: enough(
            rows, lambda row: row["revenue"] is None or low <= row["revenue"] <= high
        )
    if kind == "unique":
        names = pick.sample(["user_id", "product_id", "revenue", "category", "line"], pick.randint(1, 3))

        def unique(rows: list[Row]) -> bool:
            keys = [tuple(row[name] for name in names) for row in rows]
            known = [key for key in keys if None not in key]
            return len(set(known)) == len(known)

        return f"{head}, columns: [{', '.join(names)}]}}", unique
    if kind == "row_count":
        least, most = pick.randint(0, 1500), pick.randint(0, 3000)
        return f"{head}, min: {least}, max: {least + most}}}", lambda rows: least <= len(rows) <= least + most
    return f"{head}, lookup: items{percent}}}", lambda rows: enough(rows, lambda row: row["category"])


def random_condition(pick: random.Random, depth: int) -> tuple[str, Callable[[Row], bool | None]]:
    """Return a condition, and whether it is true, false or NULL for a row."""
    if depth and pick.random() < 0.6:
        left, left_means = random_condition(pick, depth - 1)
        right, right_means = random_condition(pick, depth - 1)
        if pick.random() < 0.3:
            return f"NOT ({left})", lambda row: opposite(left_means(row))
        if pick.random() < 0.5:
            return f"({left}) AND ({right})", lambda row: both(left_means(row), right_means(row))
        return f"({left}) OR ({right})", lambda row: opposite(
            both(opposite(left_means(row)), opposite(right_means(row)))
        )
    if pick.random() < 0.2:
        return "revenue IS NULL", lambda row: row["revenue"] is None
    name, value = pick.choice(
        [
            ("revenue", Decimal(pick.randint(0, 97)) / 4),
            ("product_id", pick.randint(0, 11)),
            ("category", pick.choice(["kind 0", "kind 1", "it's"])),
            ("timestamp", datetime(2024, pick.choice((1, 2)), pick.randint(1, 28), tzinfo=UTC)),
        ]
    )
    sign = pick.choice(list(OPERATORS))
    return f"{name} {sign} {written(value)}", strict(OPERATORS[sign], column(name), constant(value))


def test_a_hundred_random_rules_are_kept_or_broken_as_in_plain_python(shop: Shop) -> None:
    pick = random.Random(15)
    shop.rewrite_sales(
        "SELECT * REPLACE (CASE WHEN line % 7 > 0 THEN price END AS price, "
        "CASE WHEN line % 50 = 0 THEN 99 ELSE item END AS item) FROM {sales}"
    )
    rules = [random_rule(pick, number) for number in range(100)]
    shop.declare(KEYED + "  quality:\n" + "".join(f"    - {text}\n" for text, _ in rules))
    found = results(shop.publish().checks)
    rows: list[Row] = [{**row, "timestamp": row["timestamp"].replace(tzinfo=UTC)} for row in shop.rows()]
    expected = {f"rule_{number}": keeps(rows) for number, (_, keeps) in enumerate(rules)}
    assert {name: each.passed for name, each in found.items()} == expected
    assert 20 < sum(expected.values()) < 80
