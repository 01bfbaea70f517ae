"""`compare`: published rows by identity, of versions, Periods, datasets and targets."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.interfaces.conftest import PROFILES, SALES, TARGET
from tests.interfaces.running import run, run_ok, run_refused

DIFFERENT = 3


def change(retailer: Path, edit: Callable[[list[dict[str, Any]]], None]) -> None:
    """Rewrite the table of transactions with changed rows."""
    path = retailer / "data" / "retail" / "transactions.parquet"
    stored = parquet.read_table(path)
    rows = stored.to_pylist()
    edit(rows)
    parquet.write_table(pa.Table.from_pylist(rows, stored.schema), path)


def edit(rows: list[dict[str, Any]]) -> None:
    """Change two sales of February, remove one and add one."""
    rows[150]["sales_value"] = 99.5
    rows[120]["sales_value"], rows[120]["household_id"] = None, 2
    rows.append(rows[160] | {"basket_id": 9999})
    del rows[130]


def compared(*arguments: str, code: int = DIFFERENT) -> dict[str, Any]:
    answer = run("compare", *arguments, "--json")
    assert answer.code == code, answer.err
    return json.loads(answer.out)


def counts(found: dict[str, Any]) -> list[int]:
    return [found[each]["rows"] for each in ("same", "added", "removed", "changed")]


@pytest.fixture
def refreshed(retailer) -> Path:
    """The retailer with two months of sales, of which February was published again with changes."""
    publish_twice(retailer)
    return retailer


def publish_twice(retailer: Path) -> None:
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    change(retailer, edit)
    run_ok("materialize", "sales", "--partition", "2017-02")


@pytest.mark.usefixtures("refreshed")
def test_the_last_version_is_compared_with_the_one_before():
    found = compared("sales")
    assert found["identified_by"] == "natural_key"
    assert found["key"] == ["_period", "basket_id", "product_id"]
    assert counts(found) == [351, 1, 1, 2]
    assert found["added"]["percent"] == round(100 / 354, 4)
    by_name = {each["name"]: each for each in found["columns"]}
    assert {name: each["changed"]["rows"] for name, each in by_name.items() if each["changed"]["rows"]} == {
        "user_id": 1, "revenue": 2, "household__income": 1, "household__town": 1,
    }  # fmt: skip
    (example,) = by_name["user_id"]["examples"]
    assert example["before"]["user_id"], example["after"]["user_id"] == (1, 2)
    assert set(example["before"]) == {"_period", "basket_id", "product_id", "user_id"}
    assert found["examples"]["added"][0]["after"]["basket_id"] == 9999
    assert found["examples"]["added"][0]["before"] is None
    assert "secret" not in json.dumps(found)
    assert found["changes"] == []


@pytest.mark.usefixtures("refreshed")
def test_a_comparison_is_printed_and_its_exit_code_says_whether_rows_differ():
    answer = run("compare", "sales")
    assert answer.code == DIFFERENT
    for part in (
        "351",
        "1",
        "paired by  _period, basket_id, product_id",
        "99.5",
        "Examples of added rows",
        "9999",
    ):
        assert part in answer.out
    assert "secret" not in answer.out
    assert answer.err == "the rows are not equal\n"
    equal = run("compare", "sales", "--from", "@2", "--to", "@2")
    assert (equal.code, equal.err) == (0, "the rows are equal\n")


@pytest.mark.usefixtures("refreshed")
def test_periods_and_versions_are_named():
    february = compared("sales", "--from", "2017-02@1", "--to", "2017-02")
    assert counts(february) == [174, 1, 1, 2]
    assert february["key"] == ["basket_id", "product_id"]
    assert counts(compared("sales", "--from", "1")) == [351, 1, 1, 2]
    months = compared("sales", "--from", "2017-02", "--to", "2017-03")
    assert months["before"]["period"], months["after"]["period"] == ("2017-02", "2017-03")
    assert months["added"]["rows"] == months["removed"]["rows"] > 0
    assert counts(compared("sales", "--from", "2017-03@1", "--to", "2017-03", code=0)) == [177, 0, 0, 0]


@pytest.mark.usefixtures("refreshed")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["profiles"],
            "profiles was published once only; name what it is compared with: --from, --with or --to-target",
        ),
        (["sales", "--from", "1999-01"], "there is no publication of 1999-01"),
        (["sales", "--from", "@7"], "'sales' has no version 7; it has 0 to 2"),
        (["sales", "--from", "2017-02@x"], "names no publication; write it as PERIOD"),
        (["sales", "--with", "profiles"], "sales and profiles have no column in common"),
        (["nothing"], "nothing"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: list[str], said: str):
    assert said in run_refused("compare", *arguments)


def test_datasets_without_a_common_key_are_compared_by_content(refreshed):
    other = SALES.replace("01a2001c-5bae-7b91-b4bb-a18b13ce11ed", "01a2001c-5bae-7b91-b4bb-a18b13ce11ee")
    other = other.replace("  natural_key_columns: [basket_id, product_id]\n", "")
    other = other.replace("extra_columns: [", "extra_columns: [basket_id, ")
    (refreshed / "definitions" / "datasets" / "copies.yaml").write_text(other.replace("Sales", "Copies"))
    run_ok("materialize", "copies", "--partition", "2017-02")
    found = compared("sales", "--with", "copies", "--from", "2017-02", "--to", "2017-02", code=0)
    assert (found["identified_by"], counts(found)) == ("content", [177, 0, 0, 0])
    found = compared("sales", "--with", "copies", "--from", "2017-02@1", "--to", "2017-02")
    assert counts(found) == [174, 3, 3, 0]
    rows = compared("copies", "--from", "2017-02", "--to", "2017-02@0", code=0)
    assert (rows["identified_by"], counts(rows)) == ("row_id", [177, 0, 0, 0])


def test_targets_are_compared(refreshed):
    other = refreshed / "other.yaml"
    other.write_text(TARGET.replace("./warehouse", "./other_warehouse"))
    shutil.copytree(refreshed / "warehouse", refreshed / "other_warehouse")
    equal = compared("sales", "--to-target", str(other), code=0)
    assert counts(equal) == [354, 0, 0, 0]
    assert (equal["before"]["target"], equal["after"]["target"]) == ("local", "other")
    found = compared("sales", "--from", "@1", "--to-target", str(other))
    assert counts(found) == [351, 1, 1, 2]


def test_a_changed_structure_is_said(refreshed):
    path = refreshed / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(PROFILES.replace("- {name: town, type: string}\n", ""))
    run_ok("materialize", "profiles")
    found = compared("profiles")
    assert counts(found) == [3, 0, 0, 0]
    assert found["equal"] is False
    (town,) = [each for each in found["columns"] if each["name"] == "town"]
    assert (town["type_before"], town["type_after"], town["changed"]) == ("string", None, None)
    assert found["kind"] == "breaking"
    assert "no such column" in run("compare", "profiles").out


@pytest.mark.usefixtures("refreshed")
def test_rows_that_are_deleted_by_hand_are_removed():
    run_ok("rows", "delete", "sales", "--partition", "2017-02", "--where", "revenue = 1.25")
    found = compared("sales")
    deleted = found["removed"]["rows"]
    assert deleted > 0
    assert counts(found) == [354 - deleted, 0, deleted, 0]
    assert found["after"]["row_count"] == 354 - deleted
    assert "_deleted" not in {each["name"] for each in found["columns"]}
    run_ok("rows", "label", "sales", "--partition", "2017-02", "--where", "revenue = 2.25", "--set", "a=b")
    labelled = compared("sales")
    assert counts(labelled) == [
        354 - deleted - labelled["changed"]["rows"],
        0,
        0,
        labelled["changed"]["rows"],
    ]
    assert {each["name"] for each in labelled["columns"] if each["changed"]["rows"]} == {"_labels"}


def test_columns_that_any_compared_period_marks_as_sensitive_are_masked(retailer):
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    path.write_text(
        SALES.replace("sales_value, type: decimal", "sales_value, type: decimal, sensitive: true")
    )
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--partition", "2017-02")
    path.write_text(SALES)
    run_ok("materialize", "sales", "--partition", "2017-03")
    change(retailer, edit)
    run_ok("materialize", "sales", "--partition", "2017-02")
    found = compared("sales", "--from", "@1")
    (revenue,) = [each for each in found["columns"] if each["name"] == "revenue"]
    assert (revenue["sensitive"], revenue["changed"]["rows"]) == (True, 2)
    assert {each[side]["revenue"] for each in revenue["examples"] for side in ("before", "after")} == {
        "(sensitive)"
    }
    assert "99.5" not in json.dumps(found)


def test_rows_are_compared_inside_bigquery(cloud):
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    changes = "CASE WHEN basket_id = 1150 THEN 99.5 ELSE sales_value END AS sales_value"
    cloud.put(
        "changed", f"SELECT * REPLACE ({changes}) FROM {cloud.place('transactions')} WHERE basket_id <> 1130"
    )
    cloud.put("transactions", f"SELECT * FROM {cloud.place('changed')}")
    run_ok("materialize", "sales", "--partition", "2017-02")
    found = compared("sales")
    assert counts(found) == [found["before"]["row_count"] - 2, 0, 1, 1]
    february = compared("sales", "--from", f"2017-02@{found['before']['table_version']}", "--to", "2017-02")
    assert counts(february) == [february["before"]["row_count"] - 2, 0, 1, 1]
    (revenue,) = [each for each in found["columns"] if each["changed"]["rows"]]
    assert revenue["examples"][0]["after"]["revenue"] == "99.5"
    cloud.put("transactions", f"SELECT * FROM {cloud.place('changed')} WHERE basket_id <> 1200")
    run_ok("materialize", "sales", "--partition", "2017-03")
    version = found["before"]["table_version"]
    both = compared("sales", "--from", f"@{version}")  # each Period was replaced at another time
    assert counts(both) == [found["before"]["row_count"] - 5, 0, 3, 2]
    some = compared("sales", "--from", f"2017-02@{version}", "--to", f"@{version}")
    assert counts(some)[2:] == [0, 0]
    assert some["added"]["rows"] == found["before"]["row_count"] - february["before"]["row_count"]
