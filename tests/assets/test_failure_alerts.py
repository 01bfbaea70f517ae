"""The sensor `alerts` reports each failed run to the owners of its datasets exactly once."""

import logging
from collections.abc import Sequence

import dagster as dg
import pytest

from dataset_assets.assets.failure_alerts import FailureAlerts
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.ports.alerts import Alert, AlertSink
from tests.assets.retailer import BROKEN, Retailer


class Kept(AlertSink):
    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def send(self, alerts: Sequence[Alert]) -> None:
        self.alerts.extend(alerts)


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
    FailureAlerts(catalog, (kept,), webserver).send(context_of(instance, run_id))
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


def test_a_run_is_told_of_once_however_often_it_is_marked_as_failed(retailer, instance):
    """By who watches over it, and by itself a moment later; or in a look that Dagster repeats."""
    retailer.orders(3, repeated=True)
    run = retailer.materialize(instance, "monthly", first="2024-03")
    assert len(told(retailer, instance, run.run_id)) == 1
    instance.report_run_failed(instance.get_run_by_id(run.run_id), "Exceeded maximum runtime")
    assert told(retailer, instance, run.run_id) == []


def test_a_run_that_repeats_one_that_was_told_of_is_told_of_too(retailer, instance):
    retailer.orders(3, repeated=True)
    first = retailer.materialize(instance, "monthly", first="2024-03")
    assert len(told(retailer, instance, first.run_id)) == 1
    tags = instance.get_run_by_id(first.run_id).tags
    again = retailer.materialize(instance, "monthly", first="2024-03", tags=tags)
    assert len(told(retailer, instance, again.run_id)) == 1
