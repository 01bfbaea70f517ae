"""`openlineage` prints events that OpenLineage's own classes read, and publications send them."""

import importlib
import json
import os
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from unittest.mock import patch
from uuid import UUID

import pytest
from openlineage.client import event_v2, facet_v2

from tests.bigquery.emulator import PROJECT as PROJECT_ID
from tests.interfaces.running import run_ok, run_refused

MARCH = ("--partition", "2017-03")
PROJECT = """
project:
  name: Campaign
  owner: user-ann
  datasets: [sales]
  operations:
    - {type: output, name: sold}
"""

CATEGORIES = '{type: categories, value: ["12-secret", "34-secret"]}'
RULES = """quality:
    - {type: where, name: named, where: "category <> '99-secret'"}
    - {type: between, name: bounded, column: category, min: "00-secret"}
    - {type: where, name: cheap, where: "revenue < 1000", severity: warn}"""


@pytest.fixture(autouse=True)
def _own_environment():
    """Remove the variables that OpenLineage's client adds to those of the process."""
    with patch.dict(os.environ):
        for name in [each for each in os.environ if each.startswith("OPENLINEAGE")]:
            del os.environ[name]
        yield


@pytest.fixture
def published(retailer):
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", *MARCH)
    return retailer


def event_of(name: str, *options: str) -> dict:
    return json.loads(run_ok("openlineage", name, *options).out)


def facet_classes() -> dict[str, type]:
    """Return the classes of facets by the last part of their schema's URL."""
    modules = [each for each in vars(facet_v2).values() if isinstance(each, ModuleType)]
    classes = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    return {each.__name__: each for each in classes}


def checked(facets: dict | None) -> int:
    """Create each facet by the class of its schema, which refuses unknown and missing fields."""
    classes = facet_classes()
    assert facets is not None
    for facet in facets.values():
        given = {name: value for name, value in facet.items() if not name.startswith("_")}
        made = classes[facet["_schemaURL"].rpartition("/")[2]](**given)
        assert made._schemaURL == facet["_schemaURL"]
    return len(facets)


@pytest.mark.usefixtures("published")
def test_openlineages_classes_read_an_event():
    event = event_of("sales", *MARCH)
    assert set(event) == {
        *("eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs")
    }
    run = event_v2.Run(**event["run"])
    job = event_v2.Job(**event["job"])
    inputs = [event_v2.InputDataset(**each) for each in event["inputs"]]
    [output] = [event_v2.OutputDataset(**each) for each in event["outputs"]]
    event_v2.RunEvent(eventTime=event["eventTime"], run=run, job=job, inputs=inputs, outputs=[output])
    assert UUID(run.runId)
    assert datetime.fromisoformat(event["eventTime"]).tzinfo
    parts: list[dict | None] = [run.facets, job.facets, output.facets, output.outputFacets]
    assert [checked(each) for each in parts] == [1, 2, 6, 1]
    assert [checked(each.facets) for each in inputs] == [2, 2]


def test_what_an_event_says(published):
    event = event_of("sales", *MARCH)
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]
    names = [(each["namespace"], each["name"]) for each in event["inputs"]]
    warehouse = published / "warehouse"
    assert names == [
        ("file", str(published / "data" / "retail" / "transactions.parquet")),
        ("file", str(warehouse / "profiles")),
    ]
    [output] = event["outputs"]
    assert (output["namespace"], output["name"]) == ("file", str(warehouse / "sales"))
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == shown["row_count"]
    versions = [each["facets"]["version"]["datasetVersion"] for each in event["inputs"]]
    assert versions == list(shown["sources"].values())
    lineage = output["facets"]["columnLineage"]
    [income] = lineage["fields"]["household__income"]["inputFields"]
    assert (income["name"], income["field"]) == (str(warehouse / "profiles"), "income")
    assert income["transformations"] == [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}]
    [split] = lineage["fields"]["split"]["inputFields"]
    assert (split["field"], split["transformations"][0]["subtype"]) == (
        "transaction_timestamp",
        "TRANSFORMATION",
    )
    indirect = {(each["field"], each["transformations"][0]["subtype"]) for each in lineage["dataset"]}
    assert ("household_id", "JOIN") in indirect
    assert ("transaction_timestamp", "FILTER") in indirect
    metrics = output["facets"]["dataQualityMetrics"]["columnMetrics"]
    assert set(metrics["household__income"]) == {"nullCount", "distinctCount"}
    assert metrics["revenue"]["max"] == 9.25
    assert event["run"]["facets"]["nominalTime"]["nominalEndTime"] == "2017-04-01T00:00:00+00:00"
    assert "secret" not in json.dumps(event)
    assert event_of("sales")["run"] == event["run"], "the same run has the same id"


@pytest.mark.parametrize("is_marked_later", [False, True])
def test_descriptions_name_no_value_of_a_sensitive_column(retailer, is_marked_later):
    """Filters, rules and operations name values in the SQL, in contracts and in findings of checks."""
    profiles = retailer / "definitions" / "datasets" / "profiles.yaml"
    sales = retailer / "definitions" / "datasets" / "sales.yaml"
    text = profiles.read_text()
    if is_marked_later:
        profiles.write_text(text.replace(", sensitive: true", ""))
    sales.write_text(
        sales.read_text()
        .replace("product_id: product_id", "product_id: product_id\n    category: household.income")
        .replace("[household.income, household.town]", "[household.town]")
        .replace("filters:", RULES + "\n  filters:\n    product_filter: " + CATEGORIES)
    )
    (retailer / "definitions" / "projects").mkdir()
    operation = "  operations:\n    - {type: delete, where: \"category = '34-secret'\"}"
    project = PROJECT.replace("  operations:", operation)
    (retailer / "definitions" / "projects" / "campaign.yaml").write_text(project)
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", *MARCH)
    run_ok("materialize", "campaign__sold", *MARCH)
    if is_marked_later:
        assert "sql" in event_of("sales")["job"]["facets"]
        assert "12-secret" in json.dumps(event_of("sales"))
        assert "34-secret" in json.dumps(event_of("campaign__sold"))
        profiles.write_text(text)
    for name in ("sales", "campaign__sold"):
        event = event_of(name)
        assert "sql" not in event["job"]["facets"]
        assert "-secret" not in json.dumps(event)
        assert "-secret" not in run_ok("card", name).out
    contract = run_ok("odcs", "sales").out
    assert "-secret" not in contract
    assert "for every row a condition on category holds" in contract
    assert "revenue < 1000" in contract


def test_an_output_of_a_project_reads_its_dataset(published):
    (published / "definitions" / "projects").mkdir()
    (published / "definitions" / "projects" / "campaign.yaml").write_text(PROJECT)
    run_ok("materialize", "campaign__sold", *MARCH)
    event = event_of("campaign__sold")
    [read] = event["inputs"]
    assert read["name"] == str(published / "warehouse" / "sales")
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert {(name, each["inputFields"][0]["field"]) for name, each in fields.items()} == {
        (name, name) for name in fields
    }
    assert "`campaign__sold`" in run_ok("card", "campaign__sold").out
    run_ok("croissant", "campaign__sold", "-o", str(published / "shared"))
    assert (published / "shared" / "campaign__sold_2017-03.parquet").exists()
    assert "there is no dataset 'nothing'" in run_refused("openlineage", "nothing")
    assert "campaign__sold" in run_refused("odcs", "campaign__sold")


class Service:
    """A service that receives events over HTTP."""

    def __init__(self, status: int = 200) -> None:
        received: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append({"path": self.path, "event": json.loads(body)})
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self.received = received
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    started = Service()
    yield started
    started.close()


def test_a_publication_is_sent(retailer, service, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", service.url)
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "shop")
    answer = run_ok("materialize", "profiles")
    assert "lineage" not in answer.err
    [sent] = service.received
    assert sent["path"] == "/api/v1/lineage"
    event = sent["event"]
    printed = event_of("profiles")
    assert event["job"]["namespace"] == "shop"
    assert event["run"]["runId"] == printed["run"]["runId"]
    assert event["outputs"][0]["facets"] == printed["outputs"][0]["facets"]
    assert event["inputs"] == [{**each, "inputFacets": {}} for each in printed["inputs"]]
    run_ok("materialize", "profiles")
    again = service.received[1]["event"]
    assert again["run"]["runId"] != event["run"]["runId"], "a run that finds the rows unchanged is a run"
    assert retailer.exists()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"OPENLINEAGE_URL": "http://user:hunter2@127.0.0.1:9"}, "the lineage event is not sent"),
        ({"OPENLINEAGE__TRANSPORT": '{"type": "nonsense"}'}, "the lineage event is not sent"),
        ({"OPENLINEAGE_URL": "http://127.0.0.1:9", "OPENLINEAGE_DISABLED": "true"}, ""),
    ],
)
def test_an_event_that_cannot_be_sent_fails_nothing(retailer, monkeypatch, variables, says):
    monkeypatch.setattr("dataset_assets.adapters.lineage.openlineage.SECONDS", 2.0)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    answer = run_ok("materialize", "profiles")
    assert (says in answer.err) if says else ("lineage" not in answer.err)
    assert "hunter2" not in answer.err
    assert (retailer / "warehouse" / "profiles").is_dir()


def test_a_missing_package_is_named(retailer, monkeypatch):
    real = importlib.import_module

    def without(name: str, *more: str):
        if name.startswith("openlineage"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr("dataset_assets.adapters.lineage.openlineage.import_module", without)
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    assert "install `dataset-assets[openlineage]`" in run_ok("materialize", "profiles").err
    assert retailer.exists()


def test_tables_in_bigquery_have_their_names_there(cloud):
    run_ok("materialize", "profiles")
    event = event_of("profiles")
    place = f"{PROJECT_ID}.{cloud.dataset}"
    assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [
        ("bigquery", f"{place}.households")
    ]
    [output] = event["outputs"]
    assert (output["namespace"], output["name"]) == ("bigquery", f"{place}.profiles")
