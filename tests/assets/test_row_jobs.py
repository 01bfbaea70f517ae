"""The Dagster jobs that change rows: the form, the rows, the event of the asset, and a mistake."""

from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.interfaces.reading import read_arrow


def execute(retailer: Any, instance: dg.DagsterInstance, name: str, **form: Any) -> dg.ExecuteInProcessResult:
    job = retailer.definitions().resolve_job_def(name)
    config = {"ops": {f"{name}_op": {"config": form}}}
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


@pytest.fixture
def instance(tmp_path) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(str(tmp_path))


def test_rows_are_labelled_deleted_and_restored_from_the_launchpad(retailer, instance, monkeypatch):
    monkeypatch.chdir(retailer.root)
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.root / "definitions"))
    assert retailer.materialize(instance, "brands").success
    rows = read_arrow("brands").num_rows
    label = {"dataset": "brands", "where": "product_id = 0", "set": {"checked": "yes"}}
    done = execute(retailer, instance, "rows_label", **label)
    assert done.success
    assert read_arrow("brands", where="label('checked') = 'yes'").num_rows == 1
    [event] = instance.fetch_materializations(dataset_key("brands"), limit=1).records
    materialization = event.asset_materialization
    assert materialization
    assert materialization.description == "label: 1 rows touched"
    assert execute(retailer, instance, "rows_delete", dataset="brands", where="product_id = 0").success
    assert read_arrow("brands").num_rows == rows - 1
    [after] = instance.fetch_materializations(dataset_key("brands"), limit=1).records
    tags = [each.event_log_entry.tags or {} for each in (event, after)]
    assert tags[0][DATA_VERSION_TAG] != tags[1][DATA_VERSION_TAG]
    assert execute(retailer, instance, "rows_rollback", dataset="brands", to=1).success
    assert read_arrow("brands").num_rows == rows


def test_a_mistake_is_a_sentence(retailer, instance):
    assert retailer.materialize(instance, "brands").success
    failed = execute(retailer, instance, "rows_delete", dataset="brands", where="nothing = 1")
    assert not failed.success
    [failure] = [each for each in failed.all_events if each.event_type_value == "STEP_FAILURE"]
    assert "there is no column 'nothing'" in str(failure.event_specific_data)
