"""The commands `rows label`, `rows delete` and `rollback`, and the same in Python."""

import json

import pytest

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.row_changes import delete_rows, label_rows, roll_back
from tests.interfaces.running import run_ok, run_refused
from tests.interfaces.test_json import documented

pytestmark = pytest.mark.usefixtures("retailer")


@pytest.fixture
def rows() -> int:
    """Publish two months of sales, and return the number of rows of the first."""
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    return read_arrow("sales", partition="2017-02").num_rows


@pytest.mark.usefixtures("retailer", "rows")
def test_rows_are_labelled_and_read_by_their_labels() -> None:
    said = run_ok("rows", "label", "sales", "--where", "revenue >= 5", "--set", "seen=by ada", "--dry-run")
    assert "would be touched" in said.err
    assert read_arrow("sales", where="label('seen') IS NOT NULL").num_rows == 0
    told = json.loads(
        run_ok("rows", "label", "sales", "--where", "revenue >= 5", "--set", "seen=by ada", "--json").out
    )
    assert set(told) == documented("rows label")
    touched = sum(each["touched"] for each in told["periods"])
    assert read_arrow("sales", where="label('seen') = 'by ada'").num_rows == touched > 0
    assert label_rows("sales", where="revenue >= 5", set={"seen": "by ada"}).touched == 0
    assert label_rows("sales", where="label('seen') = 'by ada'", remove=["seen"]).touched == touched
    assert "no row touched" in run_ok("rows", "label", "sales", "--where", "revenue < 0", "--set", "a=b").err


def test_deleted_rows_are_not_read_unless_asked_for(rows: int) -> None:
    every = read_arrow("sales", partition="2017-02", with_system=True).to_pylist()
    expected = sum(row["revenue"] >= 5 for row in every)
    assert 0 < expected < rows
    run_ok("rows", "delete", "sales", "--partition", "2017-02", "--where", "revenue >= 5")
    left = read_arrow("sales", partition="2017-02", with_system=True).to_pylist()
    assert left == [row for row in every if row["revenue"] < 5]
    both = read_arrow("sales", partition="2017-02", include_deleted=True)
    assert both.num_rows == rows
    visible = run_ok("read", "sales", "--partition", "2017-02", "--limit", "1")
    assert f"of {rows - expected:,} rows" in visible.err
    with_deleted = run_ok("read", "sales", "--partition", "2017-02", "--limit", "1", "--include-deleted")
    assert f"of {rows:,} rows" in with_deleted.err
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]
    assert (shown["row_count"], shown["deleted"]) == (rows - expected, expected)
    assert f"delete {expected:,} rows by " in run_ok("show", "sales", "--history").out
    run_ok("rollback", "sales", "--to", "1", "--partition", "2017-02")
    assert read_arrow("sales", partition="2017-02").num_rows == rows
    assert delete_rows("sales", where="revenue >= 5", partition="2017-02", dry_run=True).touched == expected
    assert roll_back("sales", to=1, partition="2017-02").touched == 0


@pytest.mark.usefixtures("retailer", "rows")
def test_mistakes_are_told_without_a_traceback() -> None:
    assert "--set 'seen' is not a label; write it as key=value" in run_refused(
        "rows", "label", "sales", "--where", "revenue > 1", "--set", "seen"
    )
    assert "sets no label and removes none" in run_refused("rows", "label", "sales", "--where", "revenue > 1")
    assert "where:1:1: there is no column 'revenu'" in run_refused(
        "rows", "delete", "sales", "--where", "revenu > 1"
    )
    assert "there is no publication of 2031-01" in run_refused(
        "rows", "delete", "sales", "--where", "revenue > 1", "--partition", "2031-01"
    )
    with pytest.raises(DatasetAssetsError, match="where"):
        delete_rows("sales", where=" ")
    assert "has no version 77" in run_refused("rollback", "sales", "--to", "77")
