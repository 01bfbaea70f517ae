"""Runs of assets in BigQuery report their cost to Dagster, and can be interrupted."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from dataset_assets.assets import materialization as refresh
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.publishing.materialize import materialize
from tests.assets.retailer import Retailer
from tests.assets.test_runs import events, failure_of
from tests.bigquery.emulator import PROJECT

TARGET = """
target:
  engine:
    type: bigquery
    project: {project}
    api_endpoint: "{rest}"
    storage_endpoint: "{storage}"
    patience: 2
    budgets: {{brands: 2GiB}}
  warehouse: {{type: bigquery, dataset: {dataset}}}
  default_resolver: shop
  resolvers: {{shop: {{type: bigquery, dataset: {dataset}}}}}
"""
GIB = 1024**3


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


@pytest.fixture
def cloud(retailer, emulator, proxy, bigquery_dataset) -> Retailer:
    """The retailer, with its products in BigQuery: reading them is 1 GiB."""
    rows = "SELECT n AS product_id, CONCAT('b', CAST(n AS STRING)) AS brand FROM UNNEST([0, 1, 2]) AS n"
    table = f"{PROJECT}.{bigquery_dataset}.products"
    emulator.rows(f"CREATE TABLE `{table}` AS {rows}")
    given = {"project": PROJECT, "rest": proxy.rest, "storage": proxy.storage, "dataset": bigquery_dataset}
    (retailer.root / "target.yaml").write_text(TARGET.format(**given))
    proxy.running = 0
    proxy.bytes_of = lambda sql: GIB if table in sql.replace("`", "") else 0
    return retailer


def numbers(result: dg.ExecuteInProcessResult) -> Mapping[str, Any]:
    metadata = events(result, "brands")[None].metadata
    return {name: value.value for name, value in metadata.items()}


def test_what_it_cost_is_plotted(cloud, instance, bigquery_dataset, proxy):
    result = cloud.materialize(instance, "brands")
    assert result.success
    found = numbers(result)
    assert found["bytes_estimated"] == GIB
    assert found["bytes_billed"] >= GIB
    assert "bytes_moved" not in found, "nothing was"
    assert found["jobs"] == len([each for each in proxy.requests if each.place == "insert"])
    assert found["dagster/uri"] == f"bigquery://{PROJECT}/{bigquery_dataset}/brands"
    assert found["dagster/row_count"] == 3
    assert {each.labels["run"] for each in proxy.requests if each.labels} == {result.run_id}


def test_a_refresh_of_what_did_not_change_reads_nothing(cloud, instance):
    first = events(cloud.materialize(instance, "brands"), "brands")[None]
    again = cloud.materialize(instance, "brands")
    found = numbers(again)
    assert (found["bytes_estimated"], found["bytes_billed"]) == (0, 0)
    assert (found["rows_unchanged"], found["rows_added"]) == (3, 0)
    assert events(again, "brands")[None].tags["dagster/data_version"] == first.tags["dagster/data_version"]


def test_a_run_over_its_budget_fails_and_says_by_how_much(cloud, instance, proxy):
    proxy.bytes_of = lambda sql: 3 * GIB if ".products" in sql.replace("`", "") else 0
    result = cloud.materialize(instance, "brands")
    over = "the query would read 3.0 GiB, 1.0 GiB over the limit of 2.0 GiB; select less, or raise"
    assert failure_of(result, "datasets__brands").startswith(over)


def test_a_run_that_is_stopped_goes_on_with_no_other_period(retailer, instance, monkeypatch):
    begun: list[str] = []

    def stopped(_catalog, _target, request, _tell) -> None:
        begun.append(request.period.id)
        raise DagsterExecutionInterruptedError

    monkeypatch.setattr(refresh, "materialize", stopped)
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-04")
    assert begun == ["2024-02"]
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_failure_data.error.cls_name == "DagsterExecutionInterruptedError"
    assert result.get_asset_check_evaluations() == []


def test_a_second_attempt_says_that_it_is_one(retailer, instance, monkeypatch):
    attempts: list[int] = []

    def twice(catalog, target, request, tell: Callable[[str], None]) -> object:
        attempts.append(request.attempt)
        if len(attempts) == 1:
            raise dg.RetryRequested(max_retries=1)
        return materialize(catalog, target, request, tell)

    monkeypatch.setattr(refresh, "materialize", twice)
    result = retailer.materialize(instance, "brands")
    assert result.success
    assert attempts == [0, 1]
    assert instance.get_latest_materialization_event(dataset_key("brands"))
