"""Bytes: the estimate of a query, its budget, and what a run was billed for."""

import pytest

from tests.bigquery.emulator import PROJECT
from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run, run_ok, run_refused

GIB = 1024**3
SALES = ("sales", "--partition", "2017-03")


def facts(text: str) -> dict[str, str]:
    """Return name → value of output in two columns."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line[:1].strip())
    return {name: value.strip() for name, value in pairs}


@pytest.fixture
def published(cloud: Cloud) -> Cloud:
    """Publish the nested dataset, and let the month of the tests read 3 GiB."""
    run_ok("materialize", "profiles")
    cloud.reads({"transactions": 3 * GIB})
    cloud.proxy.requests.clear()
    return cloud


def scanned(cloud: Cloud) -> list[str]:
    """Return the jobs that read the main table and were no dry runs."""
    asked = (each for each in cloud.proxy.requests if each.place == "insert")
    return [each.labels["step"] for each in asked if ".`transactions`" in each.sql.replace(cloud.dataset, "")]


@pytest.mark.usefixtures("retailer")
def test_an_engine_that_bills_nothing_says_so():
    run_ok("materialize", "profiles")
    answer = run_ok("sql", *SALES, "--dry-run")
    assert facts(answer.out) == {"reads": "duckdb bills nothing for what it reads"}
    assert answer.err == "as of 2017-04-01T00:00:00Z, Period 2017-03\n"


def test_a_dry_run_runs_nothing(published: Cloud):
    answer = run_ok("sql", *SALES, "--dry-run")
    assert facts(answer.out) == {"reads": "3.0 GiB", "budget": "8.0 GiB for one query: it fits"}
    assert scanned(published) == []
    assert "dry_run" in {each.place for each in published.proxy.requests}


def test_a_dry_run_is_of_a_whole_run(published: Cloud):
    for option in (("--rows",), ("--split", "train"), ("--dialect", "duckdb")):
        answer = run("sql", *SALES, "--dry-run", *option)
        assert (answer.code, "--dry-run is of a whole run" in answer.err) == (2, True)
    assert published.proxy.requests == []


def test_a_run_over_its_budget_stops_before_it_reads(published: Cloud):
    published.target(engine=", budgets: {sales: 2GiB}")
    over = "the query would read 3.0 GiB, 1.0 GiB over the limit of 2.0 GiB; select less, or raise"
    assert over in run_refused("sql", *SALES, "--dry-run")
    said = run_refused("materialize", *SALES)
    assert over in said
    assert "running the query" not in said
    assert scanned(published) == []
    published.target(engine=", budgets: {profiles: 2GiB, sales: 3GiB}")
    run_ok("materialize", *SALES)
    assert "stage" in scanned(published)


def test_a_run_reports_the_bytes_it_read(published: Cloud):
    answer = run_ok("materialize", *SALES)
    found = facts(answer.out)
    assert found["cost"].startswith("estimated 3.0 GiB, billed ")
    assert found["cost"].endswith(" jobs")
    assert "sales 2017-03: running the query, which reads 3.0 GiB" in answer.err
    queries = [each.configuration["query"] for each in published.proxy.requests if each.sql]
    assert {query.get("maximumBytesBilled") for query in queries} == {None, str(8 * GIB)}  # None: dry runs
    published.proxy.requests.clear()
    told = facts(run_ok("sql", *SALES, "--dry-run").out)
    assert told["now"] == "a run reads nothing: query and sources are those of the publication there is"
    again = facts(run_ok("materialize", *SALES).out)
    assert again["cost"].startswith("estimated 0 bytes, billed 0 bytes for ")
    assert scanned(published) == []


def test_transferred_rows_are_reported(published: Cloud):
    published.target(routes="transactions: files")
    told = facts(run_ok("sql", *SALES, "--dry-run").out)
    assert told["reads"] == "0 bytes"
    assert told["moves"] == "transactions, which is not in there yet"
    found = facts(run_ok("materialize", *SALES).out)
    rows, _, size = found["moved"].partition(" rows, ")
    assert rows == "177", "no more than the rows of the window"
    assert size.endswith("KiB")
    assert facts(run_ok("sql", *SALES, "--dry-run").out)["now"].startswith("a run reads nothing")


def test_rows_transferred_out_of_bigquery_are_reported(published: Cloud):
    said = f'project: {PROJECT}, api_endpoint: "{published.proxy.rest}"'
    said += f', storage_endpoint: "{published.proxy.storage}"'
    (published.root / "local.yaml").write_text(
        f"""
target:
  engine: {{type: duckdb}}
  warehouse: {{type: delta, root: ./w}}
  default_resolver: cloud
  resolvers: {{cloud: {{type: bigquery, dataset: {published.dataset}, {said}}}}}
"""
    )
    run_ok("materialize", "profiles")
    told = facts(run_ok("sql", *SALES, "--dry-run").out)
    assert told["reads"] == "duckdb bills nothing for what it reads"
    assert told["moves"] == "transactions, which is not in there yet; its own store reads 3.0 GiB for it"
    assert facts(run_ok("materialize", *SALES).out)["moved"].startswith("177 rows, ")


def test_sql_names_the_tables_in_bigquery(published: Cloud):
    answer = run_ok("sql", *SALES)
    assert f"FROM {published.place('transactions')} AS transactions" in answer.out
    assert run_ok("sql", *SALES, "--dialect", "bigquery").out == answer.out
    assert "FROM transactions" in run_ok("sql", *SALES, "--dialect", "duckdb").out
