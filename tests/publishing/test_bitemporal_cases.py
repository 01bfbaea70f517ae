"""The cases of docs/bitemporal.md and awkward inputs, through the real publication."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlglot import exp

from dataset_assets.checks.results import AuditError
from dataset_assets.contract.model import Partitions
from dataset_assets.contract.row_operations import DeleteRows, LabelRows, RowOperation
from dataset_assets.errors import ContractError, NotStoredError, ResolveError
from dataset_assets.lifecycle.change_rows import change_rows, rollback
from dataset_assets.lifecycle.row_change_report import ChangeReport, ChangeRequest
from dataset_assets.lifecycle.row_changes import ApplyOperation
from dataset_assets.publishing.continuity import discontinuities
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import (
    IN_PERIODS,
    P1,
    P2,
    P3,
    PRICES,
    PriceHistory,
    open_prices,
    price,
    year,
)

pytestmark = pytest.mark.parametrize("store", ["duckdb"], indirect=True)


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store)


def loaded(prices: PriceHistory, *snapshots: Any) -> PriceHistory:
    for period, rows in zip((P1, P2, P3), snapshots, strict=False):
        prices.load(period, rows)
    return prices


def change(prices: PriceHistory, operation: RowOperation, partition: str | None = None) -> ChangeReport:
    prices.now += timedelta(seconds=1)
    request = ChangeRequest("prices", str(uuid.uuid4()), prices.now, "ada", partition)
    return change_rows(prices.target, prices.catalog, request, ApplyOperation(operation))


def values_as_of(prices: PriceHistory, at: Any, period: str | None) -> list[Any]:
    target = prices.target
    with target.engine.connect() as session:
        found = target.warehouse.current("prices", None, session)
        assert found
        rows = session.rows(exp.select("*").from_(BitemporalRead(at, period).rows(found.relation.source)))
    return sorted((row["v"] for row in rows), key=str)


def test_a_key_with_a_null_part_that_is_loaded_three_times(prices: PriceHistory) -> None:
    rows = [price("a", key=(1, None)), price("b", key=(1, ""))]
    prices.load(P1, rows)
    first = prices.table()
    prices.load(P2, rows)
    prices.load(P3, rows)
    assert prices.table() == first
    assert len(first) == 2


def test_a_new_column_is_published_although_no_row_changes(prices: PriceHistory) -> None:
    loaded(prices, [price("a")], [price("a")])
    before = prices.table()
    prices.types["note"] = "VARCHAR"
    prices.put(P2, [(*price("a"), None)])
    text = PRICES.replace(
        "{name: v, type: string}", "{name: v, type: string}\n      - {name: note, type: string}"
    )
    prices.declare(text, "prices")
    done = prices.load(P2)
    assert (done.version.number, done.table_version) == (2, 1), "P2 changed no row, but the structure"
    assert done.counts == RefreshCounts(1, 0, 0, 1, 0)
    assert [row["note"] for row in prices.table()] == [None]
    assert [{**row, "note": None} for row in before] == [{**row} for row in prices.table()]
    entry = prices.catalog.entry("prices")
    assert entry.lock.version_of(prices.catalog.checked(entry)).number == 2
    assert prices.record["definition"]["main_table"]["columns"][3]["name"] == "note"
    prices.put(P1, [(*price("a"), None)])
    assert prices.load(P1).table_version == 1, "the table has the structure already"


def test_statistics_of_a_column_that_became_sensitive_are_replaced(prices: PriceHistory) -> None:
    loaded(prices, [price("secret")], [price("secret")])
    assert "secret" in str(prices.record["statistics"])
    prices.declare(
        PRICES.replace("{name: v, type: string}", "{name: v, type: string, sensitive: true}"), "prices"
    )
    before = prices.table()
    assert prices.load(P2).table_version == 1
    assert "secret" not in str(prices.record["statistics"])
    assert prices.table() == before
    assert prices.load(P1).table_version == 1, "no other load is due"


def test_periods_of_another_grain_are_refused(prices: PriceHistory) -> None:
    """As texts, the ids of days come after that of their month, which is known at its end only."""
    prices.load(P1, [price("a")])
    dataset = prices.catalog.checked(prices.catalog.entry("prices"))
    columns = tuple(each for each in dataset.main_table.columns if each.name in ("h", "k", "v"))
    assert not list(discontinuities(prices.record, columns, dataset))
    by_day = Partitions(period="day", start="2026-02-15")
    dataset = dataset.model_copy(update={"partitions": by_day})
    [fault] = discontinuities(prices.record, columns, dataset)
    assert fault.message == "the table was loaded by month, and its Periods are by day now"


def test_a_new_column_that_earlier_loads_would_break_is_refused(prices: PriceHistory) -> None:
    prices.load(P1, [price("a")])
    text = "{name: v, type: string}\n      - {name: note, type: string, nullable: false}"
    prices.types["note"] = "VARCHAR"
    prices.put(P2, [(*price("a"), "new")])
    prices.declare(PRICES.replace("{name: v, type: string}", text), "prices")
    with pytest.raises(ContractError, match="note is `nullable: false`, and earlier loads have no value"):
        prices.load(P2)
    assert [row["v"] for row in prices.table()] == ["a"]


def test_there_gone_and_there_again(prices: PriceHistory) -> None:
    loaded(prices, [price("a")], [], [price("a")])
    assert prices.known() == [(1, "a", P1, P2), (1, "a", P3, None)]
    assert len({row["_row_id"] for row in prices.table()}) == 2


def test_a_row_that_is_there_twice_and_then_once(prices: PriceHistory) -> None:
    prices.load(P1, [price("a"), price("a")])
    before = prices.table()
    prices.load(P2, [price("a")])
    assert prices.table() == before
    assert prices.known() == [(1, "a", P1, None)]


def test_null_followed_by_a_value_read_as_of_the_first_load(prices: PriceHistory) -> None:
    loaded(prices, [price(None)], [price("b")])
    assert values_as_of(prices, year(2026), P1) == [None]
    assert values_as_of(prices, year(2026), P2) == ["b"]
    assert values_as_of(prices, year(2026), None) == ["b"]
    assert values_as_of(prices, year(2019), None) == []


def test_a_period_in_the_middle_that_is_loaded_anew(prices: PriceHistory) -> None:
    loaded(prices, [price("a")], [price("b")], [price("c")])
    done = prices.load(P2, [price("z")])
    assert prices.known() == [(1, "a", P1, P2), (1, "z", P2, P3), (1, "c", P3, None)]
    assert done.counts == RefreshCounts(rows=1, added=1, changed=0, unchanged=2, removed=1)
    assert prices.load(P2, [price("a")]).counts == RefreshCounts(1, 0, 1, 1, 1)
    assert prices.known() == [(1, "a", P1, P3), (1, "c", P3, None)]


def test_one_language_then_another_and_the_first_again(prices: PriceHistory) -> None:
    loaded(prices, [price("en")], [price("es")], [price("en")])
    assert prices.known() == [(1, "en", P1, P2), (1, "es", P2, P3), (1, "en", P3, None)]
    ids = {row["_period_from"]: row["_row_id"] for row in prices.table()}
    assert len(set(ids.values())) == 3


def test_a_late_correction_from_a_year_on(prices: PriceHistory) -> None:
    prices.load(P1, [price("x", year(2010), year(2040))])
    prices.load(P2, [price("x", year(2010), year(2020)), price("y", year(2020), year(2040))])
    assert prices.valid() == {
        ("x", 2010, 2040, P1, P2),
        ("x", 2010, 2020, P2, None),
        ("y", 2020, 2040, P2, None),
    }


def test_a_change_and_a_deletion_from_a_date_on(prices: PriceHistory) -> None:
    loaded(
        prices,
        [price("x", year(2020))],
        [price("x", year(2020), year(2026)), price("y", year(2026))],
        [price("x", year(2020), year(2026))],
    )
    assert prices.valid() == {
        ("x", 2020, None, P1, P2),
        ("x", 2020, 2026, P2, None),
        ("y", 2026, None, P2, P3),
    }


def test_a_retraction_leaves_deletion_as_it_is(prices: PriceHistory) -> None:
    prices.load(P1, [price("a"), price("b", key=(2, "x"))])
    prices.load(P2, [price("b", key=(2, "x"))])
    assert {(row["v"], row["_deleted"], row["_period_to"]) for row in prices.table()} == {
        ("a", False, P2),
        ("b", False, None),
    }


def test_a_deletion_over_one_null_and_three(store: Store) -> None:
    text = PRICES.replace("{name: v, type: string}", "{name: v, type: integer}")
    prices = open_prices(store, text)
    prices.types["v"] = "BIGINT"
    rows = [price(each, key=(number, "x")) for number, each in enumerate((1, None, 3))]
    prices.load(P1, rows)
    done = change(prices, DeleteRows(where="v > 1"))
    assert done.periods[0].touched == 1
    assert {row["v"]: row["_deleted"] for row in prices.table()} == {1: False, None: False, 3: True}
    record = prices.record
    assert (record["counts"]["rows"], record["deleted_rows"], record["table_rows"]) == (2, 1, 3)
    assert record["statistics"]["columns"]["v"]["max"] == 1
    prices.load(P2, rows[:1])
    assert {row["v"]: (row["_deleted"], row["_period_to"]) for row in prices.table()} == {
        1: (False, None),
        None: (False, P2),
        3: (True, P2),
    }
    assert values_as_of(prices, year(2026), P1) == [1, None]
    prices.load(P3, rows)
    assert [row["_deleted"] for row in prices.table() if row["v"] == 3] == [True, False], "a row of its own"


def test_labels_stay_with_both_parts_of_a_row_that_is_split(prices: PriceHistory) -> None:
    loaded(prices, [price("a")], [price("a")], [price("a")])
    where = "_period_to IS NULL AND _valid_from < TIMESTAMP '2021-01-01 00:00:00'"
    change(prices, LabelRows(where=where, set={"seen": "1"}))
    prices.load(P2, [])
    assert prices.known() == [(1, "a", P1, P2), (1, "a", P3, None)]
    assert all(row["_labels"] == [{"key": "seen", "value": "1"}] for row in prices.table())
    with pytest.raises(NotStoredError, match="not published by Period"):
        change(prices, DeleteRows(where="h = 1"), P2)


def test_a_rollback_takes_back_loads_and_changes(prices: PriceHistory) -> None:
    loaded(prices, [price("a")], [price("b")])
    before = prices.known()
    prices.load(P3, [price("c")])
    prices.load(P2, [price("z")])
    prices.now += timedelta(seconds=1)
    request = ChangeRequest("prices", str(uuid.uuid4()), prices.now, "ada")
    report = rollback(prices.target, prices.catalog, request, 1)
    assert report.remarks == ("no longer loaded: 2026-03; the next refresh loads what is due",)
    assert prices.known() == before
    record = prices.record
    assert list(record["loaded_periods"]) == [P1, P2]
    assert (record["counts"]["rows"], record["table_rows"]) == (1, 2)
    assert prices.load(P2).counts.changed == 0, "the load stays taken back until its sources change"
    assert prices.known() == before
    prices.load(P3)
    assert prices.known() == [(1, "a", P1, P2), (1, "b", P2, P3), (1, "c", P3, None)]


def test_without_columns_of_the_valid_time_a_row_is_valid_in_its_period(store: Store) -> None:
    prices = open_prices(store, IN_PERIODS)
    prices.types = {name: kind for name, kind in prices.types.items() if name in "hkv"}
    loaded(prices, [price("a")], [price("a")])
    assert {
        (row["_valid_from"].month, row["_valid_to"].month, row["_period_from"]) for row in prices.table()
    } == {
        (1, 2, P1),
        (2, 3, P2),
    }


UNUSABLE = {
    "has no begin": price("a", None, year(2030)),
    "is empty": price("a", year(2030), year(2030)),
    "[2030-01-01T00:00:00+00:00, 2020-01-01T00:00:00+00:00) is empty": price("a", year(2030), year(2020)),
}


@pytest.mark.parametrize("words", UNUSABLE)
def test_a_valid_time_that_is_no_interval_is_refused(store: Store, words: str) -> None:
    prices = open_prices(
        store, PRICES.replace("begun, type: timestamp, nullable: false", "begun, type: timestamp")
    )
    with pytest.raises(AuditError) as caught:
        prices.load(P1, [UNUSABLE[words]])
    assert "valid_time_bounds: h 1, k 'x': the validity" in str(caught.value)
    assert words in str(caught.value)
    assert prices.table() == []


def test_an_empty_snapshot_needs_leave(store: Store) -> None:
    prices = open_prices(store, PRICES.replace("allow_empty: true", "allow_empty: false"))
    prices.load(P1, [price("a")])
    with pytest.raises(AuditError, match="not_empty"):
        prices.load(P2, [])
    assert list(prices.record["loaded_periods"]) == [P1]


def test_gaps_are_a_figure_of_a_check_that_passes(prices: PriceHistory) -> None:
    rows = [price("a", year(2020), year(2021)), price("a", year(2022), year(2023)), price("b", key=(2, "x"))]
    done = prices.load(P1, rows)
    check = next(each for each in done.checks if each.name == "valid_time_overlaps")
    assert check.passed
    assert check.metadata == {"keys": 2, "segments": 3, "gaps": 1}
    assert check.message == "none overlap; keys: 2, valid times: 3, gaps between them: 1"


def test_a_new_column_is_null_in_earlier_loads(prices: PriceHistory) -> None:
    prices.load(P1, [price("a")])
    prices.declare(
        PRICES.replace(
            "{name: v, type: string}", "{name: v, type: string}\n      - {name: w, type: integer}"
        ),
        "prices",
    )
    prices.types = {
        "h": "BIGINT",
        "k": "VARCHAR",
        "v": "VARCHAR",
        "w": "BIGINT",
        "begun": "TIMESTAMPTZ",
        "ended": "TIMESTAMPTZ",
    }
    prices.load(P2, [(1, "x", "a", 7, year(2020), None)])
    assert [(row["v"], row["w"], row["_period_from"], row["_period_to"]) for row in prices.table()] == [
        ("a", None, P1, P2),
        ("a", 7, P2, None),
    ]


DISCONTINUITIES: dict[str, tuple[str, str]] = {
    "the column v was string when Periods were loaded, and is no longer published": (
        "      - {name: v, type: string}\n",
        "",
    ),
    "the column v was string when Periods were loaded, and is integer now": (
        "{name: v, type: string}",
        "{name: v, type: integer}",
    ),
    "the natural key was (h, k) when Periods were loaded": ("[h, k]", "[h]"),
    "published without `bitemporal: true`": ("", ""),
}


@pytest.mark.parametrize("words", DISCONTINUITIES)
def test_a_table_of_other_columns_is_not_continued(prices: PriceHistory, words: str) -> None:
    if words.startswith("published"):
        plain = PRICES.replace("    bitemporal: true\n    valid_from: begun\n    valid_to: ended\n", "")
        prices.declare(plain.replace("  partitions: {period: month, start: 2026-01}\n", ""), "prices")
        prices.put(P1, [price("a")])
        prices.publish(None, "prices")
        prices.declare(PRICES, "prices")
    else:
        prices.load(P1, [price("1")])
        prices.declare(PRICES.replace(*DISCONTINUITIES[words]), "prices")
        prices.types["v"] = "BIGINT" if "integer" in words else "VARCHAR"
    before = prices.table()
    with pytest.raises(ContractError) as caught:
        prices.load(P2, [price("2")])
    assert words in str(caught.value)
    assert prices.table() == before


def test_a_table_that_is_not_stored_by_period_has_no_snapshots(prices: PriceHistory) -> None:
    target = prices.root / "target.yaml"
    target.write_text(target.read_text().replace(", period: month", ", period: day"))
    with pytest.raises(ResolveError, match="is stored by `day`, so nothing is the snapshot of a month"):
        prices.load(P1, [price("a")])
    target.write_text(target.read_text().split(", tables:")[0] + "}}\n")
    prices.write("prices", "SELECT 1 AS h, 'x' AS k, 'a' AS v, now() AS begun, now() AS ended")
    with pytest.raises(ResolveError, match="prices is not stored by Period"):
        prices.load(P1)


def test_a_mapping_and_a_random_split(store: Store) -> None:
    text = PRICES.replace(
        "  partitions:",
        "  column_mapping: {user_id: h, product_id: k, timestamp: begun}\n  extra_columns: [v]\n"
        "  split_config: {strategy: random, train_percent: 50}\n  partitions:",
    )
    prices = open_prices(store, text)
    rows = [price("a", key=(number, "x")) for number in range(40)]
    done = prices.load(P1, rows)
    assert set(done.split_sizes) == {"train", "eval"}
    assert sum(done.split_sizes.values()) == 40
    split = {row["h"]: row["split"] for row in prices.table()}
    prices.load(P2, [price("b", key=(number, "x")) for number in range(40)])
    assert all(row["split"] == split[row["h"]] for row in prices.table())
    assert {check.name for check in done.checks} >= {"valid_time_bounds", "valid_time_overlaps", "leak"}
    assert "natural_key_unique" not in {check.name for check in done.checks}


def test_the_table_can_be_read_by_version(prices: PriceHistory) -> None:
    prices.load(P1, [price("a")])
    first = prices.table()
    prices.load(P2, [price("b")])
    assert prices.table(version=0) == first
    target = prices.target
    with target.engine.connect() as session:
        assert target.warehouse.periods("prices", session) == [None]
        relation = target.warehouse.current("prices", None, session)
        assert relation
        [found] = session.rows(exp.select("COUNT(*) AS n").from_(relation.relation.source))
    assert found["n"] == 2
