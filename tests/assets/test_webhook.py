"""The sensor `alerts` delivers alerts to a web server through the webhook."""

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import dagster as dg
import pytest
from dagster._core.definitions.run_status_sensor_definition import _get_run_status_sensor_process_limit
from dagster._grpc.utils import default_sensor_grpc_timeout
from pydantic import SecretStr

from dataset_assets.adapters.alerts import webhook as alerting
from dataset_assets.adapters.alerts.webhook import LOGGER, LogSink, WebhookSink, alert_sinks
from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.code_location import code_location
from dataset_assets.assets.failure_alerts import SENSOR, FailureAlerts
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import ContractError, UnavailableError
from dataset_assets.ports.alerts import Alert
from tests.assets.retailer import NOW
from tests.assets.test_failure_alerts import Kept, context_of

SECRET = "T0000/B0000/secret"


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
    monkeypatch.setattr(alerting, "RETRY_WAITS", (0.0, None))
    server = Listener(("127.0.0.1", 0), Handler)
    server.posted, server.statuses = [], [200]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_sensor_of_the_code_location_posts_it(retailer, instance, listener, caplog):
    """With Dagster's own evaluation of the sensor, as the daemon asks for it."""
    changed = {"alert_webhook": listener.url, "webserver": "http://localhost:3000/"}
    repository = code_location(retailer.settings.model_copy(update=changed), NOW).get_repository_def()
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
    (told,) = posted["alerts"]
    assert told["owner"] == "ada@example.com"
    assert posted["text"].endswith(f"Run: http://localhost:3000/runs/{run.run_id}")
    (line,) = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert json.loads(line) == told


ALERT = Alert(job="j", run_id="r", failed_at="2024-01-01T00:00:00Z", fault="broken")


def test_a_webhook_that_is_down_for_a_moment_gets_it(listener):
    for status in (503, 429):
        listener.statuses = [status, 200]
        WebhookSink(listener.url).send([ALERT])
    assert len(listener.posted) == 4


@pytest.mark.parametrize("status", [404, 302, 308])
def test_a_webhook_that_refuses_is_told_without_its_address(listener, status):
    """One that sends us elsewhere would get a GET, without the alert."""
    listener.statuses = [status]
    with pytest.raises(UnavailableError, match=f"the webhook for alerts answers {status}") as raised:
        WebhookSink(listener.url).send([ALERT])
    assert len(listener.posted) == 1
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("address", ["http://name:secret@127.0.0.1:1/", f"http://{'a' * 70}.example.com/"])
def test_an_address_that_cannot_be_asked_is_no_bug_of_ours(monkeypatch, address):
    monkeypatch.setattr(alerting, "RETRY_WAITS", (None,))
    with pytest.raises(UnavailableError, match="the webhook for alerts does not answer") as raised:
        WebhookSink(SecretStr(address)).send([ALERT])
    assert "secret" not in str(raised.value)


def drip(server: socket.socket, stop: threading.Event) -> None:
    """Answers a byte at a time, so that no single wait for one is long."""
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        while not stop.wait(0.05):
            connection.sendall(b"H")


def test_a_webhook_that_drips_is_given_up_in_time(monkeypatch):
    """A look of the sensor that takes too long is repeated, and tells everything anew."""
    monkeypatch.setattr(alerting, "RETRY_WAITS", (None,))
    monkeypatch.setattr(alerting, "ATTEMPT_SECONDS", 0.3)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server, stop))
        thread.start()
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="does not answer within"):
            WebhookSink(SecretStr(f"http://127.0.0.1:{server.getsockname()[1]}/")).send([ALERT])
        assert time.monotonic() - begun < 5
        stop.set()
        thread.join()


def test_webhooks_that_hang_leave_a_look_of_the_sensor_time_enough():
    waits = alerting.RETRY_WAITS
    most = alerting.ATTEMPT_SECONDS * len(waits) + sum(wait or 0 for wait in waits)
    assert most * _get_run_status_sensor_process_limit() < default_sensor_grpc_timeout() - 10


def test_all_that_a_run_did_not_publish_is_one_message(retailer, instance, listener):
    retailer.orders(3, repeated=True)
    (retailer.root / "data" / "products.parquet").unlink()
    run = retailer.materialize(instance, "monthly", "brands", first="2024-02", last="2024-03")
    catalog = load_catalog(retailer.settings.definitions)
    FailureAlerts(catalog, (WebhookSink(listener.url),), "").send(context_of(instance, run.run_id))
    (posted,) = listener.posted
    assert {alert["owner"] for alert in posted["alerts"]} == {"ada@example.com", "team:shop"}
    assert "Monthly orders [monthly]" in posted["text"]
    assert "Brands [brands]" in posted["text"]


def test_a_webhook_that_is_not_there_keeps_nothing_from_the_other_sinks(retailer, instance, listener):
    listener.statuses = [500]
    kept = Kept()
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    alarm = FailureAlerts(load_catalog(retailer.settings.definitions), (WebhookSink(listener.url), kept), "")
    with pytest.raises(UnavailableError, match="answers 500"):
        alarm.send(context_of(instance, run.run_id))
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
    assert alert_sinks(None) == (LogSink(),)
