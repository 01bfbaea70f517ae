"""`read --where` and `read_arrow(where=...)`: the rows that satisfy a condition; faults with places."""

import json
from decimal import Decimal

import pytest

from dataset_assets.interfaces.reading import read_arrow
from tests.interfaces.running import run_ok, run_refused

CONDITION = "revenue >= 5 AND household__town <> 'Ulm' AND _period = '2017-02' AND NOT _deleted"


def publish() -> None:
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")


def satisfied(row: dict) -> bool:
    town = row["household__town"]
    return row["revenue"] >= Decimal(5) and town not in {None, "Ulm"} and row["_period"] == "2017-02"


@pytest.mark.usefixtures("retailer")
def test_read_where_reads_the_rows_that_satisfy_it():
    publish()
    every = read_arrow("sales", with_system=True).to_pylist()
    expected = [row for row in every if satisfied(row)]
    assert 0 < len(expected) < len(every)
    assert read_arrow("sales", where=CONDITION, with_system=True).to_pylist() == expected
    written = run_ok("read", "sales", "--where", CONDITION, "--columns", "revenue", "--format", "jsonl").out
    assert [json.loads(line)["revenue"] for line in written.splitlines()] == [
        f"{row['revenue'].normalize():f}" for row in expected
    ]
    shown = run_ok("read", "sales", "--where", CONDITION, "--limit", "3")
    assert f"3 of {len(expected):,} rows" in shown.err
    assert run_ok("read", "sales", "--where", "label('x') IS NOT NULL").err.startswith("0 of 0 rows")


@pytest.mark.usefixtures("cloud")
def test_read_where_reads_the_rows_of_bigquery_that_satisfy_it():
    publish()
    every = read_arrow("sales", with_system=True).to_pylist()
    expected = [row for row in every if row["revenue"] >= 5 and row["household__income"] in {"2", "3"}]
    assert 0 < len(expected) < len(every)
    where = "revenue >= 5 AND household__income IN ('2', '3') AND NOT _deleted"
    assert read_arrow("sales", where=where, with_system=True).to_pylist() == expected
    assert read_arrow("sales", where="label('x') IS NOT NULL").num_rows == 0


@pytest.mark.usefixtures("retailer")
def test_the_faults_of_a_condition_have_their_places():
    publish()
    said = run_refused("read", "sales", "--where", "revenu > 5 AND household__town = 3\nOR upper(x) = 'A'")
    assert [line.split(";")[0] for line in said.splitlines()] == [
        "where:1:1: there is no column 'revenu'",
        "where:1:34: `household__town` (string) is not comparable with 3 (integer)",
        "where:2:4: there is no function 'upper'",
    ]
