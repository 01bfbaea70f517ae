"""Periods and rows follow one set of zone rules: Python's and DuckDB's offsets are compared, all of them."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from dataset_assets.periods.families import StandardCalendar
from dataset_assets.periods.zones import find_zone, known_zones
from dataset_assets.sql.build import text
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.sql.nodes import ClockTime

FIRST = datetime(1990, 1, 1, tzinfo=UTC)
STEP = timedelta(hours=12)
STEPS = (datetime(2041, 1, 1, tzinfo=UTC) - FIRST) // STEP
CHANGES = f"""
SELECT step, shift FROM (
  SELECT step, shift, LAG(shift) OVER (ORDER BY step) AS before FROM (
    SELECT step, CAST(epoch(timezone($zone, instant)) - epoch(instant) AS BIGINT) AS shift FROM (
      SELECT step, TIMESTAMPTZ '{FIRST.isoformat()}' + INTERVAL 12 HOUR * step AS instant
      FROM range({STEPS}) steps(step))))
WHERE before IS NULL OR before <> shift ORDER BY step
"""


def changes(zone):
    """The steps at which the zone's offset from UTC changes, and the offset in seconds."""
    found: list[tuple[int, int]] = []
    before = None
    for step in range(STEPS):
        shift = (FIRST + STEP * step).astimezone(zone).utcoffset()
        if shift is not None and shift != before:
            found.append((step, int(shift.total_seconds())))
            before = shift
    return found


def test_duckdb_has_the_same_rules_for_every_zone_from_1990_to_2040():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        different = [
            name
            for name in sorted(known_zones())
            if connection.execute(CHANGES, {"zone": name}).fetchall() != changes(find_zone(name))
        ]
    assert different == []


def test_the_rules_of_the_machine_are_not_read(monkeypatch, tmp_path):
    """A machine whose Edmonton keeps the time of Tokyo changes nothing."""
    edmonton = tmp_path / "America" / "Edmonton"
    edmonton.parent.mkdir()
    import tzdata  # noqa: PLC0415 - this test alone reads the package's own files

    tokyo = next(iter(tzdata.__path__)) + "/zoneinfo/Asia/Tokyo"
    with open(tokyo, "rb") as file:  # noqa: PTH123
        edmonton.write_bytes(file.read())
    monkeypatch.setattr("zoneinfo.TZPATH", (str(tmp_path),))
    find_zone.cache_clear()
    winter = datetime(2020, 1, 1, tzinfo=UTC)
    assert winter.astimezone(find_zone("America/Edmonton")).utcoffset() == timedelta(hours=-7)


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kathmandu", "UTC"])
def test_a_zone_is_one_object_wherever_it_comes_from(name):
    zone = find_zone(name)
    assert StandardCalendar(zone=name).zone is StandardCalendar(zone=ZoneInfo(name)).zone is zone
    assert pickle.loads(pickle.dumps(zone)) is copy.deepcopy(zone) is zone
    assert (zone == ZoneInfo(name), zone.key, str(zone)) == (True, name, name)
    assert hash(zone) == hash(find_zone(name))


@pytest.mark.parametrize(
    "name", ["", "europe/berlin", "../UTC", "/etc/localtime", "localtime", "Mars/Base", "EST "]
)
def test_what_the_package_does_not_have_is_refused(name):
    with pytest.raises(ValueError, match="is not a time zone"):
        find_zone(name)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Berlin", "2024-03-31 02:00:00", "2024-03-31 01:00:00"),
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00"),
        ("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00"),
        ("America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:30:00"),
        ("America/Sao_Paulo", "2018-11-04 00:30:00", "2018-11-04 03:30:00"),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", "2024-10-05 15:45:00"),
        ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 00:30:00"),
    ],
)
def test_a_local_time_that_is_skipped_is_read_by_the_offset_from_before(zone, local, instant):
    """And one that is there twice as the first of the two; Python reads both in the same way."""
    clock = ClockTime(this=exp.cast(text(local), "TIMESTAMP"), zone=text(zone))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(DUCKDB.render(exp.select(exp.cast(clock, "VARCHAR")))).fetchall()
    assert found == [(f"{instant}+00",)]
    python = datetime.fromisoformat(local).replace(tzinfo=find_zone(zone)).astimezone(UTC)
    assert f"{python:%Y-%m-%d %H:%M:%S}" == instant
