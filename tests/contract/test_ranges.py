"""`check` refuses dates, days and zones that would fail in a run or select nothing."""

# ruff: noqa: E501 - a table of a change and the expected message

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from dataset_assets.adapters.shared.sizes import MemoryAmount
from dataset_assets.catalog.validation import validate_folder

FILE = """\
dataset:
  name: Lines
  owner: ana
  main_table:
    name: lines
    columns:
      - {{name: u, type: integer}}
      - {{name: ts, type: timestamp}}
  column_mapping: {{user_id: u, product_id: u, timestamp: ts}}
  filters: {{date_range: {range}}}
  split_config: {{strategy: time_based, {days}}}
{more}
"""
ROLLING = "{{type: rolling, months: {}}}"
FIXED = "{{type: fixed, start_date: {}, end_date: {}}}"


def fault_texts(tmp_path: Path, window: str, days: str, more: str = "") -> list[str]:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "users.yaml").write_text("users: {ana: {team: data}}\n")
    (tmp_path / "datasets" / "lines.yaml").write_text(FILE.format(range=window, days=days, more=more))
    return [str(fault) for fault in validate_folder(tmp_path).faults]


MONTHLY = "  partitions: {period: month, start: 2017-07}"
QUARTERLY = "  partitions: {period: quarter, start: 2017-Q3}"
WRONG = {
    "days beyond the window": (ROLLING.format(6), "eval_days: 400", MONTHLY, "eval_days 400 leave nothing"),
    "all of the shortest window": (ROLLING.format(6), "eval_days: 181", "", "only 181 days"),
    "the sum of three": (ROLLING.format(1), "eval_days: 10, gap_days: 9, test_days: 9", MONTHLY, "only 28 days"),
    "a month of a quarter's end": (ROLLING.format(1), "eval_days: 30", QUARTERLY, "only 30 days"),
    "all of a fixed range": (FIXED.format("2017-01-01", "2017-01-14"), "eval_days: 14", "", "which has 14 days"),
    "days that no calendar has": (ROLLING.format(6), "eval_days: 800000", "", "must be at most 36500"),
    "test days": (ROLLING.format(6), "eval_days: 1, test_days: 800000", "", "must be at most 36500"),
    "gap days": (ROLLING.format(6), "eval_days: 1, gap_days: 800000", "", "must be at most 36500"),
    "the last date": (FIXED.format("2017-01-01", "9999-12-31"), "eval_days: 1", "", "the years 1001 to 9997"),
    "the first date": (FIXED.format("0001-01-01", "2017-01-01"), "eval_days: 1", "", "the years 1001 to 9997"),
    "a Period too late": (ROLLING.format(6), "eval_days: 1", MONTHLY.replace("2017", "9999"), "is not a Period"),
    "a Period too early": (ROLLING.format(6), "eval_days: 1", MONTHLY.replace("2017", "0999"), "is not a Period"),
}  # fmt: skip
RIGHT = {
    "all but a day": (ROLLING.format(6), "eval_days: 180", ""),
    "a month of a quarter's end": (ROLLING.format(1), "eval_days: 29", QUARTERLY),
    "a fixed range": (FIXED.format("2017-01-01", "2017-01-14"), "eval_days: 13", ""),
    "the last year": (FIXED.format("1001-01-01", "9997-12-31"), "eval_days: 36500", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_would_fail_or_select_nothing_are_one_fault(tmp_path, case):
    window, days, more, expected = WRONG[case]
    (fault,) = fault_texts(tmp_path, window, days, more)
    assert expected in fault
    assert "lines.yaml:" in fault


@pytest.mark.parametrize("case", RIGHT)
def test_a_split_that_leaves_a_day_to_train_on_is_no_fault(tmp_path, case):
    window, days, more = RIGHT[case]
    assert fault_texts(tmp_path, window, days, more) == []


AMOUNTS = ["1PB", "1PiB", "0GB", "1KB", "99999999999TB", "0.0001MB", "4 gb", "-1GB", ""]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_memory_that_duckdb_refuses_is_refused(amount):
    with pytest.raises(ValidationError):
        TypeAdapter(MemoryAmount).validate_python(amount)


@pytest.mark.parametrize("amount", ["1MB", "4GB", "512MiB", "1.5 GB", "1TiB"])
def test_memory_that_duckdb_accepts_is_accepted(amount):
    assert TypeAdapter(MemoryAmount).validate_python(amount) == amount


ZONES = ["localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/UTC", "Mars", "z" * 9_000]


@pytest.mark.parametrize("zone", ZONES)
def test_zones_that_no_engine_has_are_refused(tmp_path, zone):
    (tmp_path / "periods.yaml").write_text(f"calendars: {{standard: {{type: standard, zone: {zone}}}}}\n")
    (fault,) = fault_texts(tmp_path, ROLLING.format(6), "eval_days: 1")
    assert "is not a time zone" in fault
    assert len(fault) < 400
