"""Drift checks compare a publication with the previous ones, on every engine."""

import pytest

from dataset_assets.checks.results import CheckResult
from dataset_assets.publishing.materialize import Materialization
from tests.publishing.shop import ITEMS, KEYED, Shop

WATCHED = "  drift: {row_count: 30, split_share: 5, null_percent: 10, categories: true, over: 2}\n"
MONTHLY = KEYED.replace("months: 2", "months: 1").replace(
    "  partitions: {period: month, start: 2024-01}",
    f"{WATCHED}  partitions: {{period: month, start: 2022-01}}",
)
MONTH = """
SELECT {month} * 1000 + i AS line, 'b' || i % 5 AS buyer, {first} + i % 3 AS item,
  CASE WHEN {odd} AND i % 2 = 0 THEN NULL ELSE 1.5 END AS price,
  TIMESTAMP '2024-0{month}-01' + i * INTERVAL 1 MINUTE
    + CASE WHEN i % {every} = 0 THEN INTERVAL 24 DAY ELSE INTERVAL 4 DAY END AS sold_at
FROM range({rows}) AS t(i)
"""
ROWS = {2: 120, 3: 140, 4: 65}
"""Every fifth row is of the last ten days, of April's every second: half of those have no price."""


def sell(shop: Shop) -> None:
    months = [
        MONTH.format(
            month=month, rows=rows, odd=month == 4, every=2 if month == 4 else 5, first=int(month == 4)
        )
        for month, rows in ROWS.items()
    ]
    shop.write("sales", " UNION ALL ".join(months))
    shop.write("items", "SELECT i AS item, 'kind ' || i AS kind FROM range(11) AS t(i)")


def drift(done: Materialization) -> dict[str, CheckResult]:
    return {check.name: check for check in done.checks if check.name.startswith("drift_")}


def test_a_month_is_compared_with_the_months_before_it(shop: Shop) -> None:
    shop.declare(MONTHLY)
    sell(shop)
    for period in ("2024-03", "2024-02"):
        first = drift(shop.publish(period))
        assert {check.message for check in first.values()} == {
            "there is no earlier publication to compare with yet"
        }
    done = shop.publish("2024-04")
    found, before = drift(done), "the mean of the last 2 publications"
    span = "2024-02 to 2024-03"
    shares = "train 49.2 % instead of 80 % (30.8 points less), eval 50.8 % instead of 20 % (30.8 points more)"
    nulls = "revenue 50.8 % instead of 0 % (50.8 points more)"
    assert [check.passed or check.blocking for check in found.values()] == [False] * 4
    assert [check.message for check in found.values()] == [
        f"65 rows, 50 % fewer than {before} (130; {span}); 30 % is allowed",
        f"share of the rows: {shares}; against {before} ({span}), 5 points are allowed",
        f"NULLs: {nulls}; against {before} ({span}), 10 points are allowed",
        f"category: new 'kind 3', gone 'kind 0'; compared with the last 2 publications ({span})",
    ]
    assert not any(check["name"] in found for check in done.record["checks"]), (
        "what is compared with may change"
    )
    again = shop.publish("2024-04")
    assert again.table_version == done.table_version, "the publication stands"
    assert drift(again) == found
    third = drift(shop.publish("2024-03"))["drift_row_count"]
    assert third.message == "140 rows, 16.7 % more than the last publication (120; 2024-02); 30 % is allowed"


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_values_of_newly_sensitive_columns_are_hidden(shop: Shop) -> None:
    shop.declare(MONTHLY)
    sell(shop)
    shop.publish("2024-03")
    assert "kind 0" in repr(drift(shop.publish("2024-04")))
    shop.declare(MONTHLY.replace("{name: kind, type: string}", "{name: kind, type: string, sensitive: true}"))
    hidden = drift(shop.publish("2024-04"))
    assert hidden["drift_categories"].passed
    assert not hidden["drift_row_count"].passed
    assert "kind" not in repr(hidden)


COMPARED = f"{ITEMS}  drift: {{row_count: 10, categories: true, over: 2}}\n"


def test_an_unpartitioned_dataset_is_compared_with_earlier_publications(shop: Shop) -> None:
    shop.declare(COMPARED, "known_items")
    for rows in (12, 14):
        shop.write("items", f"SELECT i AS item, 'kind ' || i % 3 AS kind FROM range({rows}) AS t(i)")
        done = shop.publish(None, "known_items")
    shop.write("items", "SELECT i AS item, 'kind ' || i % 4 AS kind FROM range(11) AS t(i)")
    latest = drift(shop.publish(None, "known_items"))
    assert [check.message for check in latest.values()] == [
        "11 rows, 15.4 % fewer than the mean of the last 2 publications (13; 2024-06-01); 10 % is allowed",
        "kind: new 'kind 3'; compared with the last 2 publications (2024-06-01)",
    ]
    second = drift(done)["drift_row_count"].message
    assert second == "14 rows, 16.7 % more than the last publication (12; 2024-06-01); 10 % is allowed"
    shop.write("items", "SELECT i AS item, 'kind ' || i % 4 AS kind FROM range(11) AS t(i) ORDER BY i DESC")
    assert drift(shop.publish(None, "known_items")) == latest, "it stands, and is not compared with itself"
    shop.write("items", "SELECT i AS item, 'kind ' || i % 4 AS kind FROM range(12) AS t(i)")
    fifth = drift(shop.publish(None, "known_items"))["drift_row_count"]
    assert fifth.message.startswith("12 rows, 4 % fewer than the mean of the last 2 publications (12.5; ")
