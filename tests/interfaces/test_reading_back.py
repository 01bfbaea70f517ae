"""`read` returns exact values, NULLs and far dates, and writes to files, devices and links."""

import os
import stat
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pandas as pd
import pyarrow as pa
import pytest

from dataset_assets.errors import DataError, DatasetAssetsError
from dataset_assets.interfaces.cli.output_files import output_file
from dataset_assets.interfaces.frames import format_value, text_rows, to_pandas
from dataset_assets.interfaces.reading import read_arrow
from tests.interfaces.running import run_ok, run_refused

BIG = 2**53 + 1


@pytest.fixture
def published(retailer):
    run_ok("materialize", "profiles")
    return retailer


def test_a_frame_has_the_values_of_the_table():
    labels = pa.list_(pa.struct({"key": pa.string(), "value": pa.string()}))
    table = pa.table(
        {
            "_labels": pa.array([[{"key": "k", "value": "v"}], []], labels),
            "whole": pa.array([BIG, 1]),
            "code": pa.array([BIG, None]),
            "gift": pa.array([True, None]),
            "due": pa.array([date(9999, 12, 31), None]),
            "at": pa.array(
                [datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), None], pa.timestamp("us", "UTC")
            ),
            "price": pa.array([Decimal("0.1"), None], pa.decimal128(38, 9)),
        }
    )
    frame = to_pandas(table)
    assert list(frame.columns) == table.column_names
    kinds = [str(kind) for kind in frame.dtypes]
    assert kinds == ["object", "int64", "Int64", "boolean", "object", "datetime64[us, UTC]", "object"]
    assert frame.loc[0, "_labels"] == {"k": "v"}
    assert frame["whole"][0] == BIG
    assert frame["code"][1] is pd.NA
    assert frame["code"][0] == BIG
    assert frame["due"][0] == date(9999, 12, 31)
    assert frame["at"][0].isoformat() == "9999-12-31T23:59:59.999999+00:00"
    assert frame["price"][0] == Decimal("0.1")


def test_floats_are_the_nearest_ones():
    random = Random(1)
    exact = [Decimal(random.randint(-(10**25), 10**25)).scaleb(-9) for _ in range(2000)]
    frame = to_pandas(pa.table({"a": pa.array([*exact, None], pa.decimal128(38, 9))}), "float")
    assert frame["a"].tolist()[:-1] == [float(each) for each in exact]
    assert pd.isna(frame["a"].iloc[-1])


def test_years_that_python_does_not_have():
    far = pa.table(
        {
            "due": pa.array([2932897, None], pa.date32()),
            "at": pa.array([253402300800000000, None], pa.timestamp("us", "UTC")),
        }
    )
    assert [row[0] for row in text_rows(far)] == ["10000-01-01", "NULL"]
    assert str(to_pandas(far.select(["at"]))["at"][0]) == "10000-01-01 00:00:00+00:00"
    with pytest.raises(DataError, match="due: a date is outside of the years 1 to 9999"):
        to_pandas(far)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"), ("", "''"), ("NULL", "'NULL'"), (" ", "' '"), ("None", "None"), ("null", "null"),
        (Decimal("12345678901234567890123456789.123456789"), "12345678901234567890123456789.123456789"),
        (Decimal("1.500000000"), "1.5"), (Decimal("100.000000000"), "100"), (Decimal("0E-9"), "0"),
        (datetime(2024, 1, 31, 23, 59, 59, 999999, UTC), "2024-01-31T23:59:59.999999Z"),
        ([{"key": "ä", "value": "1"}], '{"ä": "1"}'), (True, "True"), (date(1, 1, 1), "0001-01-01"),
    ],
)  # fmt: skip
def test_a_value_on_the_screen(value, text):
    assert format_value(value) == text


@pytest.mark.usefixtures("published")
def test_a_version_that_is_far_away_is_refused_at_once():
    for version in (2**63 - 1, 10**20, 1):
        assert "'profiles' has no version" in run_refused("read", "profiles", "--version", str(version))
    with pytest.raises(DatasetAssetsError, match="no version -1; it has 0 to 0"):
        read_arrow("profiles", version=-1)


@pytest.mark.usefixtures("published")
def test_what_no_file_defines_is_read_from_the_warehouse(monkeypatch, tmp_path):
    (tmp_path / "definitions" / "datasets" / "profiles.yaml").rename(tmp_path / "profiles.yaml")
    answer = run_ok("read", "profiles")
    assert "Ulm" in answer.out
    assert "secret" not in answer.out
    assert "there is no dataset 'nope'" in run_refused("read", "nope")
    assert "there is no dataset '../profiles'" in run_refused("read", "../profiles")
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(tmp_path / "nowhere"))
    assert read_arrow("profiles").num_rows == 3
    assert "there is no folder" in run_refused("read", "nope")


def test_links_and_modes_stay(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("before")
    real.chmod(0o640)
    link.symlink_to("real.csv")
    with output_file(link) as sink:
        sink.write(b"after")
    assert link.is_symlink()
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == ("after", 0o640)


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with output_file(pipe) as sink:
        sink.write(b"rows")
    reader.join(timeout=30)
    assert got == [b"rows"]
    assert pipe.is_fifo()


def test_a_failure_of_the_system_is_a_sentence(tmp_path):
    no_space = pytest.raises(DatasetAssetsError, match=r"out\.csv cannot be written: No space left")
    with no_space, output_file(tmp_path / "out.csv"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
