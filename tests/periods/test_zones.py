"""Python and DuckDB use the same time zone rules: all offsets are compared."""

import copy
import pickle
import struct
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp

from dataset_assets.periods.families import StandardCalendar
from dataset_assets.periods.zones import find_zone, known_zones
from dataset_assets.sql.build import text
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.sql.nodes import ClockTime

FIRST = datetime(1990, 1, 1, tzinfo=UTC)
END = datetime(2041, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=28)
SECOND = timedelta(seconds=1)
DIFFERENT = f"""
WITH instants AS (
  SELECT name, begin FROM rules
  UNION SELECT name, begin - INTERVAL 1 SECOND FROM rules WHERE begin > TIMESTAMPTZ '{FIRST}'
  UNION ALL SELECT name, begin FROM (SELECT DISTINCT name FROM rules)
    CROSS JOIN generate_series(TIMESTAMPTZ '{FIRST}', TIMESTAMPTZ '{END}', INTERVAL 14 DAY) series(begin))
SELECT instants.name, instants.begin FROM instants ASOF JOIN rules
  ON instants.name = rules.name AND instants.begin >= rules.begin
WHERE CAST(epoch(timezone(instants.name, instants.begin)) - epoch(instants.begin) AS BIGINT) <> rules.shift
"""
"""Where DuckDB's offset is another one: at each change, a second before it, and every other week."""


def seconds(zone, instant):
    shift = instant.astimezone(zone).utcoffset()
    assert shift is not None
    return int(shift.total_seconds())


def file_of(name):
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def listed(file):
    """The changes that a zone's file lists, by the second block of TZif (RFC 9636)."""
    utc, standard, leaps, times, types, letters = struct.unpack(">6l", file[20:44])
    second = 44 + times * 5 + types * 6 + letters + leaps * 8 + standard + utc
    (times,) = struct.unpack(">l", file[second + 32 : second + 36])
    return [
        datetime.fromtimestamp(at, UTC)
        for at in struct.unpack(f">{times}q", file[second + 44 : second + 44 + times * 8])
        if FIRST.timestamp() < at < END.timestamp()
    ]


def ruled(zone, first):
    """The changes that a zone's rule makes after the last that is listed: two a year, found by halves."""
    at = first
    while at < END:
        low, high = at, at + MONTH
        shift = seconds(zone, low)
        if shift != seconds(zone, high):
            while high - low > SECOND:
                middle = low + (high - low) // 2 // SECOND * SECOND
                low, high = (middle, high) if seconds(zone, middle) == shift else (low, middle)
            yield high
        at += MONTH


def changes(file):
    """The instants of a zone's changes, and its offset from each of them on, in seconds."""
    zone = ZoneInfo.from_file(BytesIO(file))
    known = [FIRST, *listed(file)]
    return [(at, seconds(zone, at)) for at in sorted({*known, *ruled(zone, known[-1])})]


def rules():
    """The changes of every zone, by its name; many names share a file."""
    found: dict[bytes, list[tuple[datetime, int]]] = {}
    rows = []
    for name in sorted(known_zones()):
        file = file_of(name)
        found[file] = found.get(file) or changes(file)
        rows += [(name, *change) for change in found[file]]
    return pa.table(dict(zip(("name", "begin", "shift"), zip(*rows, strict=True), strict=True)))


def test_duckdb_has_the_same_rules_for_every_zone_from_1990_to_2040():
    expected = rules()
    assert len(expected) > 20_000
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rules", expected)
        assert connection.execute(DIFFERENT).fetchall() == []


def test_the_rules_of_the_machine_are_not_read(monkeypatch, tmp_path):
    """A machine whose zone Edmonton has the rules of Tokyo has no effect."""
    edmonton = tmp_path / "America" / "Edmonton"
    edmonton.parent.mkdir()
    edmonton.write_bytes(file_of("Asia/Tokyo"))
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
def test_an_unknown_zone_is_refused(name):
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
    """A local time that occurs twice is read as the first of the two, as Python does."""
    clock = ClockTime(this=exp.cast(text(local), "TIMESTAMP"), zone=text(zone))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(DUCKDB.render(exp.select(exp.cast(clock, "VARCHAR")))).fetchall()
    assert found == [(f"{instant}+00",)]
    python = datetime.fromisoformat(local).replace(tzinfo=find_zone(zone)).astimezone(UTC)
    assert f"{python:%Y-%m-%d %H:%M:%S}" == instant
