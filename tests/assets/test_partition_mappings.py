"""The partition mappings that Dagster shows agree with the windows that the SQL selects."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster import AssetKey
from dagster._core.definitions.partitions.context import partition_loading_context
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_assets.assets.partitions import Partitioning, first_needed, nested_mapping, table_mapping
from dataset_assets.compiler.selection_input import time_range_of
from dataset_assets.compiler.source_ranges import history_before
from dataset_assets.contract.model import Dataset
from dataset_assets.periods.cadence import Calendars
from dataset_assets.periods.instants import AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TimeRange

NOW = datetime(2026, 3, 17, 5, tzinfo=UTC)
CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "corporate": {"type": "fiscal", "start_month": 4, "year_label": "starting"},
            "shop": {"type": "retail"},
            "berlin": {"type": "standard", "zone": "Europe/Berlin"},
        }
    }
)
CLOCKED = ("day", "week", "month", "quarter", "year", "corporate.quarter", "shop.week")


def partitioning(cadence: str, first: date | str, last: date | str | None = None) -> Partitioning:
    found = CALENDARS.cadence(cadence)

    def period(named: date | str) -> Period:
        return found.parse(named) if isinstance(named, str) else found.containing(named)

    return Partitioning(found, period(first), NOW, period(last) if last else None)


def dataset(date_range: dict[str, Any] | None, **more: Any) -> Dataset:
    return Dataset.model_validate(
        {
            "name": "Sales",
            "owner": "someone",
            "main_table": {
                "name": "sales",
                "columns": [
                    {"name": "user", "type": "string"},
                    {"name": "product", "type": "string"},
                    {"name": "at", "type": "timestamp"},
                ],
            },
            "column_mapping": {"user_id": "user", "product_id": "product", "timestamp": "at"},
            "filters": {"date_range": date_range} if date_range else {},
            **more,
        }
    )


def upstream_keys(
    mapping: dg.PartitionMapping | None, upstream: Partitioning, downstream: Partitioning, key: str
) -> list[str]:
    """What Dagster itself answers, through its asset graph."""
    up = dg.AssetSpec("up", partitions_def=upstream.definition)
    down = dg.AssetSpec(
        "down", deps=[dg.AssetDep("up", partition_mapping=mapping)], partitions_def=downstream.definition
    )
    graph = dg.Definitions(assets=[up, down]).get_repository_def().asset_graph
    subset = downstream.definition.subset_with_partition_keys([key])
    above, below = graph.get(AssetKey("up")).partitions_def, graph.get(AssetKey("down")).partitions_def
    assert above
    assert mapping is not None
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, below, above, NOW)
    return sorted(result.partitions_subset.get_partition_keys())


def selected_keys(found: Dataset, upstream: Partitioning, downstream: Partitioning, key: str) -> list[str]:
    """The stored parts that the dataset's own window touches."""
    period = downstream.cadence.from_key(key)
    time_range = time_range_of(found, AsOf(period.end, period.zone), period)
    assert time_range
    return [part.key for part in upstream.cadence.covering(time_range.start, time_range.end)]


def rolling(months: int) -> dict[str, Any]:
    return {"type": "rolling", "months": months}


@pytest.mark.parametrize("months", [1, 2, 6, 12])
def test_months_over_months_show_exactly_the_window(months: int):
    downstream = partitioning("month", "2018-01")
    sales = dataset(rolling(months))
    since = first_needed(sales, downstream)
    assert since
    upstream = partitioning("month", since.date())
    mapping = table_mapping(sales, upstream, downstream)
    shown = upstream_keys(mapping, upstream, downstream, "2018-03")
    assert shown == selected_keys(sales, upstream, downstream, "2018-03")
    assert len(shown) == months
    first = upstream_keys(mapping, upstream, downstream, "2018-01")
    assert len(first) == months, "the table's partitions begin where the first window does"


def test_a_monthly_dataset_over_daily_files_shows_the_days_of_its_window():
    downstream = partitioning("month", "2018-01")
    sales = dataset(rolling(2))
    upstream = partitioning("day", "2017-01-01")
    shown = upstream_keys(table_mapping(sales, upstream, downstream), upstream, downstream, "2018-03")
    assert shown == [day.isoformat() for day in _days(date(2018, 2, 1), date(2018, 4, 1))]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(CLOCKED), st.sampled_from(CLOCKED), st.sampled_from([1, 2, 5, 7, 12]), st.integers(0, 60)
)
def test_no_part_of_a_rolling_window_is_left_out(up: str, down: str, months: int, back: int):
    downstream = partitioning(down, date(2024, 1, 1))
    sales = dataset(rolling(months))
    upstream = partitioning(up, date(2020, 1, 1))
    key = downstream.complete()[-1 - back % len(downstream.complete())].key
    shown = upstream_keys(table_mapping(sales, upstream, downstream), upstream, downstream, key)
    window = selected_keys(sales, upstream, downstream, key)
    assert set(upstream.touched(_extent(sales, downstream, key))) <= set(shown)
    slack = max(len(upstream.cadence.covering(p.start, p.end)) for p in downstream.complete()) + 5
    assert len(shown) <= len(window) + slack, "at most a Period of the dataset too much"


def _extent(found: Dataset, downstream: Partitioning, key: str):
    period = downstream.cadence.from_key(key)
    return time_range_of(found, AsOf(period.end, period.zone), period)


def _days(first: date, end: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), end.toordinal())]


def test_without_a_date_range_the_same_period_is_read():
    month = partitioning("month", "2018-01")
    mapping = table_mapping(dataset(None), month, month)
    assert upstream_keys(mapping, month, month, "2018-03") == ["2018-03"]


def test_a_fixed_range_is_the_same_for_every_partition():
    sales = dataset({"type": "fixed", "start_date": "2018-02-10", "end_date": "2018-04-30"})
    downstream = partitioning("month", "2018-06")
    assert first_needed(sales, downstream) == datetime(2018, 2, 10, tzinfo=UTC)
    upstream = partitioning("month", "2018-02")
    mapping = table_mapping(sales, upstream, downstream)
    for key in ("2018-06", "2020-01"):
        assert upstream_keys(mapping, upstream, downstream, key) == ["2018-02", "2018-03", "2018-04"]
    unpartitioned = table_mapping(sales, upstream, None)
    assert unpartitioned == dg.SpecificPartitionsPartitionMapping(["2018-02", "2018-03", "2018-04"])


def test_of_a_lookup_only_the_last_snapshot_before_as_of_is_read():
    month, shop = partitioning("month", "2018-01"), partitioning("shop.month", "RY2018-M01")
    sales = dataset(rolling(6))
    mapping = table_mapping(sales, month, month, snapshots=True)
    assert upstream_keys(mapping, month, month, "2018-09") == ["2018-09"]
    exact = table_mapping(sales, shop, shop, snapshots=True)
    key = shop.complete()[20].key
    assert upstream_keys(exact, shop, shop, key) == [key]
    assert type(table_mapping(sales, month, None, snapshots=True)) is dg.LastPartitionMapping
    fixed = dataset({"type": "fixed", "start_date": "2018-02-10", "end_date": "2018-04-30"})
    assert table_mapping(fixed, month, None, snapshots=True) == dg.SpecificPartitionsPartitionMapping(
        ["2018-04"]
    )


def test_retail_months_have_no_cron_and_still_map_exactly():
    downstream = partitioning("shop.month", "RY2024-M06")
    sales = dataset(rolling(3))
    upstream = partitioning("shop.month", "RY2023-M06")
    key = CALENDARS.cadence("shop.month").parse("RY2025-M02").key
    shown = upstream_keys(table_mapping(sales, upstream, downstream), upstream, downstream, key)
    assert shown == selected_keys(sales, upstream, downstream, key)
    assert len(shown) in (3, 4)


def test_other_zones_and_mixed_kinds_show_all_partitions():
    month, shop = partitioning("month", "2018-01"), partitioning("shop.month", "RY2018-M01")
    berlin = partitioning("berlin.month", "2018-01")
    for upstream, downstream in ((berlin, month), (shop, month), (month, shop)):
        assert type(table_mapping(dataset(rolling(2)), upstream, downstream)) is dg.AllPartitionMapping


def test_nested_datasets_are_read_for_the_same_period_or_the_latest():
    month, later = partitioning("month", "2018-01"), partitioning("month", "2018-05")
    shop = partitioning("shop.month", "RY2018-M01")
    assert upstream_keys(nested_mapping(month, later), month, later, "2018-06") == ["2018-06"]
    assert upstream_keys(nested_mapping(shop, shop), shop, shop, shop.complete()[3].key) == [
        shop.complete()[3].key
    ]
    assert type(nested_mapping(month, None)) is dg.LastPartitionMapping
    assert nested_mapping(None, month) is None


@pytest.mark.parametrize("cadence", [*CLOCKED, "shop.month", "shop.quarter", "shop.year", "berlin.day"])
def test_only_complete_periods_are_partitions(cadence: str):
    found = partitioning(cadence, date(2024, 1, 1))
    with partition_loading_context(NOW):
        keys = found.definition.get_partition_keys()
    assert keys == [period.key for period in found.complete()]
    last = found.cadence.from_key(keys[-1])
    assert last.end <= NOW < found.cadence.next(last).end


@pytest.mark.parametrize("cadence", [*CLOCKED, "shop.month", "shop.quarter", "shop.year", "berlin.day"])
@pytest.mark.parametrize("last", [date(2025, 3, 30), date(2025, 12, 31), date(2030, 1, 1)])
def test_partitions_end_with_the_last_period(cadence: str, last: date):
    found = partitioning(cadence, date(2024, 1, 1), last)
    with partition_loading_context(NOW):
        keys = found.definition.get_partition_keys()
    open_ended = [period.key for period in partitioning(cadence, date(2024, 1, 1)).complete()]
    assert found.last
    assert keys == [period.key for period in found.complete()]
    assert keys == [key for key in open_ended if key <= found.last.key]


def test_the_first_and_the_last_key():
    month = partitioning("month", "2017-07", "2017-12")
    quarter = partitioning("corporate.quarter", "FY2016-Q4", "FY2017-Q3")
    shop = partitioning("shop.quarter", "RY2016-Q4", "RY2017-Q3")
    for found, first, last in (
        (month, "2017-07", "2017-12"),
        (quarter, "2017-01-01", "2017-10-01"),
        (shop, CALENDARS.cadence("shop.quarter").parse("RY2016-Q4").key, shop.complete()[-1].key),
    ):
        definition = found.definition
        assert (definition.get_first_partition_key(), definition.get_last_partition_key()) == (first, last)
    assert str(shop.complete()[-1]) == "RY2017-Q3"
    assert (month.name, len(quarter.complete())) == ("month from 2017-07 to 2017-12", 4)


@pytest.mark.parametrize("cadence", ["month", "shop.month"])
def test_the_last_period_reads_what_its_window_touches(cadence: str):
    sales = dataset(rolling(3))
    ending, endless = (partitioning(cadence, date(2018, 1, 1), last) for last in (date(2018, 12, 1), None))
    upstream = partitioning(cadence, date(2017, 6, 1))
    key = ending.complete()[-1].key
    mapping = table_mapping(sales, upstream, ending)
    assert upstream_keys(mapping, upstream, ending, key) == selected_keys(sales, upstream, ending, key)
    for up, down in ((ending, endless), (endless, ending), (ending, ending)):
        assert upstream_keys(nested_mapping(up, down), up, down, key) == [key]
    assert ending.last
    assert ending.touched(TimeRange(ending.last.start, NOW)) == [key]


def priced(as_of: dict[str, Any], months: int = 2) -> Dataset:
    """Return a dataset with a lookup that is read as of the time of each row."""
    lookup = {
        "target": {
            "type": "table",
            "name": "prices",
            "columns": [{"name": "product", "type": "string"}, {"name": "since", "type": "timestamp"}],
        },
        "join_conditions": [{"source_column": "product", "target_column": "product"}],
        "as_of": as_of,
    }
    return dataset(rolling(months), lookups=[lookup])


def test_of_a_history_the_partitions_before_the_window_are_read_as_far_back_as_a_row_can_look():
    sales, downstream = priced({"column": "since", "max_age": "40d"}), partitioning("month", "2018-01")
    before = history_before(sales, sales.lookups[0])
    since = first_needed(sales, downstream, "prices")
    assert since
    assert since == datetime(2017, 10, 21, tzinfo=UTC), "41 days before December: a date can be a day earlier"
    upstream = partitioning("month", since.date())
    mapping = table_mapping(sales, upstream, downstream, before=before)
    shown = upstream_keys(mapping, upstream, downstream, "2018-04")
    assert shown[-4:] == ["2018-01", "2018-02", "2018-03", "2018-04"]
    assert set(shown[:-4]) <= {"2017-11", "2017-12"}, "a mapping counts in whole Periods"
    assert first_needed(sales, downstream, "sales") == datetime(2017, 12, 1, tzinfo=UTC)


def test_of_a_history_without_an_age_every_partition_is_read():
    sales, month = priced({"column": "since"}), partitioning("month", "2018-01")
    before = history_before(sales, sales.lookups[0])
    assert table_mapping(sales, month, month, before=before) == dg.AllPartitionMapping()


def test_an_age_widens_the_partitions_of_fixed_dates():
    fixed = {"type": "fixed", "start_date": "2018-03-10", "end_date": "2018-04-30"}
    sales = dataset(fixed)
    month = partitioning("month", "2018-01")
    mapping = table_mapping(sales, month, month, before=timedelta(days=20))
    assert mapping == dg.SpecificPartitionsPartitionMapping(["2018-02", "2018-03", "2018-04"])
