"""Automatic refreshes, case by case; `test_automation_oracle.py` tests random cases."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.automation_tick_evaluation_context import build_run_requests
from dagster_shared.serdes import deserialize_value, serialize_value

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.automation import sensor
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
    world.report("monthly", "2024-03", "v3")
    run = world.begin("d1", "2024-03")
    assert world.tick() == set(), "that run may have read v2: one after the other"
    world.publish("d1", "2024-03", "made of v2")
    world.end(run)
    assert world.tick() == {("d1", "2024-03")}
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


def test_without_a_clock_what_comes_to_be_is_built(make: Make) -> None:
    by_retail_month = "partitions: {period: shop.month, start: RY2024-M02}"
    world = make(text(1, "retail", by_retail_month, UPSTREAM, tables=["one"]), published=False)
    assert world.tick() == set(), "nothing tells which of those that are there is the latest"
    world.publish("d1", "2024-03-03", "v1")
    world.publish("d1", "2024-04-07", "v1")
    world.tick(days=30)
    world.load()
    world.report("retail", "2024-06-02", "v1")
    assert world.tick() == {("d1", "2024-06-02")}
    world.publish("d1", "2024-06-02", "v1")
    world.report("retail", "2024-03-03", "v2")
    assert of("d1", world.tick()) == ["2024-03-03"]
    world.report("one", None, "v2")
    published = ["2024-03-03", "2024-04-07", "2024-06-02"]
    assert of("d1", world.tick()) == published, "all, since nothing tells the latest"


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
    assert world.tick() == set()
    assert of("d1", world.tick(hours=7)) == ["2024-04", "2024-05"]
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
    assert world.tick(hours=20) == set()
    assert world.tick(hours=1, seconds=30) == {("d1", None)}, "six in Tokyo is 21:00 UTC"


def test_a_nested_dataset_with_a_clock_lands_first(make: Make) -> None:
    world = make(text(1, "one", BY_MONTH, AT_SIX), text(2, "two", BY_MONTH, AT_SIX, nested=[1]))
    assert world.tick(hours=7) == set()
    world.report("two", None, "v2")
    assert world.tick() == set()
    world.report("one", None, "v2")
    assert world.tick() == {("d1", "2024-05")}
    world.publish("d1", "2024-05", "v2")
    assert world.tick() == {("d2", "2024-05")}


def test_at_a_first_look_all_that_is_published_is_looked_at(make: Make) -> None:
    """What changed before nobody can know. A run that finds nothing changed publishes nothing."""
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM), published=False)
    world.publish("d1", "2024-02", "v1")
    world.publish("d1", "2024-03", "v1")
    assert of("d1", world.tick()) == ["2024-02", "2024-03", "2024-05"]
    assert world.tick() == set()
    world.cursor = None
    assert of("d1", world.tick()) == ["2024-02", "2024-03", "2024-05"]


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
    assert world.definitions.resolve_asset_graph().get(dataset_key("d1")).automation_condition is None


def test_an_archived_dataset_that_another_reads_rests(make: Make) -> None:
    archived = text(1, "one", UPSTREAM, status="archived")
    world = make(archived, text(2, "two", UPSTREAM, nested=[1]), published=False)
    world.publish("d1", None, "v1")
    assert world.tick() == {("d2", None)}
    world.report("one", None, "v2")
    assert world.tick() == set()


def test_dagsters_daemon_can_evaluate_the_conditions(make: Make) -> None:
    world = make(
        text(1, "one", UPSTREAM),
        text(2, "monthly", BY_MONTH, TWO_MONTHS, "refresh: {on: upstream, lookback: 2}", tables=["two"]),
        text(3, "one", BY_MONTH, UPSTREAM, nested=[1, 2], tables=["two"]),
        text(4, "two", BY_MONTH, AT_SIX, nested=[3]),
        text(5, "retail", "partitions: {period: shop.month, start: RY2024-M02}", UPSTREAM),
        published=False,
    )
    graph = world.definitions.resolve_asset_graph()
    for number in range(1, 6):
        condition: Any = graph.get(dataset_key(f"d{number}")).automation_condition
        assert condition.is_serializable
        assert deserialize_value(serialize_value(condition)) == condition


def test_the_sensor_runs_from_the_start_and_looks_at_datasets_alone() -> None:
    found = sensor()
    assert (found.name, found.default_status) == ("refresh", dg.DefaultSensorStatus.RUNNING)
    assert found.minimum_interval_seconds == 30
    assert sensor(1_000).minimum_interval_seconds == 125
    assert found.emit_backfills

    @dg.multi_asset(specs=[dg.AssetSpec(["datasets", "mine"]), dg.AssetSpec(["shop", "orders"])])
    def some(): ...

    graph = dg.Definitions(assets=[some]).resolve_asset_graph()
    assert found.asset_selection.resolve(graph) == {dataset_key("mine")}


def test_many_partitions_are_one_backfill_of_few_runs(make: Make) -> None:
    by_month = BY_MONTH.replace("2024-02", "2023-01")
    world = make(text(1, "one", by_month, UPSTREAM), text(2, "monthly", by_month, UPSTREAM), published=False)
    for month in range(1, 13):
        world.publish("d1", f"2023-{month:02}", "v1")
    result = dg.evaluate_automation_conditions(
        world.definitions, world.instance, sensor().asset_selection, world.now
    )
    graph = world.definitions.resolve_asset_graph()
    subsets = [each.true_subset for each in result.results if not each.true_subset.is_empty]
    requests = build_run_requests(subsets, graph, {}, sensor().emit_backfills)
    [backfill] = [each for each in requests if each.requires_backfill_daemon()]
    [single] = [each for each in requests if not each.requires_backfill_daemon()]
    assert backfill.asset_graph_subset
    ranges = backfill.asset_graph_subset.get_partitions_subset(dataset_key("d1"))
    assert len(ranges) == 13
    assert single.partition_key == "2024-05"
    policy = graph.get(dataset_key("d1")).backfill_policy
    assert policy == dg.BackfillPolicy.single_run(), "one run for each range without a gap"
