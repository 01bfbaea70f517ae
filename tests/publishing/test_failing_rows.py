"""Rows that fail a check are those that the check counts, on every engine."""

from datetime import datetime

import pytest

from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.failing_rows import FailingRows, failing_rows
from dataset_assets.publishing.as_of_choice import default_as_of
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, PRICES, PriceHistory, open_prices, price, year
from tests.publishing.test_bitemporal_plans import PLAIN

BOUNDS, OVERLAPS = "valid_time_bounds", "valid_time_overlaps"
OVERLAPPING = {
    ("a", year(2020), year(2022)),
    ("b", year(2021), year(2023)),
    ("d", year(2024), None),
    ("e", year(2025), year(2026)),
    ("f", year(2027), year(2028)),
}
SNAPSHOT = [
    price("a", year(2020), year(2021)),
    price("a", year(2021), year(2022)),  # one segment with the first
    price("b", year(2021), year(2023)),
    price("c", year(2023), year(2024)),
    price("d", year(2024)),
    price("e", year(2025), year(2026)),
    price("f", year(2027), year(2028)),
    price("a", year(2020), year(2030), key=(1, "y")),
    price("z", year(2020), year(2030), key=(2, None)),
]


def failures(shop: PriceHistory, check: str, limit: int = 20) -> FailingRows:
    catalog = shop.catalog
    at = default_as_of(catalog.calendars.cadence("month").parse(P1), shop.now)
    return failing_rows(catalog, shop.target, catalog.entry("prices"), at, check, limit)


def failed(shop: PriceHistory) -> dict[str, CheckResult]:
    """Return the checks that stop a publication."""
    with pytest.raises(AuditError) as caught:
        shop.load(P1)
    return {each.name: each for each in caught.value.checks if not each.passed}


def analyzed(shop: PriceHistory) -> dict[str, bool]:
    """Return whether each check of the analysis passed."""
    catalog = shop.catalog
    at = default_as_of(catalog.calendars.cadence("month").parse(P1), shop.now)
    found = analyze(catalog, shop.target, catalog.entry("prices"), at)
    return {each.name: each.passed for each in found.checks}


def test_values_of_a_key_that_are_true_at_one_time(store: Store) -> None:
    shop = open_prices(store)
    shop.put(P1, SNAPSHOT)
    assert list(failed(shop)) == [OVERLAPS]
    found = failures(shop, OVERLAPS)
    shown = {
        (row["v"], *(row[n] and datetime.fromisoformat(row[n]) for n in ("_valid_from", "_valid_to")))
        for row in found.rows
    }
    assert (found.total, shown) == (5, OVERLAPPING)
    assert [each.name for each in found.columns] == ["h", "k", "v", "_valid_from", "_valid_to"]
    assert len(failures(shop, OVERLAPS, limit=2).rows) == 2
    assert failures(shop, BOUNDS).total == 0
    checks = analyzed(shop)
    assert (checks[BOUNDS], checks[OVERLAPS]) == (True, False)
    shop.put(P1, SNAPSHOT[-2:])
    assert failures(shop, OVERLAPS).total == 0
    checks = analyzed(shop)
    assert (checks[BOUNDS], checks[OVERLAPS]) == (True, True)


def test_valid_times_that_are_no_intervals(store: Store) -> None:
    shop = open_prices(
        store, PRICES.replace("begun, type: timestamp, nullable: false", "begun, type: timestamp")
    )
    shop.put(
        P1, [*SNAPSHOT[:1], price("x", None), price("y", year(2022), year(2021)), price("z", year(2022))]
    )
    assert list(failed(shop)) == [BOUNDS]
    found = failures(shop, BOUNDS)
    assert (found.total, {row["v"] for row in found.rows}) == (2, {"x", "y"})
    assert {row["_valid_from"] is None for row in found.rows} == {True, False}
    checks = analyzed(shop)
    assert checks[BOUNDS] is False
    assert OVERLAPS not in checks, "nothing says when all rows are true"


def test_null_is_a_value_of_a_natural_key_and_none_of_a_unique_rule(store: Store) -> None:
    rule = "  quality: [{name: one, type: unique, columns: [product_id]}]\n  partitions"
    text = PLAIN.replace("[h, k]", "[k]").replace("  partitions", rule)
    shop = open_prices(store, text)
    begin = datetime.fromisoformat("2026-01-03T00:00:00+00:00")
    keys = [(1, None), (2, None), (3, "x"), (4, "y"), (5, "y")]
    shop.put(P1, [price("a", begin, key=key) for key in keys])
    stopped = failed(shop)
    assert "2 values of the natural key (k)" in stopped["natural_key_unique"].message
    found = failures(shop, "natural_key_unique")
    assert (found.total, [row["k"] for row in found.rows]) == (4, [None, None, "y", "y"])
    repeated = failures(shop, "one")
    assert (repeated.total, [row["product_id"] for row in repeated.rows]) == (2, ["y", "y"])
