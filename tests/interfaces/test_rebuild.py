"""Tests the command `rebuild`: what it prints and writes, and its exit codes."""

import json

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from tests.interfaces.conftest import write_tables
from tests.interfaces.running import run_ok, run_refused

pytestmark = pytest.mark.usefixtures("retailer")
REBUILD = ("rebuild", "sales", "--version", "1", "--partition", "2017-03")


def publish():
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--partition", "2017-03")


def test_it_prints_equal_digests():
    publish()
    answer = run_ok(*REBUILD)
    digests = [line.split()[-1] for line in answer.out.splitlines() if "digest" in line]
    assert len(digests) == 2
    assert digests[0] == digests[1]
    assert "equal digests" in answer.err


def test_as_json():
    publish()
    found = json.loads(run_ok(*REBUILD, "--json").out)
    assert (found["dataset"], found["version"], found["period"], found["same"]) == (
        "sales",
        1,
        "2017-03",
        True,
    )
    assert found["digest"] == found["rebuilt_digest"]
    assert [each["source"] for each in found["sources"]] == ["retail/transactions", "datasets/profiles"]


def test_it_writes_the_rows_that_were_published(tmp_path):
    publish()
    run_ok("read", "sales", "--partition", "2017-03", "-o", str(tmp_path / "read.parquet"))
    run_ok(*REBUILD, "-o", str(tmp_path / "rebuilt.parquet"))
    read, rebuilt = (parquet.read_table(tmp_path / f"{name}.parquet") for name in ("read", "rebuilt"))
    order = [("basket_id", "ascending"), ("product_id", "ascending")]
    assert rebuilt.sort_by(order).to_pylist() == read.sort_by(order).to_pylist()
    run_ok(*REBUILD, "-o", str(tmp_path / "rebuilt.csv"))
    assert csv.read_csv(tmp_path / "rebuilt.csv").num_rows == read.num_rows


def test_a_changed_file_is_named_and_nothing_is_written(retailer, tmp_path):
    publish()
    write_tables(retailer / "data" / "retail", days=100)
    path = retailer / "data" / "retail" / "transactions.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.set_column(3, "sales_value", pa.array([1.0] * len(table))), path)
    said = run_refused(*REBUILD, "-o", str(tmp_path / "rebuilt.parquet"))
    assert "the rows of sales 2017-03 cannot be selected again: retail/transactions as of" in said
    assert "is gone since" in said
    assert not (tmp_path / "rebuilt.parquet").exists()


def test_mistakes_get_a_sentence():
    publish()
    assert "there is no dataset 'sale'" in run_refused("rebuild", "sale", "--version", "1")
    assert "hint" not in run_refused("rebuild", "sales", "--version", "1")
    assert "sales is published by Period; name one: 2017-03" in run_refused(
        "rebuild", "sales", "--version", "1"
    )
    assert "its publications have the versions 1" in run_refused(
        "rebuild", "sales", "--version", "2", "--partition", "2017-03"
    )
    assert "the suffix of" in run_refused(*REBUILD, "-o", "rows.txt")
