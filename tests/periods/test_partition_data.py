"""Dagster's time-window partitions of a cadence have the same keys and windows as the cadence."""

from datetime import UTC, datetime

import pytest
from dagster import TimeWindowPartitionsDefinition

from dataset_assets.periods.cadence import Calendars

CALENDARS = Calendars.model_validate(
    {
        "calendars": {
            "corporate": {
                "type": "fiscal",
                "start_month": 2,
                "year_label": "ending",
                "zone": "Europe/Berlin",
            },
            "shop": {"type": "retail", "zone": "America/New_York"},
            "cedar": {"type": "standard", "zone": "Asia/Beirut"},
        }
    }
)
SCHEDULES = {
    "day": "0 0 * * *",
    "week": "0 0 * * 1",
    "month": "0 0 1 * *",
    "quarter": "0 0 1 1,4,7,10 *",
    "year": "0 0 1 1 *",
    "corporate.day": "0 0 * * *",
    "corporate.month": "0 0 1 * *",
    "corporate.quarter": "0 0 1 2,5,8,11 *",
    "corporate.year": "0 0 1 2 *",
    "shop.day": "0 0 * * *",
    "shop.week": "0 0 * * 0",
    "shop.month": None,
    "shop.quarter": None,
    "shop.year": None,
}


@pytest.mark.parametrize(("name", "schedule"), SCHEDULES.items())
def test_schedules(name: str, schedule: str | None) -> None:
    assert CALENDARS.cadence(name).cron_schedule == schedule


@pytest.mark.parametrize(
    "name", [name for name in CALENDARS.cadences if CALENDARS.cadence(name).cron_schedule]
)
def test_dagster_computes_the_same_keys_and_windows(name: str) -> None:
    cadence = CALENDARS.cadence(name)
    first = cadence.containing(datetime(2020, 6, 1, tzinfo=UTC))
    expected = cadence.between(first, datetime(2024, 6, 1, tzinfo=UTC))
    partitions = TimeWindowPartitionsDefinition(
        start=first.key,
        fmt=cadence.fmt,
        cron_schedule=cadence.cron_schedule,
        timezone=cadence.zone.key,
        end=cadence.next(expected[-1]).key,
    )
    assert list(partitions.get_partition_keys()) == [period.key for period in expected]
    for period in expected[:: max(1, len(expected) // 50)]:
        window = partitions.time_window_for_partition_key(period.key)
        assert (window.start.timestamp(), window.end.timestamp()) == (
            period.start.timestamp(),
            period.end.timestamp(),
        )
