"""Automatic refreshes over several ticks, while definitions, sources and clocks change."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.assets.automation_fixtures import BY_MONTH, MONTHS, Automated, Make, of
from tests.assets.catalogs import TABLES, text

UPSTREAM = "refresh: {on: upstream}"
PAUSED = "refresh: {on: upstream, paused: true}"


def test_a_dataset_that_is_added_is_made_and_changes_nothing_for_the_others(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.write("d2", text(2, "monthly", BY_MONTH, UPSTREAM, nested=[1]))
    world.load()
    assert world.tick() == {("d2", "2024-05")}
    world.publish("d2", "2024-05", "x")
    assert world.tick() == set()


def test_a_dataset_that_nests_a_new_one_from_now_on_waits_for_it(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.write("d2", text(2, "monthly", BY_MONTH, UPSTREAM))
    world.write("d1", text(1, "monthly", BY_MONTH, UPSTREAM, nested=[2]))
    world.load()
    world.report("monthly", "2024-05", "v2")
    assert world.tick() == {("d2", "2024-05")}
    world.publish("d2", "2024-05", "x")
    assert world.tick() == {("d1", "2024-05")}


def test_a_renamed_file_is_another_dataset(make: Make) -> None:
    """Its stem is its name for machines (BR-131): under the new one nothing is published yet."""
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    folder = world.root / "datasets"
    (folder / "d1.yaml").rename(folder / "renamed.yaml")
    world.load()
    assert world.tick() == {("renamed", "2024-05")}


def test_in_the_middle_of_a_chain_a_paused_dataset_stops_it_and_holds_nobody_up(make: Make) -> None:
    world = make(
        text(1, "monthly", BY_MONTH, UPSTREAM),
        text(2, "one", BY_MONTH, PAUSED, nested=[1]),
        text(3, "two", BY_MONTH, UPSTREAM, nested=[2]),
    )
    world.report("monthly", "2024-04", "v2")
    assert world.tick() == {("d1", "2024-04")}
    world.publish("d1", "2024-04", "v2")
    assert world.tick() == set()
    world.report("two", None, "v2")
    assert of("d3", world.tick()) == MONTHS
    read = {key: world.read("d3", key) for key in MONTHS}
    world.publish("d2", "2024-04", "somebody made it by hand")
    for key in MONTHS:
        world.publish("d3", key, "v2", read[key])
    assert world.tick() == {("d3", "2024-04")}


def test_what_changed_while_the_sensor_was_off_is_made_when_it_is_on_again(make: Make) -> None:
    world = make(text(1, "monthly", BY_MONTH, UPSTREAM))
    world.report("monthly", "2024-03", "v2")
    world.report("monthly", "2024-04", "v2")
    world.report("monthly", "2024-04", "v1")
    assert of("d1", world.tick(days=3)) == ["2024-03"], "April is what it was"


@pytest.mark.parametrize(
    ("period", "start", "keys"),
    [
        ("day", "2024-02-25", ["2024-02-27", "2024-02-28", "2024-02-29"]),
        ("week", "2024-W01", ["2024-02-12", "2024-02-19"]),
        ("month", "2023-06", ["2023-12", "2024-01", "2024-02"]),
        ("quarter", "2022-Q1", ["2023-04-01", "2023-07-01", "2023-10-01"]),
        ("year", "2019", ["2021", "2022", "2023"]),
    ],
)
def test_lookback_counts_periods_however_long_they_are(
    make: Make, period: str, start: str, keys: list[str]
) -> None:
    lookback = len(keys) - 1
    partitions = f"partitions: {{period: {period}, start: {start}}}"
    refresh = f"refresh: {{on: upstream, lookback: {lookback}}}"
    now = datetime(2024, 3, 1, tzinfo=UTC)
    world = make(text(1, "one", partitions, refresh), published=False, now=now)
    assert of("d1", world.tick()) == keys


def test_twenty_four_months_back_are_twenty_four(make: Make) -> None:
    by_month = "partitions: {period: month, start: 2020-01}"
    world = make(text(1, "one", by_month, "refresh: {on: upstream, lookback: 24}"), published=False)
    found = of("d1", world.tick())
    assert (len(found), found[0], found[-1]) == (25, "2022-05", "2024-05")


@pytest.mark.parametrize(
    ("cron", "day", "ticks"),
    [
        ("30 2 * * *", datetime(2024, 3, 30, 12, tzinfo=UTC), 1),
        ("30 2 * * *", datetime(2024, 10, 26, 12, tzinfo=UTC), 1),
        ("0 6 * * *", datetime(2024, 3, 30, 12, tzinfo=UTC), 1),
    ],
)
def test_when_summer_time_begins_and_ends_a_daily_clock_ticks_once_a_day(
    tmp_path: Path, cron: str, day: datetime, ticks: int
) -> None:
    """There is no 2:30 on 31 March in Berlin, and there are two on 27 October."""
    world = Automated(tmp_path, TABLES, day)
    path = tmp_path / "periods.yaml"
    path.write_text(
        path.read_text().replace("{shop:", "{standard: {type: standard, zone: Europe/Berlin}, shop:")
    )
    world.write("d1", text(1, "one", f'refresh: {{cron: "{cron}"}}'))
    world.load()
    world.report("one", None, "v1")
    world.publish("d1", None, "v1")
    world.tick()
    requested = 0
    for hour in range(24):
        world.report("one", None, f"hour {hour}")
        requested += len(world.tick(hours=1))
    assert requested == ticks
