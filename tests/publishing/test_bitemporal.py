"""Load snapshots into a bitemporal table through the real publication, with equal results on every engine."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from dataset_assets.checks.results import AuditError
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS
from dataset_assets.publishing.publish_outcome import RefreshCounts
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import IN_DAYS, P1, P2, P3, PriceHistory, open_prices, price, year


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store)


def test_null_then_a_value_then_null(prices: PriceHistory) -> None:
    first = prices.load(P1, [price(None)])
    assert first.counts == RefreshCounts(1, 1, 0, 0, 0)
    second = prices.load(P2, [price("a")])
    assert second.counts == RefreshCounts(rows=1, added=1, changed=1, unchanged=0, removed=0)
    assert (second.period, second.table_version) == (P2, 1)
    prices.load(P3, [price(None)])
    assert prices.known() == [(1, None, P1, P2), (1, "a", P2, P3), (1, None, P3, None)]
    record = prices.record
    assert (record["period"], list(record["loaded_periods"])) == (None, [P1, P2, P3])
    assert record["counts"] == {"rows": 1, "added": 1, "changed": 1, "unchanged": 1, "removed": 0}
    assert record["statistics"]["columns"]["v"]["null_count"] == 1, "of what is known now"
    assert record["validity"] == ["2020-01-01T00:00:00+00:00", None]
    names = list(prices.table()[0])
    assert names == ["h", "k", "v", *(each.name for each in BITEMPORAL_COLUMNS)]


def test_the_same_snapshot_again_and_one_that_changes_no_row(prices: PriceHistory) -> None:
    rows = [price("a"), price("b", key=(2, None))]
    first = prices.load(P1, rows)
    before = prices.table()
    again = prices.load(P1)
    assert again.counts == RefreshCounts(2, 0, 0, 2, 0)
    loads = prices.record["loaded_periods"]
    assert loads == first.record["loaded_periods"], "the sources are the same: nothing was recorded"
    rewritten = prices.load(P1, rows[::-1])
    if prices.target.warehouse.keeps_rows:  # each record has a version of its own in BigQuery
        assert rewritten.table_version == first.table_version
    later = prices.load(P2, rows)
    assert later.counts == RefreshCounts(2, 0, 0, 2, 0)
    assert prices.table() == before, "`_updated_at` stays where it is"
    assert list(prices.record["loaded_periods"]) == [P1, P2]
    prices.load(P3, [])
    assert prices.load(P2).counts == RefreshCounts(0, 0, 0, 2, 0)
    assert {row["_period_to"] for row in prices.table()} == {P3}


def test_values_that_overlap_are_refused_with_key_and_intervals(prices: PriceHistory) -> None:
    prices.load(P1, [price("a")])
    before = prices.table()
    rows = [price("a", year(2020), year(2022)), price("b", year(2021), year(2023))]
    with pytest.raises(AuditError) as caught:
        prices.load(P2, rows)
    assert str(caught.value).startswith(
        "valid_time_overlaps: h 1, k 'x': different values are valid in [2020-01-01T00:00:00+00:00, "
        "2022-01-01T00:00:00+00:00) and [2021-01-01T00:00:00+00:00, 2023-01-01T00:00:00+00:00), which overlap"
    )
    assert prices.table() == before
    assert list(prices.record["loaded_periods"]) == [P1]
    assert not prices.store.leftovers()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_loads_in_any_order_give_the_same_table(prices: PriceHistory) -> None:
    snapshots = {
        P1: [price("en", year(2020), year(2030)), price("x", key=(2, None))],
        P2: [price("es", year(2020), year(2025)), price("en", year(2025), year(2030))],
        P3: [price("en", year(2020), year(2030)), price("x", key=(2, None)), price("y", key=(3, "z"))],
    }
    digests, tables = set(), []
    for number, order in enumerate(permutations(snapshots)):
        stem = f"prices_{number}"
        text = (prices.root / "definitions" / "datasets" / "prices.yaml").read_text()
        prices.declare(text.replace("18b13ce1177", f"18b13ce117{number}"), stem)
        for period in order:
            prices.put(period, snapshots[period])
            prices.publish(period, stem)
        record, rows = prices.publication(stem, None)
        digests.add(record["digest"])
        kept = ("h", "k", "v", "_valid_from", "_valid_to", "_period_from", "_period_to")
        tables.append(sorted(str([row[name] for name in kept]) for row in rows))
    assert len(digests) == 1
    assert all(table == tables[0] for table in tables)


@pytest.mark.parametrize("zone", ["Europe/Berlin"])
def test_a_naive_time_of_a_zone_and_a_deletion_ten_minutes_after_midnight(store: Store, zone: str) -> None:
    """01:10 in Berlin is ten minutes after midnight in UTC, in winter."""
    prices = open_prices(store, zone=zone)
    prices.types |= {"begun": "TIMESTAMP", "ended": "TIMESTAMP"}
    local = datetime(2026, 1, 15, 1)  # noqa: DTZ001 - the time of a clock
    prices.load(P1, [price("a", local)])
    prices.load(P2, [price("a", local, local.replace(minute=10))])
    midnight = datetime(2026, 1, 15, tzinfo=UTC)
    assert {row["_period_from"]: (row["_valid_from"], row["_valid_to"]) for row in prices.table()} == {
        P1: (midnight, None),
        P2: (midnight, midnight.replace(minute=10)),
    }


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_dates_are_midnights_in_utc(store: Store) -> None:
    prices = open_prices(store, IN_DAYS, zone="Europe/Berlin")
    prices.types |= {"begun": "DATE", "ended": "DATE"}
    prices.load(P1, [price("a", date(2026, 1, 15), date(2026, 7, 1))])
    [row] = prices.table()
    assert row["_valid_from"] == datetime(2026, 1, 15, tzinfo=UTC)
    assert row["_valid_to"] == datetime(2026, 7, 1, tzinfo=UTC)
