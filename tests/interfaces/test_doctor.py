"""`doctor` reports what exists and what is missing, with the role or command that fixes it."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import grpc
import pyarrow as pa
import pytest
from google.cloud import bigquery
from pyarrow import parquet

from dataset_assets.adapters.bigquery.access import table_findings
from dataset_assets.ports import access
from dataset_assets.ports.access import fine, note
from dataset_assets.ports.resolver import TableState
from tests.bigquery.emulator import once
from tests.interfaces.cloud import Cloud
from tests.interfaces.conftest import TARGET
from tests.interfaces.running import Answer, run, run_ok

HOUSEHOLDS = "table retail/households"


def lines(answer: Answer, state: str) -> dict[str, str]:
    """Return subject → text and hint of the findings of one state."""
    found: dict[str, str] = {}
    about = ""
    for line in answer.out.splitlines():
        told, text = line[:7].strip(), line[8:].strip()
        if told:
            about = ""
        if told == state:
            about, _, said = text.partition(": ")
            found[about] = f"{found[about]} | {said}" if about in found else said
        elif about:
            found[about] += f" -> {text}"
    return found


def missing(*arguments: str) -> dict[str, str]:
    """Run `doctor`, check exit code 1 and the count at the end, and return what is missing."""
    answer = run("doctor", *arguments)
    found = lines(answer, "missing")
    count = sum(1 + said.count(" | ") for said in found.values())
    assert answer.code == 1
    assert answer.err.strip() == ("one thing is missing" if count == 1 else f"{count} things are missing")
    return found


def test_all_is_well_in_bigquery(cloud: Cloud):
    cloud.put("households", "SELECT n AS household_id, '' AS income, '' AS town FROM UNNEST([1, 2]) AS n")
    cloud.reads({"transactions": 3 * 1024**3})
    run_ok("materialize", "profiles")
    answer = run_ok("doctor")
    assert lines(answer, "missing") == {}
    found = lines(answer, "ok")
    assert found["credentials"] == "none are sent to an address on this machine"
    assert found["project test-project"] == "jobs may run"
    assert found[f"warehouse test-project.{cloud.dataset}"] == "in US"
    assert found[f"tables of {cloud.dataset}"] == "may be made, written, read, changed and removed"
    assert found["Storage Read API"] == "rows may be read in bulk"
    assert found["table retail/transactions"].startswith("table, 360 rows, modified 20")
    assert found["dataset sales"].endswith("reads 3.0 GiB of 8.0 GiB that it may")
    assert answer.err == "nothing is missing\n"
    tables = cloud.emulator.client().list_tables(cloud.dataset, retry=once(), timeout=10)
    assert not [each for each in tables if each.table_id.startswith("_doctor")]


def test_nothing_is_billed_for_it(cloud: Cloud):
    run("doctor")
    assert "insert" not in {each.place for each in cloud.proxy.requests}


@pytest.mark.usefixtures("retailer")
def test_all_is_well_on_this_machine():
    run_ok("materialize", "profiles")
    answer = run_ok("doctor")
    assert lines(answer, "missing") == {}
    found = lines(answer, "ok")
    assert found["target local"] == "computes in duckdb"
    assert found["table retail/transactions"].startswith("360 rows, modified 20")
    assert found["dataset sales"].startswith("its query can run for 20")
    assert found["warehouse"].endswith("/warehouse may be written")


def test_what_is_missing_on_this_machine(retailer):
    folder = retailer / "data" / "retail"
    parquet.write_table(pa.table({"household_id": ["1"], "income": ["x"]}), folder / "households.parquet")
    (folder / "transactions.parquet").unlink()
    found = missing()
    assert "there is no such table" in found["table retail/transactions"]
    types, gone = found[HOUSEHOLDS].split(" | ")
    assert types.startswith("households.household_id: ")
    assert "is declared integer, and is VARCHAR in the source" in types
    assert "households.town: " in gone
    said = lines(run("doctor"), "note")
    assert said["dataset sales"].startswith("reads profiles, which is not published -> materialize profiles")
    assert lines(run("doctor", "profiles"), "missing").keys() == {HOUSEHOLDS}


def test_a_warehouse_that_cannot_be_made(retailer):
    (retailer / "warehouse").write_text("a file")
    assert missing()["warehouse"].endswith("warehouse may not be written -> let this user write there")
    (retailer / "local.yaml").write_text(TARGET.replace("1GB", "1GB, spill: ./spill"))
    assert missing()["warehouse"].endswith("warehouse may not be written -> let this user write there")


def test_a_broken_target_and_a_broken_file(retailer):
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    path.write_text(path.read_text().replace("user-ann", "user-bob"))
    assert missing()["dataset sales"] == "its file cannot be used -> run `dataset-assets check`"
    (retailer / "local.yaml").write_text("target: {engine: {type: bigquery}}")
    assert "local.yaml:1:" in missing()["target"]


def test_a_resolver_that_the_target_does_not_have(retailer):
    path = retailer / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text().replace("  owner", "  resolver_id: elsewhere\n  owner"))
    found = missing()
    assert found == {"dataset profiles": "target 'local' has no resolver 'elsewhere' -> it has: retail"}
    assert "table retail/transactions" in lines(run("doctor"), "ok"), "the others are looked at"


def test_no_credentials(cloud: Cloud, monkeypatch):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(cloud.root / "no-key.json"))
    cloud.target(rest="")
    found = missing()
    assert found.keys() == {"engine bigquery"}
    assert found["engine bigquery"].startswith(
        "there are no Google credentials that work -> run `gcloud auth"
    )
    assert lines(run("doctor"), "note").keys() == {
        "warehouse",
        "table retail/transactions",
        HOUSEHOLDS,
        "dataset profiles",
        "dataset sales",
    }


def test_an_invalid_key(cloud: Cloud):
    cloud.target(rest='gcp_credentials: "bm8ga2V5", ')
    found = missing()["engine bigquery"]
    assert found.startswith("`gcp_credentials` is no service account's key -> ")


def test_an_unreachable_server(cloud: Cloud):
    cloud.target(rest='api_endpoint: "http://127.0.0.1:9", ')
    assert missing() == {
        "engine bigquery": "BigQuery cannot be reached -> check the network, and `api_endpoint`"
    }


def test_a_wrong_project(cloud: Cloud):
    denied = "Project nope-123: User does not have bigquery.jobs.create permission in project nope-123."
    cloud.deny("dry_run", denied)
    cloud.deny(
        "tables.get", "Table nope-123:x.y: Permission bigquery.tables.get denied on table nope-123:x.y"
    )
    cloud.target(project="nope-123")
    found = missing()
    jobs = "grant roles/bigquery.jobUser on the engine's project, or name another `project`"
    assert found["project nope-123"] == f"Access Denied: {denied[:-1]} -> {jobs}"
    make = f"bq mk --dataset --location=… nope-123:{cloud.dataset}, where the tables are that datasets read"
    assert found[f"warehouse nope-123.{cloud.dataset}"].endswith(make)
    assert found[HOUSEHOLDS].endswith(f"grant roles/bigquery.dataViewer on dataset nope-123.{cloud.dataset}")


def test_a_missing_table_and_a_missing_dataset(cloud: Cloud):
    cloud.emulator.rows(f"DROP TABLE {cloud.place('households')}")
    found = missing()
    assert found.keys() == {HOUSEHOLDS}
    assert "there is no such table -> it has: transactions" in found[HOUSEHOLDS]
    cloud.target(dataset="nowhere")
    assert (
        "there is no dataset test-project.nowhere -> check the resolver's `dataset`" in missing()[HOUSEHOLDS]
    )
    cloud.target(warehouse="nowhere")
    found = missing()
    assert found.keys() == {"warehouse test-project.nowhere", HOUSEHOLDS}


def test_missing_roles_on_tables(cloud: Cloud):
    query = f"Table test-project:{cloud.dataset}.households: User does not have permission to query table"
    named = f"`{cloud.dataset}`.`households`"

    def asks(request) -> bool:
        return request.place == "dry_run" and named in request.sql

    cloud.deny(asks, query)
    assert missing() == {
        HOUSEHOLDS: f"Access Denied: {query} -> grant roles/bigquery.dataViewer on dataset"
        f" test-project.{cloud.dataset}"
    }


def test_missing_roles_on_the_warehouse(cloud: Cloud):
    editor = f"grant roles/bigquery.dataEditor on dataset test-project.{cloud.dataset}"
    create = f"Dataset test-project:{cloud.dataset}: Permission bigquery.tables.create denied on dataset"
    cloud.deny("tables.insert", create)
    assert missing() == {f"tables of {cloud.dataset}": f"Access Denied: {create} -> {editor}"}


def test_each_permission_on_tables_is_tried(cloud: Cloud):
    asked = {
        "updateData": lambda request: request.sql.startswith("INSERT"),
        "update": "tables.patch",
        "delete": "tables.delete",
    }
    for permission, on in asked.items():
        cloud.deny(on, f"Permission bigquery.tables.{permission} denied")
    said = missing()[f"tables of {cloud.dataset}"].split(" | ")
    assert [each.split()[3] for each in said] == [f"bigquery.tables.{permission}" for permission in asked]
    assert all(" -> grant roles/bigquery.dataEditor on dataset" in each for each in said)


@contextmanager
def storage_that_denies(says: str) -> Generator[str]:
    """A Storage API that answers every call with PERMISSION_DENIED."""

    class Denies(grpc.GenericRpcHandler):
        def service(self, handler_call_details):  # noqa: ARG002
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(grpc.StatusCode.PERMISSION_DENIED, says)
            )

    server = grpc.server(ThreadPoolExecutor(1), [Denies()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_rows_may_not_be_read_in_bulk(cloud: Cloud):
    denied = "request failed: the user does not have 'bigquery.readsessions.create' permission"
    with storage_that_denies(denied) as address:
        cloud.target(rest=f'api_endpoint: "{cloud.proxy.rest}", storage_endpoint: "{address}", ')
        role = "grant roles/bigquery.readSessionUser on the engine's project"
        assert missing() == {"Storage Read API": f"{denied} -> {role}"}
    cloud.target(rest=f'api_endpoint: "{cloud.proxy.rest}", ')
    said = lines(run_ok("doctor"), "note")["Storage Read API"]
    assert said == "was not asked -> name a `storage_endpoint` beside `api_endpoint`"


def test_a_view_without_a_modified_time(cloud: Cloud):
    cloud.put("stored", f"SELECT * FROM {cloud.place('households')}")
    rows = f"SELECT * FROM {cloud.place('stored')} WHERE CURRENT_DATE() > '2020-01-01'"
    cloud.emulator.rows(f"DROP TABLE {cloud.place('households')}")
    cloud.put("households", rows, kind="VIEW")
    answer = run_ok("doctor", "profiles")
    assert lines(answer, "ok")[HOUSEHOLDS] == "view, rows are not counted"
    said = lines(answer, "note")[HOUSEHOLDS]
    assert said.endswith(
        "does not depend on tables alone: its rows change by themselves; each refresh reads it"
    )


def test_a_schema_that_is_not_as_declared(cloud: Cloud):
    cloud.put("households", "SELECT '1' AS household_id, 'x' AS income, 'y' AS town")
    assert missing() == {
        HOUSEHOLDS: "households.household_id: is declared integer, and is STRING in the source"
        " -> declare it as it is, or let the source have integer"
    }


def test_jobs_that_run_elsewhere(cloud: Cloud):
    cloud.target(engine=", location: EU")
    said = "is in US, and the engine's jobs run in EU -> let the engine's `location` be US"
    assert missing() == {f"warehouse test-project.{cloud.dataset}": said}


def test_what_the_metadata_of_tables_says():
    def table(number: int, **said: object) -> bigquery.Table:
        reference = {"projectId": "p", "datasetId": "d", "tableId": f"t{number}"}
        return bigquery.Table.from_api_repr({"tableReference": reference, "type": "TABLE", **said})

    shards = [table(1, location="EU"), table(2, location="EU", requirePartitionFilter=True)]
    state = TableState("v", 7, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert [*table_findings("table", shards, state, "eu")] == [
        fine("table", "2 tables, 7 rows, modified 2026-01-02 03:04 UTC"),
        note("table", "is only read through a filter on the column that it is partitioned by"),
    ]
    *_, apart = table_findings("table", [table(1, location="EU")], state, "US")
    said = "is in EU, and queries run in US, where the warehouse is"
    assert apart == access.missing("table", said, "copy it to US, or let the warehouse be in EU")
    _, unknown = table_findings("table", [table(1)], TableState("", 7, None, "nobody knows"), "US")
    assert unknown == note("table", "nobody knows; each refresh reads it")


def test_a_query_over_its_budget(cloud: Cloud):
    run_ok("materialize", "profiles")
    cloud.reads({"transactions": 9 * 1024**3})
    assert missing() == {
        "dataset sales": "the query would read 9.0 GiB, 1.0 GiB over the limit of 8.0 GiB"
        " -> select less, or raise `maximum_bytes_billed`, or the dataset's own in `budgets`"
    }
