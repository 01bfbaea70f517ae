"""A split as publications have it: parts, folds, rows without a unit, shares, rows that are there twice."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dataset_assets.checks.results import AuditError, CheckResult
from dataset_assets.contract.definition_test import ROW_CHECKS
from dataset_assets.discovery.failing_rows import failing_rows
from dataset_assets.errors import ResolveError
from dataset_assets.interfaces.cli.console import out
from dataset_assets.interfaces.cli.split_tables import split_tables
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.stats.statistics import Duplicates, Statistics
from tests.publishing.shop import KEYED, KEYLESS, Shop, open_shop

Row = Mapping[str, Any]
BY_TIME = "{strategy: time_based, eval_days: 10}"
NULLABLE = KEYED.replace("name: buyer, type: string, nullable: false", "name: buyer, type: string")
SOME_WITHOUT = "SELECT * REPLACE (CASE WHEN line % 5 > 0 THEN buyer END AS buyer) FROM {sales}"
NAMES = ("train", "eval", "test")


@pytest.fixture
def shop(store) -> Shop:
    return open_shop(store)


def declare(shop: Shop, split: str, text: str = KEYED) -> None:
    assert text.count(BY_TIME) == 1
    shop.declare(text.replace(BY_TIME, f"{{strategy: random, train_percent: 60, {split}}}"))


def check(results: Iterable[CheckResult], name: str) -> CheckResult:
    return next(each for each in results if each.name == name)


def parts_of(rows: Iterable[Row], unit: Callable[[Row], Any], *columns: str) -> dict[Any, set[Any]]:
    """Return the values of the columns that the rows of each unit have."""
    found: dict[Any, set[Any]] = defaultdict(set)
    for row in rows:
        found[unit(row)].add(tuple(row[each] for each in columns))
    return found


def shares(rows: list[Row], unit: Callable[[Row], Any] | None, by: str, value: int, asked: float) -> dict:
    """Return what the record says of a part or a fold, from the rows."""
    own = [row for row in rows if row[by] == value]
    percent = 100 * len(own) / len(rows)
    found = {"rows": len(own), "percent": percent, "asked_percent": asked, "deviation": percent - asked}
    if unit is None:
        return found | {"units": None, "unit_percent": None, "unit_deviation": None}
    units = len({unit(row) for row in own})
    unit_percent = 100 * units / len({unit(row) for row in rows})
    return found | {"units": units, "unit_percent": unit_percent, "unit_deviation": unit_percent - asked}


UNITS: dict[str, tuple[str, Callable[[Row], Any] | None]] = {
    "row": ("test_percent: 15", None),
    "user": ("unit: user, test_percent: 15", lambda row: row["user_id"]),
    "product": ("unit: product", lambda row: row["product_id"]),
    "columns": ("unit: [category, user_id], folds: 4", lambda row: (row["category"], row["user_id"])),
    "rows in folds": ("folds: 3", None),
}


@pytest.mark.parametrize("name", UNITS)
def test_each_unit_is_in_one_part_and_one_fold_and_the_record_has_their_sizes(shop: Shop, name: str) -> None:
    split, unit = UNITS[name]
    declare(shop, split)
    statistics = shop.publish().statistics
    rows = shop.rows()
    values = sorted({row["split"] for row in rows})
    assert values == ([0, 1, 2] if "test_percent" in split else [0, 1])
    asked = {0: 60, 1: 25, 2: 15} if len(values) == 3 else {0: 60, 1: 40}
    assert {key: each.model_dump() for key, each in statistics.parts.items()} == {
        NAMES[value]: shares(rows, unit, "split", value, asked[value]) for value in values
    }
    folds = int(split[-1]) if "folds" in split else 0
    assert [each.model_dump() for each in statistics.folds] == [
        shares(rows, unit, "fold", value, 100 / folds) for value in range(folds)
    ]
    assert ("fold" in rows[0]) == bool(folds)
    columns = ("split", "fold") if folds else ("split",)
    assert all(
        len(each) == 1 for each in parts_of(rows, unit or (lambda row: row["line"]), *columns).values()
    )


def test_the_terminal_shows_parts_and_folds_beside_their_shares(shop: Shop, capsys) -> None:
    declare(shop, "unit: product, folds: 5")
    for table in split_tables(shop.publish().statistics):
        out().print(table)
    shown = capsys.readouterr().out
    assert "Parts of the split" in shown
    assert "asked %" in shown
    assert "Folds" in shown


def test_rows_stay_where_they_are_when_others_come_and_the_order_changes(shop: Shop) -> None:
    declare(shop, "unit: product, folds: 5")
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line % 3 > 0")
    shop.publish()
    before = {row["line"]: (row["split"], row["fold"]) for row in shop.rows()}
    shop.write(
        "sales", "SELECT * FROM sales_again ORDER BY line DESC".replace("sales_again", f"({all_sales()})")
    )
    shop.publish()
    after = {row["line"]: (row["split"], row["fold"]) for row in shop.rows()}
    assert len(after) > len(before) > 100
    assert {line: after[line] for line in before} == before


def all_sales() -> str:
    return """SELECT i AS line, 'b' || i % 37 AS buyer, i % 11 AS item, (i % 97) / 4.0 AS price,
      TIMESTAMP '2024-01-01' + i * INTERVAL 70 MINUTE AS sold_at FROM range(1500) AS t(i)"""


def test_rows_without_a_unit_are_of_one_unit(shop: Shop) -> None:
    shop.rewrite_sales(SOME_WITHOUT)
    declare(shop, "unit: user", NULLABLE)
    statistics = shop.publish().statistics
    rows = shop.rows()
    assert len(parts_of(rows, lambda row: row["user_id"], "split")[None]) == 1
    assert sum(each.units or 0 for each in statistics.parts.values()) == len({row["user_id"] for row in rows})


def test_rows_without_a_unit_are_units_of_their_own(shop: Shop) -> None:
    shop.rewrite_sales(SOME_WITHOUT)
    declare(shop, "unit: user, null_unit: row, folds: 2", NULLABLE)
    statistics = shop.publish().statistics
    rows = shop.rows()
    without = [row for row in rows if row["user_id"] is None]
    assert {row["split"] for row in without} == {0, 1}
    units = [(row["user_id"], row["user_id"] is None and row["line"]) for row in rows]
    assert sum(each.units or 0 for each in statistics.parts.values()) == len(set(units))
    assert [each.units for each in statistics.folds] == [
        len({unit for unit, row in zip(units, rows, strict=True) if row["fold"] == fold}) for fold in (0, 1)
    ]
    known = [row for row in rows if row["user_id"] is not None]
    assert all(len(each) == 1 for each in parts_of(known, lambda row: row["user_id"], "split").values())


def test_rows_without_a_unit_stop_a_publication_that_says_so(shop: Shop) -> None:
    declare(shop, "unit: user, null_unit: error", NULLABLE)
    found = check(shop.publish().checks, "split_unit_not_null")
    assert (found.passed, found.blocking, found.message) == (True, True, "every row has a unit (user_id)")
    rows = len(shop.rows())
    shop.rewrite_sales(SOME_WITHOUT)
    with pytest.raises(
        AuditError, match=r"split_unit_not_null: \d+ rows have no unit, because user_id is NULL"
    ):
        shop.publish()
    assert len(shop.rows()) == rows
    declare(shop, "unit: [user_id, revenue], null_unit: error", NULLABLE)
    shop.rewrite_sales("SELECT * REPLACE (CASE WHEN line % 7 > 0 THEN price END AS price) FROM {sales}")
    with pytest.raises(AuditError) as stopped:
        shop.publish()
    figures = check(stopped.value.checks, "split_unit_not_null").metadata
    assert (
        max(figures["user_id"], figures["revenue"])
        < figures["rows"]
        < figures["user_id"] + figures["revenue"]
    )
    failing = failed_rows(shop, "split_unit_not_null")
    assert failing.total == figures["rows"]


def failed_rows(shop: Shop, name: str) -> Any:
    entry = shop.catalog.entry("sales")
    at = choose_as_of(shop.catalog, entry, None, "2024-02", datetime.now(UTC))
    return failing_rows(shop.catalog, shop.target, entry, at, name, 5)


def test_the_category_whose_share_differs_most_is_named(shop: Shop) -> None:
    declare(shop, "unit: product")
    found = shop.publish().statistics.columns["category"].split_deviation
    counts = Counter((row["category"], row["split"]) for row in shop.rows())
    sizes = Counter(row["split"] for row in shop.rows())
    percents = {
        kind: [100 * counts[kind, part] / sizes[part] for part in (0, 1)]
        for kind in {key[0] for key in counts}
    }
    worst = max(percents, key=lambda kind: abs(percents[kind][0] - percents[kind][1]))
    assert found is not None
    assert found.value == worst
    assert list(found.percents.values()) == pytest.approx(percents[worst])
    assert found.points == pytest.approx(abs(percents[worst][0] - percents[worst][1]))


def test_the_shares_of_a_sensitive_column_are_not_compared(shop: Shop) -> None:
    text = KEYED.replace("{name: kind, type: string}", "{name: kind, type: string, sensitive: true}")
    declare(shop, "unit: [category, product_id]", text)
    found = shop.publish()
    assert found.statistics.columns["category"].split_deviation is None
    assert found.statistics.parts["train"].units
    assert "kind 1" not in str({key: value for key, value in found.record.items() if key != "sql"})


def test_rows_that_are_there_twice_are_counted(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * FROM {sales} UNION ALL SELECT * FROM {sales} WHERE line % 4 = 0")
    declare(shop, "unit: row", KEYLESS)
    found = shop.publish()
    rows = [tuple(value for name, value in row.items() if not name.startswith("_")) for row in shop.rows()]
    again = len(rows) - len(set(rows))
    assert again > 100
    assert found.statistics.duplicates == Duplicates(rows=again, across_splits=0)
    assert check(found.checks, "duplicates_across_splits").passed


def test_rows_of_several_parts_are_counted_apart_from_their_key(shop: Shop) -> None:
    """Each row is there once, but a key that means nothing decides on which side a copy is."""
    shop.rewrite_sales(
        "SELECT * FROM {sales} UNION ALL "
        "SELECT * REPLACE (line + 10000 AS line) FROM {sales} WHERE line % 4 = 0"
    )
    declare(shop, "unit: row")
    found = shop.publish()
    content = ("user_id", "product_id", "timestamp", "revenue", "category")
    parts = parts_of(shop.rows(), lambda row: tuple(row[each] for each in content), "split")
    wanted = sum(len(parts[tuple(row[each] for each in content)]) > 1 for row in shop.rows())
    assert wanted > 50
    assert found.statistics.duplicates == Duplicates(rows=0, across_splits=wanted)
    result = check(found.checks, "duplicates_across_splits")
    assert (result.passed, result.blocking, result.metadata) == (False, False, {"rows": wanted})
    assert result.message == (
        f"{wanted} rows equal rows of another part of the split but for the key `line`; "
        "split by columns that they share, as `unit`"
    )
    failing = failed_rows(shop, "duplicates_across_splits")
    assert failing.total == wanted
    declare(shop, "unit: [user_id, timestamp]")
    assert shop.publish().statistics.duplicates == Duplicates(rows=0, across_splits=0)


def test_a_dataset_without_a_split_counts_rows_alone(shop: Shop) -> None:
    text = KEYLESS.replace(f"  split_config: {BY_TIME}\n", "")
    shop.declare(text)
    found = shop.publish()
    assert found.statistics.duplicates == Duplicates(rows=0, across_splits=None)
    assert found.statistics.parts == {}
    assert "duplicates_across_splits" not in {each.name for each in found.checks}
    with pytest.raises(ResolveError, match="there is no check 'duplicates_across_splits'"):
        failed_rows(shop, "duplicates_across_splits")


def test_the_parts_of_a_split_by_time_have_no_share_to_keep(shop: Shop) -> None:
    parts = shop.publish().statistics.parts
    assert [each.asked_percent for each in parts.values()] == [None, None]
    assert sum(each.rows for each in parts.values()) == len(shop.rows())
    assert sum(each.percent for each in parts.values()) == pytest.approx(100)


def test_a_record_of_an_earlier_version_is_read(shop: Shop) -> None:
    record = shop.publish().statistics.model_dump(mode="json")
    for name in ("parts", "folds", "duplicates"):
        del record[name]
    for column in record["columns"].values():
        del column["split_deviation"]
    found = Statistics.model_validate(record)
    assert (found.parts, found.folds, found.duplicates) == ({}, (), None)


def test_a_definition_test_can_expect_rows_without_a_unit() -> None:
    assert "split_unit_not_null" in ROW_CHECKS
