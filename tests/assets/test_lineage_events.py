"""A run of an asset sends one lineage event for each Period that it publishes."""

import json
import logging
import os
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with patch.dict(os.environ):  # the client adds variables to those of the process
        yield


def test_each_period_of_a_run_is_an_event_of_its_own(retailer, instance, monkeypatch):
    path = retailer.root / "events.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(path))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-04")
    assert result.success
    events = [json.loads(line) for line in path.read_text().splitlines()]
    starts = [each["run"]["facets"]["nominalTime"]["nominalEndTime"][:10] for each in events]
    assert starts == ["2024-03-01", "2024-04-01", "2024-05-01"]
    assert {each["job"]["name"] for each in events} == {"datasets.monthly"}
    assert len({each["run"]["runId"] for each in events}) == 3
    rows = [each["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] for each in events]
    counted = result.get_asset_materialization_events()
    published = {
        event.partition: event.step_materialization_data.materialization.metadata[
            "dagster/partition_row_count"
        ].value
        for event in counted
    }
    assert rows == list(published.values())


def test_a_run_is_not_failed_by_its_event(retailer, instance, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(retailer.root / "missing" / "x" / "y"))
    assert retailer.materialize(instance, "brands").success
