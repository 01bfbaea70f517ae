"""The commands `tables` and `describe`: what they print, their JSON, their cost, and wrong names."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run_ok, run_refused

GIB = 1024**3


def test_tables_lists_what_a_dataset_can_read(retailer):
    parquet.write_table(pa.table({"a": [1]}), retailer / "data" / "retail" / "order lines.parquet")
    (retailer / "data" / "retail" / "torn.parquet").write_bytes(b"PAR1 no more")
    answer = run_ok("tables")
    assert "households" in answer.out
    assert "360" in answer.out
    assert (
        "retail/order lines: is no name that a dataset can use; give it a name in the target: "
        "`tables: {<name>: {location: 'order lines.parquet'}}` of resolver 'retail'" in answer.err
    )
    assert "retail/torn: " in answer.err
    found = json.loads(run_ok("tables", "--json").out)
    assert found["problems"] == []
    by_name = {each["name"]: each for each in found["tables"]}
    assert list(by_name) == ["households", "order lines", "torn", "transactions"]
    households = by_name["households"]
    assert (households["row_count"], households["columns"]) == (3, ["household_id", "income", "town"])
    assert (households["resolver"], households["problem"]) == ("retail", "")
    assert by_name["torn"]["problem"]


def test_a_store_that_cannot_be_listed_is_said_and_stops_no_other(retailer):
    target = retailer / "local.yaml"
    target.write_text(f"{target.read_text()}    gone: {{type: csv, root: ./nowhere}}\n")
    answer = run_ok("tables")
    assert "transactions" in answer.out
    assert "resolver 'gone': the root" in answer.err
    assert "did you mean 'gone'?" in run_refused("tables", "--resolver", "gane")


@pytest.mark.usefixtures("retailer")
def test_describe_shows_no_value_of_a_sensitive_column():
    answer = run_ok("describe", "households", "--stats")
    assert "-secret" not in answer.out
    assert "Jena" in answer.out
    assert "\x1b" not in answer.out
    found = json.loads(run_ok("describe", "households", "--stats", "--json").out)
    assert found["columns"]["income"] == {
        "type": "VARCHAR", "declare_as": "string", "sensitive": True, "problem": "", "cardinality": 2,
        "null_percent": 100 / 3, "min": None, "max": None, "mean": None, "median": None, "sample_values": [],
    }  # fmt: skip
    assert (found["table"], found["resolver"], found["row_count"]) == ("households", "retail", 3)
    assert found["columns"]["household_id"]["median"] == 2


def test_a_column_that_cannot_be_measured_spoils_no_other(retailer):
    rows = pa.table({"a": [1.5, float("nan")], "b": [1, 2], "c": [[1], [2]]})
    parquet.write_table(rows, retailer / "data" / "retail" / "odd.parquet")
    answer = run_ok("describe", "odd", "--stats")
    assert "a: " in answer.err
    found = json.loads(run_ok("describe", "odd", "--stats", "--json").out)["columns"]
    assert (found["a"]["cardinality"], bool(found["a"]["problem"])) == (None, True)
    assert (found["b"]["max"], found["b"]["problem"]) == (2, "")
    assert (found["c"]["declare_as"], found["c"]["cardinality"]) == (None, None)


@pytest.mark.usefixtures("retailer")
def test_wrong_names_get_a_sentence():
    assert "did you mean 'transactions'?" in run_refused("describe", "transaction")
    assert "has no resolver 'retial'; did you mean 'retail'?" in run_refused("describe", "retial/x")
    assert "has no table 'retail/../../local'" in run_refused("describe", "retail/../../local")


def test_bytes_are_said_before_they_are_read(cloud: Cloud):
    run_ok("tables")
    run_ok("describe", "transactions")
    assert cloud.billed() == [], "metadata costs nothing"
    cloud.reads({"transactions": 3 * GIB})
    answer = run_ok("describe", "transactions", "--stats")
    assert answer.err.startswith("reads 3.0 GiB, which are billed\n")
    assert "basket_id" in answer.out


def test_a_description_over_the_budget_reads_nothing(cloud: Cloud):
    cloud.reads({"transactions": 9 * GIB})
    said = run_refused("describe", "transactions", "--stats")
    assert "the query would read 9.0 GiB, 1.0 GiB over the limit of 8.0 GiB" in said
    assert cloud.billed() == []


@pytest.mark.usefixtures("cloud")
def test_tables_of_another_engine_are_read_by_it():
    found = json.loads(run_ok("tables", "--json").out)["tables"]
    assert {each["resolver"] for each in found} == {"retail", "files"}
    described = json.loads(run_ok("describe", "files/households", "--stats", "--json").out)
    assert (described["row_count"], described["columns"]["town"]["cardinality"]) == (3, 3)


CSV = """\
id,code,price,day,at,flag,odd day,note,empty,big
1,007,1.50,2026-01-31,2026-01-31T10:00:00Z,true,2026-02-31,,,99999999999999999999
-2,12,3,2026-02-01,2026-02-01 11:00:00,false,2026-02-01,x,,1
"""


def test_types_to_declare_are_found_in_the_texts_of_a_csv_file(retailer):
    folder = retailer / "data" / "files"
    folder.mkdir()
    (folder / "visits.csv").write_text(CSV)
    (folder / "none.csv").write_text("a,b\n")
    (folder / "hollow.csv").write_text("\n")
    target = retailer / "local.yaml"
    target.write_text(f"{target.read_text()}    lists: {{type: csv, root: ./data/files}}\n")
    found = json.loads(run_ok("describe", "lists/visits", "--stats", "--json").out)
    assert {name: each["declare_as"] for name, each in found["columns"].items()} == {
        "id": "integer", "code": "string", "price": "decimal", "day": "date", "at": "timestamp",
        "flag": "boolean", "odd day": "string", "note": "string", "empty": "string", "big": "string",
    }  # fmt: skip
    assert found["columns"]["price"]["max"] == "3"
    assert found["columns"]["at"]["min"] == "2026-01-31T10:00:00+00:00"
    assert {each["problem"] for each in found["columns"].values()} == {""}
    assert found["row_count"] == 2
    empty = json.loads(run_ok("describe", "lists/none", "--stats", "--json").out)
    assert (empty["row_count"], [each["declare_as"] for each in empty["columns"].values()]) == (
        0,
        ["string"] * 2,
    )
    assert json.loads(run_ok("describe", "lists/hollow", "--stats", "--json").out)["columns"] == {}
