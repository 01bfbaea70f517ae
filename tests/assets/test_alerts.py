"""A run that failed, told to the owner: from Dagster's sensor to a web server that listens."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import dagster as dg
import pytest
from pydantic import SecretStr

from dataset_assets.alerts import Alert, AlertSink
from dataset_assets.assets.alerts import SENSOR, Alarm
from dataset_assets.contract.catalog import load_catalog
from dataset_assets.errors import ContractError, UnavailableError
from definitions import build
from resources import alerting
from resources.alerting import LOGGER, Log, Webhook, sinks
from resources.settings import Settings
from tests.assets.retailer import BROKEN, NOW, Retailer

SECRET = "T0000/B0000/secret"


class Kept(AlertSink):
    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def send(self, alert: Alert) -> None:
        self.alerts.append(alert)


class Listener(HTTPServer):
    """Keeps what is posted, and answers with the statuses it is given, the last one for ever."""

    posted: list[dict[str, Any]]
    statuses: list[int]

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"http://127.0.0.1:{self.server_port}/{SECRET}")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast("Listener", self.server)
        server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        statuses = server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Says nothing."""


@pytest.fixture
def listener(monkeypatch) -> Iterator[Listener]:
    monkeypatch.setattr(alerting, "WAITS", (0.0, 0.0, None))
    server = Listener(("127.0.0.1", 0), Handler)
    server.posted, server.statuses = [], [200]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


def context_of(instance: dg.DagsterInstance, run_id: str) -> dg.RunFailureSensorContext:
    run = instance.get_run_by_id(run_id)
    assert run
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    event = records[-1].event_log_entry.dagster_event
    assert event
    return dg.build_run_status_sensor_context("alerts", event, instance, run).for_run_failure()


def told(retailer: Retailer, instance: dg.DagsterInstance, run_id: str, webserver: str = "") -> list[Alert]:
    kept = Kept()
    catalog = load_catalog(retailer.settings.definitions)
    Alarm(catalog, (kept,), webserver).tell(context_of(instance, run_id))
    return kept.alerts


def test_the_owner_is_told_which_period_of_what_failed_why_and_where(retailer, instance):
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    (alert,) = told(retailer, instance, run.run_id, "https://dagster.example.com")
    assert (alert.dataset, alert.name) == ("monthly", "Monthly orders")
    assert alert.owner == "ada@example.com"
    assert alert.periods == ("2024-03",)
    assert alert.run_url == f"https://dagster.example.com/runs/{run.run_id}"
    assert "natural key (order_id)" in alert.fault
    assert alert.text.startswith("Monthly orders [monthly] (2024-03) failed\nOwner: ada@example.com\n")
    assert alert.text.endswith(alert.run_url)
    assert alert.failed_at.timestamp() == pytest.approx(
        instance.get_run_record_by_id(run.run_id).end_time, abs=1e-3
    )


def test_each_owner_is_told_of_their_own(retailer, instance):
    retailer.orders(3, repeated=True)
    (retailer.root / "data" / "products.parquet").unlink()
    run = retailer.materialize(instance, "monthly", "brands", first="2024-02", last="2024-03")
    found = {alert.dataset: alert for alert in told(retailer, instance, run.run_id)}
    assert found.keys() == {"monthly", "brands"}
    assert found["brands"].owner == "team:shop"
    assert "products" in found["brands"].fault
    assert found["monthly"].periods == ("2024-02", "2024-03")
    assert "natural key" not in found["brands"].fault


def test_a_broken_files_owner_is_told_what_is_wrong_with_it(retailer, instance):
    retailer.write("broken", BROKEN.replace("owner: nobody", "owner: ada").replace("brand,", "brand!,"))
    run = retailer.materialize(instance, "broken")
    (alert,) = told(retailer, instance, run.run_id)
    assert (alert.dataset, alert.owner) == ("broken", "ada@example.com")
    assert "broken.yaml:" in alert.fault


def test_a_run_that_broke_down_is_told_to_the_owners_of_what_it_still_owed(retailer, instance):
    """As when its process was killed: no step failed, the run did."""
    job = retailer.definitions().resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, asset_selection=frozenset({dg.AssetKey(["datasets", "brands"])}))
    instance.report_run_failed(run, "the process 4711 is gone")
    (alert,) = told(retailer, instance, run.run_id)
    assert (alert.dataset, alert.owner) == ("brands", "team:shop")
    assert alert.fault == "the process 4711 is gone"


def test_a_run_that_will_be_tried_again_is_told_of_later(retailer, instance):
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    assert told(retailer, instance, run.run_id) == []


def test_a_failure_of_what_is_no_dataset_is_told_too(retailer, instance):
    @dg.op
    def other() -> None:
        raise ValueError("no oil")

    @dg.job
    def maintenance() -> None:
        other()

    run = maintenance.execute_in_process(instance=instance, raise_on_error=False)
    (alert,) = told(retailer, instance, run.run_id)
    assert (alert.dataset, alert.owner, alert.job) == ("", "", "maintenance")
    assert alert.text.startswith("The job maintenance failed\n")
    assert "no oil" in alert.fault


def test_the_sensor_of_the_code_location_posts_it(retailer, instance, listener, caplog):
    """With Dagster's own evaluation of the sensor, as the daemon asks for it."""
    changed = {"alert_webhook": listener.url, "webserver": "http://localhost:3000/"}
    repository = build(retailer.settings.model_copy(update=changed), NOW).get_repository_def()
    sensor = repository.get_sensor_def(SENSOR)
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    cursor = sensor.evaluate_tick(context).cursor
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    with caplog.at_level(logging.ERROR, LOGGER):
        again = dg.build_sensor_context(instance=instance, repository_def=repository, cursor=cursor)
        sensor.evaluate_tick(again)
    assert listener.posted, "the sensor saw nothing"
    (posted,) = listener.posted
    assert posted["alert"]["owner"] == "ada@example.com"
    assert posted["text"].endswith(f"Run: http://localhost:3000/runs/{run.run_id}")
    (line,) = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert json.loads(line) == posted["alert"]


ALERT = Alert(job="j", run_id="r", failed_at="2024-01-01T00:00:00Z", fault="broken")


def test_a_webhook_that_is_down_for_a_moment_gets_it(listener):
    listener.statuses = [503, 429, 200]
    Webhook(listener.url).send(ALERT)
    assert len(listener.posted) == 3


def test_a_webhook_that_refuses_is_told_without_its_address(listener):
    listener.statuses = [404]
    with pytest.raises(UnavailableError, match="the webhook for alerts answers 404") as raised:
        Webhook(listener.url).send(ALERT)
    assert len(listener.posted) == 1
    assert SECRET not in str(raised.value)


def test_a_webhook_that_is_not_there_keeps_nothing_from_the_other_sinks(retailer, instance, listener):
    listener.statuses = [500]
    kept = Kept()
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    alarm = Alarm(load_catalog(retailer.settings.definitions), (Webhook(listener.url), kept), "")
    with pytest.raises(UnavailableError, match="answers 500"):
        alarm.tell(context_of(instance, run.run_id))
    assert [alert.dataset for alert in kept.alerts] == ["monthly"]


def test_settings_take_the_address_and_never_show_it():
    found = Settings.from_env({"DATASET_ASSETS_ALERT_WEBHOOK": f"https://hooks.example.com/{SECRET}"})
    assert SECRET not in repr(found)
    assert found.alert_webhook
    assert found.alert_webhook.get_secret_value().endswith(SECRET)
    with pytest.raises(ContractError, match="DATASET_ASSETS_ALERT_WEBHOOK is not the address") as raised:
        Settings.from_env({"DATASET_ASSETS_ALERT_WEBHOOK": SECRET})
    assert SECRET not in str(raised.value)
    assert Settings.from_env({"DATASET_ASSETS_WEBSERVER": ""}).webserver == ""
    assert sinks(None) == (Log(),)
