"""The last tick of a cron expression, as a search over all minutes finds it."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from dataset_assets.periods.cron import last_tick

EXPRESSIONS = {
    "0 6 * * *": lambda at: (at.hour, at.minute) == (6, 0),
    "*/5 * * * *": lambda at: at.minute % 5 == 0,
    "15 3 * * 1": lambda at: (at.hour, at.minute, at.isoweekday()) == (3, 15, 1),
    "0 12 13 * 5": lambda at: (at.hour, at.minute) == (12, 0) and (at.day == 13 or at.isoweekday() == 5),
    "0 0 1 */3 *": lambda at: (at.hour, at.minute, at.day) == (0, 0, 1) and at.month % 3 == 1,
    "30 23 * * 0,sat": lambda at: (at.hour, at.minute) == (23, 30) and at.isoweekday() in (6, 7),
    "0 8-10/2 * * 7": lambda at: at.hour in (8, 10) and at.minute == 0 and at.isoweekday() == 7,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_last_tick_is_the_last_minute_that_the_expression_names(expression: str) -> None:
    random = Random(expression)
    for zone in map(ZoneInfo, ("UTC", "Asia/Tokyo")):
        now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(86_400 * 700))
        minute = now.replace(second=0)
        while not EXPRESSIONS[expression](minute.astimezone(zone)):
            minute -= timedelta(minutes=1)
        assert last_tick(expression, zone, now) == minute


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-03-31T00:59", "2024-03-30T01:30"),
        ("2024-03-31T01:00", "2024-03-31T01:00"),
        ("2024-10-27T00:29", "2024-10-26T00:30"),
        ("2024-10-27T00:30", "2024-10-27T00:30"),
        ("2024-10-27T01:40", "2024-10-27T00:30"),
    ],
)
def test_a_skipped_time_ticks_after_the_skip_and_a_repeated_one_once(now: str, expected: str) -> None:
    """There is no 2:30 on 31 March in Berlin, and there are two on 27 October."""
    found = last_tick(
        "30 2 * * *", ZoneInfo("Europe/Berlin"), datetime.fromisoformat(now).replace(tzinfo=UTC)
    )
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_day_that_is_rare_is_found() -> None:
    assert last_tick("0 0 29 2 *", ZoneInfo("UTC"), datetime(2104, 2, 28, tzinfo=UTC)) == datetime(
        2096, 2, 29, tzinfo=UTC
    )
    assert last_tick("0 0 31 2 1", ZoneInfo("UTC"), datetime(2024, 2, 28, tzinfo=UTC)) is not None
