"""Automatic refreshes, case by case; `test_automation_oracle.py` tests random cases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.refresh_sensor import refresh_sensor
from tests.assets.automation_fixtures import BY_MONTH, MONTHS, Automated, Make, of, settle
from tests.assets.catalogs import NOW, TABLES, text

TWO_MONTHS = "filters: {date_range: {type: rolling, months: 2}}"
UPSTREAM = "refresh: {on: upstream}"


def test_the_latest_period_is_built_once_and_no_older_one(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), published=False)
    assert world.tick() == {("d1", "2024-05")}
    assert world.tick() == set(), "it is on its way"
    world.publish("d1", "2024-05", "x")
    assert world.tick() == set()
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == set(), "what was never published is for a backfill"
    assert world.tick(days=21) == set(), "June is over, and not there yet"
    world.report("monthly", "2024-06", "v1")
    assert world.tick() == {("d1", "2024-06")}


def test_with_lookback_late_periods_are_built_as_well(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, "refresh: {on: upstream, lookback: 1}"), published=False)
    assert of("d1", world.tick()) == ["2024-04", "2024-05"]


def test_a_period_waits_until_all_that_it_reads_is_there(tmp_path: Path) -> None:
    world = Automated(tmp_path, TABLES, NOW)
    world.write("d1", text(1, "monthly", BY_MONTH, TWO_MONTHS, UPSTREAM, tables=["one"]))
    world.load()
    assert world.tick() == set()
    world.report("monthly", "2024-05", "v1")
    assert world.tick() == set()
    world.report("monthly", "2024-04", "v1")
    assert world.tick() == set()
    world.report("one", None, "v1")
    assert world.tick() == {("d1", "2024-05")}


def test_a_restated_month_refreshes_the_windows_that_hold_it(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, TWO_MONTHS, UPSTREAM), text(2, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03"), ("d1", "2024-04"), ("d2", "2024-03")}
    assert world.tick() == set()


def test_what_is_reported_again_with_its_old_version_is_no_change(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM, tables=["one"]))
    world.report("monthly", "2024-03", "v1")
    world.report("one", None, "v1")
    assert world.tick() == set()


def test_a_failed_period_is_not_tried_again_until_something_changed(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), published=False)
    assert world.tick() == {("d1", "2024-05")}
    run = world.begin("d1", "2024-05")
    assert world.tick() == set()
    world.end(run, failed=True)
    assert [world.tick() for _ in range(3)] == [set(), set(), set()]
    world.report("monthly", "2024-05", "v2")
    assert world.tick() == {("d1", "2024-05")}


def test_what_changes_while_it_is_made_is_made_again(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    run, read = world.begin("d1", "2024-03"), world.read("d1", "2024-03")
    world.report("monthly", "2024-03", "v3")
    assert world.tick() == set(), "one run after the other"
    world.publish("d1", "2024-03", "made of v2", read)
    world.end(run)
    assert world.tick() == {("d1", "2024-03")}
    assert world.tick() == set()


def test_what_changed_before_the_run_read_it_is_not_made_again(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    world.report("monthly", "2024-03", "v3")
    run = world.begin("d1", "2024-03")
    assert world.tick() == set()
    world.publish("d1", "2024-03", "made of v3")
    world.end(run)
    assert world.tick() == set()


def test_a_quick_run_does_not_hide_what_changed_after_it_was_requested(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    world.publish("d1", "2024-03", "made of v2")
    world.report("monthly", "2024-03", "v3")
    assert world.tick() == {("d1", "2024-03")}


def test_unchanged_content_stops_the_cascade(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), text(2, "one", BY_MONTH, UPSTREAM, nested=[1]))
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    world.publish("d1", "2024-03", "d1 2024-03 v1")
    assert world.tick() == set()
    world.report("monthly", "2024-03", "v3")
    assert world.tick() == {("d1", "2024-03")}
    world.publish("d1", "2024-03", "something else")
    assert world.tick() == {("d2", "2024-03")}


@pytest.mark.parametrize("changed", [True, False])
def test_a_change_that_arrives_in_three_ways_makes_one_run_each(make: Make, changed: bool) -> None:
    """All of them read `monthly`; they begin with other Periods, so that one run cannot make them all."""
    later = BY_MONTH.replace("02}", "03}")
    world = make(
        text(1, "monthly", BY_MONTH, UPSTREAM),
        text(2, "monthly", later, UPSTREAM, nested=[1]),
        text(3, "monthly", BY_MONTH.replace("02}", "04}"), UPSTREAM, nested=[2]),
        published=False,
    )
    for stem in ("d1", "d2", "d3"):
        world.publish(stem, "2024-04", "v1")
    settle(world)
    world.report("monthly", "2024-04", "v2")
    order = []
    for _ in range(8):
        [*requested] = world.tick()
        for stem, key in requested:
            run = world.begin(stem, key)
            assert world.tick() == set(), "the others wait"
            world.publish(stem, key, "v2" if changed else "v1")
            world.end(run)
            order.append(stem)
    assert order == ["d1", "d2", "d3"]


def test_nobody_waits_for_a_period_that_the_nested_dataset_does_not_have(make: Make) -> None:
    world = make(
        text(1, "monthly", BY_MONTH, UPSTREAM),
        text(2, "monthly", BY_MONTH.replace("02}", "04}"), UPSTREAM, nested=[1]),
        text(3, "one", UPSTREAM, nested=[2]),
        published=False,
    )
    for month in MONTHS:
        world.publish("d1", month, "v1")
    for month in MONTHS[2:]:
        world.publish("d2", month, "v1")
    world.publish("d3", None, "v1")
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    world.begin("d1", "2024-03")
    world.report("one", None, "v2")
    assert world.tick() == {("d3", None)}


def test_a_paused_dataset_keeps_nobody_waiting(make: Make) -> None:
    paused = "refresh: {on: upstream, paused: true}"
    world = make(text(1, "monthly", BY_MONTH, paused), text(2, "monthly", BY_MONTH, UPSTREAM, nested=[1]))
    world.report("monthly", "2024-04", "v2")
    assert world.tick() == {("d2", "2024-04")}


def test_a_nested_dataset_that_cannot_run_keeps_nobody_waiting(make: Make) -> None:
    nested = text(1, "monthly", BY_MONTH, UPSTREAM)
    world = make(nested, text(2, "monthly", UPSTREAM, nested=[1]))
    world.tick(days=21)
    world.report("other", None, "v2")
    world.report("monthly", "2024-05", "v2")
    assert world.tick() == {("d1", "2024-05")}
    world.publish("d1", "2024-05", "v2")
    assert world.tick() == {("d2", None)}, "though June is missing"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", ["2024-05"]), (", lookups: latest", ["2024-05"]), (", lookups: refresh_all", MONTHS)],
)
def test_a_lookup_refreshes_what_its_author_asks(make: Make, setting: str, expected: list[str]) -> None:
    refresh = f"refresh: {{on: upstream{setting}}}"
    world = make(text(1, "monthly", BY_MONTH, refresh, tables=["one"]))
    world.report("one", None, "v2")
    assert of("d1", world.tick()) == expected
    assert world.tick() == set()


def test_a_lookup_refreshes_the_latest_that_is_published(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM, tables=["one"]))
    world.tick(days=21 + 31)
    world.report("one", None, "v2")
    assert of("d1", world.tick()) == ["2024-05"], "June and July are over, and not there yet"


def test_a_nested_dataset_without_periods_is_a_lookup_in_one_piece(make: Make) -> None:
    world = make(text(1, "one", UPSTREAM), text(2, "monthly", BY_MONTH, UPSTREAM, nested=[1]))
    world.report("one", None, "v2")
    assert world.tick() == {("d1", None)}
    world.publish("d1", None, "v2")
    assert world.tick() == {("d2", "2024-05")}


@pytest.mark.parametrize(
    ("setting", "expected"), [("", MONTHS), (", lookback: 0", MONTHS[-1:]), (", lookback: 2", MONTHS[-3:])]
)
def test_a_main_table_in_one_piece_refreshes_all_or_the_last(
    make: Make, setting: str, expected: list[str]
) -> None:
    world = make(text(1, "one", BY_MONTH, f"refresh: {{on: upstream{setting}}}"))
    world.report("one", None, "v2")
    assert of("d1", world.tick()) == expected


def test_fixed_days_are_refreshed_by_their_partitions_alone(make: Make) -> None:
    fixed = "filters: {date_range: {type: fixed, start_date: 2024-03-05, end_date: 2024-04-05}}"
    world = make(text(1, "monthly", fixed, UPSTREAM), text(2, "monthly", BY_MONTH))
    world.report("monthly", "2024-05", "v2")
    assert world.tick() == set()
    world.report("monthly", "2024-04", "v2")
    assert world.tick() == {("d1", None)}


def test_periods_without_a_cron_expression_are_refreshed_like_all_others(make: Make) -> None:
    by_retail_month = "partitions: {period: shop.month, start: RY2024-M02}"
    world = make(text(1, "retail", by_retail_month, UPSTREAM, tables=["one"]), published=False)
    assert world.tick() == {("d1", "2024-05-05")}
    world.publish("d1", "2024-03-03", "v1")
    world.publish("d1", "2024-05-05", "v1")
    assert world.tick(days=30) == set(), "Dagster learns of the next one when the files are read again"
    world.load()
    assert world.tick() == set()
    world.report("retail", "2024-06-02", "v1")
    assert world.tick() == {("d1", "2024-06-02")}
    world.publish("d1", "2024-06-02", "v1")
    world.report("retail", "2024-03-03", "v2")
    assert of("d1", world.tick()) == ["2024-03-03"]
    world.publish("d1", "2024-03-03", "v2")
    world.report("one", None, "v2")
    assert of("d1", world.tick()) == ["2024-06-02"]


AT_SIX = 'refresh: {cron: "0 6 * * *"}'


def test_after_a_tick_of_the_clock_it_waits_for_the_main_table(make: Make) -> None:
    world = make(text(1, "one", BY_MONTH, AT_SIX, tables=["two"]))
    world.report("one", None, "v2")
    assert world.tick(hours=2) == set(), "not before the tick"
    assert world.tick(hours=4, seconds=30) == set(), "what landed before the tick is not of this day"
    world.report("two", None, "v2")
    assert world.tick() == set(), "lookups are not waited for"
    assert world.tick(hours=3) == set()
    world.report("one", None, "v3")
    assert world.tick() == {("d1", "2024-05")}
    world.report("one", None, "v4")
    assert [world.tick(), world.tick(hours=8)] == [set(), set()], "once after each tick"
    assert world.tick(hours=14) == set()
    world.report("one", None, "v5")
    assert world.tick() == {("d1", "2024-05")}


def test_after_a_tick_what_was_never_published_is_built_from_what_is_there(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, 'refresh: {cron: "0 6 * * *", lookback: 1}'), published=False)
    assert of("d1", world.tick()) == ["2024-04", "2024-05"], "a tick has passed since they were complete"
    for key in ("2024-04", "2024-05"):
        world.publish("d1", key, "v1")
    world.now = datetime(2024, 7, 1, tzinfo=UTC)
    world.report("monthly", "2024-06", "v1")
    assert world.tick() == set(), "the night's load may not have ended"
    assert world.tick(hours=6) == {("d1", "2024-06")}
    assert world.tick() == set()


def test_after_a_failed_run_the_next_tick_of_the_clock_tries_again(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, AT_SIX), published=False)
    assert world.tick() == {("d1", "2024-05")}
    assert [world.tick(), world.tick(hours=5)] == [set(), set()]
    assert world.tick(hours=1) == {("d1", "2024-05")}


def test_a_main_table_that_does_not_tell_is_not_waited_for(make: Make) -> None:
    world = make(text(1, "one", BY_MONTH, AT_SIX))
    world.resolver.unknown.add("one")
    world.publish("d1", "2024-05", "made of what nobody knows")
    assert world.tick() == set(), "made since the last tick"
    assert world.tick(hours=7) == {("d1", "2024-05")}
    world.publish("d1", "2024-05", "made of what nobody knows")
    assert world.tick() == set()
    assert world.tick(days=1) == {("d1", "2024-05")}


def test_a_table_that_does_not_tell_refreshes_when_somebody_reports_it(make: Make) -> None:
    world = make(text(1, "one", UPSTREAM))
    world.resolver.unknown.add("one")
    world.publish("d1", None, "v1")
    assert world.tick() == set()
    for load in ("load-1", "load-2"):
        world.report("one", None, load)
        assert world.tick() == {("d1", None)}
        assert world.tick() == set(), "a run that fails is not tried again"
    world.publish("d1", None, "v2")
    assert world.tick() == set()


def test_the_clock_is_in_the_zone_of_the_calendar(tmp_path: Path) -> None:
    world = Automated(tmp_path, TABLES, NOW)
    path = tmp_path / "periods.yaml"
    path.write_text(
        path.read_text().replace("{shop:", "{standard: {type: standard, zone: Asia/Tokyo}, shop:")
    )
    world.write("d1", text(1, "one", AT_SIX))
    world.load()
    world.report("one", None, "v1")
    world.publish("d1", None, "v1")
    world.report("one", None, "v2")
    assert world.tick() == set()
    world.now += timedelta(hours=20)
    world.report("one", None, "v3")
    assert world.tick() == set()
    world.now += timedelta(hours=1)
    world.report("one", None, "v4")
    assert world.tick() == {("d1", None)}, "six in Tokyo is 21:00 UTC"


def test_a_nested_dataset_with_a_clock_lands_first(make: Make) -> None:
    world = make(text(1, "one", BY_MONTH, AT_SIX), text(2, "two", BY_MONTH, AT_SIX, nested=[1]))
    assert world.tick(hours=7) == set()
    world.report("two", None, "v2")
    assert world.tick() == set()
    world.report("one", None, "v2")
    assert world.tick() == {("d1", "2024-05")}
    world.publish("d1", "2024-05", "v2")
    assert world.tick() == {("d2", "2024-05")}


def test_a_lost_cursor_loses_nothing_and_repeats_nothing(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), published=False)
    world.publish("d1", "2024-02", "v1")
    world.publish("d1", "2024-03", "v1")
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03"), ("d1", "2024-05")}
    keys = {request.run_key for request in world.requests}
    assert world.tick() == set()
    for cursor in (None, "no JSON", '{"version": 0, "requested": {}}', '["of another sensor"]'):
        world.cursor = cursor
        assert world.tick() == {("d1", "2024-03"), ("d1", "2024-05")}
        assert {request.run_key for request in world.requests} == keys, "Dagster starts a run once for a key"
    world.publish("d1", "2024-03", "v2")
    world.publish("d1", "2024-05", "v2")
    world.cursor = None
    assert world.tick() == set()


def test_a_code_location_that_starts_again_goes_on_where_it_was(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    world.load()
    assert world.tick() == {("d1", "2024-03")}
    world.load()
    assert world.tick() == set(), "the cursor says that it was requested"
    world.report("monthly", "2024-04", "v2")
    world.load()
    assert world.tick() == {("d1", "2024-04")}


@pytest.mark.parametrize(
    ("status", "project", "refreshes"),
    [("active", False, True), ("draft", True, False), ("disabled", False, False), ("disabled", True, True)],
)
def test_what_refreshes_by_itself_is_active(
    tmp_path: Path, status: str, project: bool, refreshes: bool
) -> None:
    world = Automated(tmp_path, TABLES, NOW)
    world.write("d1", text(1, "one", UPSTREAM, status=status))
    if project:
        named = "{name: P, owner: ada, datasets: [d1]}"
        (tmp_path / "projects" / "p.yaml").write_text(f"project: {named}\n")
        lock = '{"datasets": {"01a2001c-5bb3-7d55-869e-000000000001": "2024-01-01T00:00:00Z"}}\n'
        (tmp_path / "projects" / "p.lock").write_text(lock)
    world.load()
    world.report("one", None, "v1")
    assert bool(world.tick()) == refreshes


@pytest.mark.parametrize("more", [[], ["refresh: {on: upstream, paused: true}"]])
def test_by_hand_is_by_hand(make: Make, more: list[str]) -> None:
    world = make(text(1, "one", *more), published=False)
    assert world.tick() == set()


def test_a_new_version_makes_what_is_published_anew(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.write("d1", text(1, "monthly", BY_MONTH, TWO_MONTHS, UPSTREAM))
    world.load()
    assert of("d1", world.tick()) == MONTHS
    [request] = world.requests
    assert request.tags["dataset_assets/reason"].startswith("new version: 1 →")
    assert world.tick() == set()


def test_a_window_that_moves_with_the_clock_refreshes_once_a_day(make: Make) -> None:
    world = make(text(1, "one", TWO_MONTHS, UPSTREAM), text(2, "one", UPSTREAM))
    assert world.tick(hours=5) == set()
    assert world.tick(hours=20) == {("d1", None)}
    assert world.requests[0].tags["dataset_assets/reason"] == "its window has moved"
    world.publish("d1", None, "v2")
    assert world.tick(hours=1) == set()
    world.report("one", None, "v2")
    assert world.tick() == {("d1", None), ("d2", None)}


def test_what_cannot_be_made_is_named_and_made_when_it_can(make: Make) -> None:
    world = make(
        text(1, "monthly", BY_MONTH, UPSTREAM), text(2, "monthly", BY_MONTH, UPSTREAM, tables=["one"])
    )
    world.resolver.versions.pop("one")
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    world.publish("d1", "2024-03", "v2")
    assert world.tick() == set()
    assert "d2 2024-03: one of" in world.said
    assert "is not there" in world.said
    world.resolver.change("one", None, "v1")
    assert world.tick(minutes=2) == {("d2", "2024-03")}, "it is looked at again though nobody reported it"


def test_consecutive_periods_are_one_run_with_the_reason_in_its_tags(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    for month in ("2024-02", "2024-03", "2024-05"):
        world.report("monthly", month, "v2")
    assert of("d1", world.tick()) == ["2024-02", "2024-03", "2024-05"]
    ranges = [
        [request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]
        for request in world.requests
    ]
    assert ranges == [["2024-02", "2024-03"], ["2024-05", "2024-05"]]
    assert {request.tags["dataset_assets/reason"] for request in world.requests} == {
        "source changed: shop/monthly"
    }
    assert len({request.run_key for request in world.requests}) == 2


def test_a_source_that_changes_to_and_fro_is_requested_each_time(make: Make) -> None:
    world = make(text(1, "one", UPSTREAM))
    keys = set()
    for version in ("v2", "v1", "v2", "v1"):
        world.report("one", None, version)
        assert world.tick() == {("d1", None)}
        keys.add(world.requests[0].run_key)
        world.publish("d1", None, "equal rows")
    assert len(keys) == 4


def test_a_dataset_in_a_backfill_is_left_alone(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), text(2, "monthly", BY_MONTH, UPSTREAM, nested=[1]))
    world.report("monthly", "2024-03", "v2")
    backfill = backfill_of(dataset_key("d1"))
    world.instance.add_backfill(backfill)
    assert world.tick() == set()
    world.instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_FAILED))
    assert world.tick() == {("d1", "2024-03")}


def backfill_of(key: dg.AssetKey) -> PartitionBackfill:
    return PartitionBackfill(
        backfill_id="one",
        status=BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=0.0,
        asset_selection=[key],
    )


def test_nothing_is_read_while_nothing_changes(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM, tables=["one"]), text(2, "one", UPSTREAM, nested=[1]))
    before = world.warehouse.reads, world.resolver.surveys
    assert [world.tick(), world.tick()] == [set(), set()]
    assert (world.warehouse.reads, world.resolver.surveys) == before
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}
    assert (world.warehouse.reads, world.resolver.surveys) == (before[0] + 1, before[1] + 2)


def test_an_archived_dataset_that_another_reads_rests(make: Make) -> None:
    archived = text(1, "one", UPSTREAM, status="archived")
    world = make(archived, text(2, "two", UPSTREAM, nested=[1]), published=False)
    world.publish("d1", None, "v1")
    assert world.tick() == {("d2", None)}
    world.report("one", None, "v2")
    assert world.tick() == set()


def test_the_sensor_runs_from_the_start_and_requests_datasets_alone(make: Make) -> None:
    world = make(text(1, "one", UPSTREAM))
    found = refresh_sensor(world.graph)
    assert (found.name, found.default_status) == ("refresh", dg.DefaultSensorStatus.RUNNING)
    assert found.minimum_interval_seconds == 30
    assert found.asset_selection == dg.AssetSelection.assets(dataset_key("d1"))
