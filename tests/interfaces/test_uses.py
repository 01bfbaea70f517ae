"""The commands use, uses, pin, unpin and vacuum, and reading for a training run."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from pyarrow import parquet

from dataset_assets.errors import DatasetAssetsError, UnsupportedError
from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.training import mlflow_dataset
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.retention import vacuum
from dataset_assets.lifecycle.uses import last_uses
from tests.interfaces.conftest import TARGET
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_json import documented

pytestmark = pytest.mark.usefixtures("retailer")
RETENTION = "warehouse: {type: delta, root: ./warehouse, retention: {publications: 1}}"


def answer(*arguments: str) -> Any:
    return json.loads(run_ok(*arguments, "--json").out)


@pytest.fixture
def published(retailer: Path) -> Path:
    """Return the folder of the retailer, of which two months are published; retention keeps one of each."""
    assert "warehouse: {type: delta, root: ./warehouse}" in TARGET
    text = TARGET.replace("warehouse: {type: delta, root: ./warehouse}", RETENTION)
    (retailer / "local.yaml").write_text(text)
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    return retailer


def republish(retailer: Path) -> None:
    """Publish both months again after the sources changed."""
    file = retailer / "data" / "retail" / "transactions.parquet"
    table = parquet.read_table(file)
    values = [value + 1 for value in table["sales_value"].to_pylist()]
    parquet.write_table(table.set_column(3, "sales_value", pa.array(values)), file)
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03", "--force")


@pytest.mark.usefixtures("published")
def test_a_use_is_recorded_once_pins_and_is_listed():
    found = answer("use", "sales", "--partition", "2017-03", "--training-run", "run-1")
    assert set(found) == documented("use")
    (use,) = found["uses"]
    record = answer("show", "sales")["publications"][1]
    assert use["digest"] == record["digest"]
    assert (use["version_number"], use["table_version"], use["period"]) == (1, 1, "2017-03")
    assert use["actual_row_count"] == record["row_count"]
    counts = answer("show", "sales", "--stats", "--partition", "2017-03")["statistics"]["columns"]
    assert use["actual_unique_users"] == counts["user_id"]["cardinality"] > 1
    assert use["actual_unique_products"] == counts["product_id"]["cardinality"] > 1
    assert found["recorded"] == found["uses"]
    assert found["pins"][0]["reasons"] == ["training run run-1"]
    again = answer("use", "sales", "--partition", "2017-03", "--training-run", "run-1")
    assert again["recorded"] == []
    assert (
        "1 of 1 were recorded before"
        in run_ok("use", "sales", "--partition", "2017-03", "--training-run", "run-1").err
    )
    run_ok("use", "sales", "--training-run", "run-2")
    listed = answer("uses", "sales")
    assert set(listed) == documented("uses")
    assert [each["training_run"] for each in listed["uses"]] == ["run-2", "run-2", "run-1"]
    assert listed["last_used_at"] == listed["uses"][0]["used_at"]
    assert len(listed["pins"]) == 2
    shown = run_ok("show", "sales").out
    assert "last used" in shown
    assert "run-2" in shown
    assert "version 0 of 2017-02, version 1 of 2017-03" in shown
    assert answer("show", "sales")["last_used_at"] == listed["last_used_at"]
    assert set(last_uses(Workspace.of().target, ["sales", "profiles"])) == {"sales"}
    assert "no training run has used profiles" in run_ok("uses", "profiles").err


@pytest.mark.usefixtures("published")
def test_what_a_use_refuses():
    for bad in ("x" * 251, "a\nb"):
        assert "is not an id" in run_refused("use", "sales", "--training-run", bad)
    assert "sales of 2017-09 is not published; published are: 2017-02, 2017-03" in run_refused(
        "use", "sales", "--partition", "2017-09", "--training-run", "r"
    )
    assert "has no version 9" in run_refused("use", "sales", "--version", "9", "--training-run", "r")
    assert "version 0 of sales has no publication of 2017-03" in run_refused(
        "pin", "sales", "--version", "0", "--partition", "2017-03"
    )
    assert "there is no dataset" in run_refused("pin", "../sales")
    assert "is not published" in run_refused("pin", "unknown")
    assert answer("uses", "sales")["uses"] == []


def test_retention_removes_what_is_replaced_and_not_pinned(published):
    first = read_arrow("sales", partition="2017-03")
    run_ok("pin", "sales", "--partition", "2017-03", "--reason", "model in production")
    republish(published)
    assert "nothing to remove" not in run_ok("vacuum", "--dry-run", "--grace", "0m").err
    planned = answer("vacuum", "--dry-run", "--grace", "0m")
    done = answer("vacuum", "--grace", "0m")
    assert set(done) == documented("vacuum")
    assert (planned["dry_run"], done["dry_run"]) == (True, False)
    assert done["retention"] == {"days": None, "publications": 1}
    (report,) = [each for each in done["datasets"] if each["dataset"] == "sales"]
    assert [each["period"] for each in report["removed"]] == ["2017-02"]
    assert report["freed_bytes"] > 0
    assert read_arrow("sales", partition="2017-03", version=1).equals(first)
    message = run_refused("read", "sales", "--version", "1")
    assert "the rows of 2017-02 in version 0 of 'sales' expired by retention and are gone since 20" in message
    history = run_ok("show", "sales", "--history").out
    assert "rows gone since" in history
    every = answer("show", "sales", "--history")["publications"]
    assert [each["expired_at"] is None for each in every] == [True, True, True, False]
    assert "is gone" not in run_ok("show", "sales").out
    unpinned = answer("unpin", "sales", "--partition", "2017-03", "--version", "1")
    assert set(unpinned) == documented("pin")
    assert unpinned["pins"][0]["reasons"] == ["model in production"]
    assert (
        "removed: sales version 1 of 2017-03, replaced 20" in run_ok("vacuum", "sales", "--grace", "0m").out
    )
    assert "expired by retention" in run_refused("pin", "sales", "--version", "1", "--partition", "2017-03")
    used = answer("use", "sales", "--version", "1", "--partition", "2017-03", "--training-run", "late")
    assert (len(used["recorded"]), used["pins"]) == (1, [])


def test_readers_have_a_day_by_default(published):
    republish(published)
    out = run_ok("vacuum", "sales").out
    assert "expired: sales version 0 of 2017-02" in out
    assert "removed" not in out
    target, now = Workspace.of().target, datetime.now(UTC)
    assert list(vacuum(target, ["sales"], now + timedelta(hours=23))) == []
    (report,) = vacuum(target, ["sales"], now + timedelta(hours=25))
    assert [each.period for each in report.removed] == ["2017-02", "2017-03"]


def test_vacuum_without_retention_says_so(published):
    (published / "local.yaml").write_text(TARGET)
    republish(published)
    assert "has no retention" in run_ok("vacuum", "--grace", "0m").err
    assert answer("vacuum") == {"dry_run": False, "retention": None, "datasets": []}
    assert "is not an age" in run_refused("vacuum", "--grace", "soon")
    assert run("unpin", "sales", "--all", "--version", "1").code == 2


@pytest.mark.parametrize(
    ("retention", "fault"),
    [
        ("{}", "neither `days` nor `publications`"),
        ("{days: 0}", "days: is '0', must be at least 1"),
        ("{publication: 3}", "did you mean"),
    ],
)
def test_a_wrong_retention_is_a_fault_of_the_target(retailer, retention, fault):
    text = TARGET.replace("root: ./warehouse}", f"root: ./warehouse, retention: {retention}}}")
    (retailer / "local.yaml").write_text(text)
    assert fault in run_refused("vacuum")


@pytest.mark.usefixtures("published")
def test_reading_for_a_training_run_records_exactly_what_was_read():
    read_arrow("sales", partition="2017-02", training_run="a")
    read_arrow("sales", training_run="b")
    read_arrow("sales", limit=1, training_run="c")
    run_ok("read", "sales", "--format", "csv", "--version", "0", "--training-run", "d")
    listed = answer("uses", "sales")["uses"]
    found = [(each["training_run"], each["period"], each["table_version"]) for each in listed]
    assert sorted(found) == [
        ("a", "2017-02", 0),
        ("b", "2017-02", 0),
        ("b", "2017-03", 1),
        ("c", "2017-02", 0),
        ("d", "2017-02", 0),
    ]
    with pytest.raises(DatasetAssetsError, match="is not an id"):
        read_arrow("sales", training_run=" ")


@pytest.mark.usefixtures("published")
def test_each_use_is_one_observation_in_dagster(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    for _ in range(2):
        read_arrow("sales", partition="2017-03", training_run="run-1")
    run_ok("use", "profiles", "--training-run", "run-1")
    with dg.DagsterInstance.get() as instance:
        observed = instance.fetch_observations(dg.AssetKey(["datasets", "sales"]), limit=9).records
        (event,) = [record.event_log_entry.asset_observation for record in observed]
        assert event
        metadata: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
        assert event.partition == "2017-03"
        assert metadata["training_run"] == "run-1"
        assert (metadata["version_number"], metadata["table_version"]) == (1, 1)
        assert metadata["rows"] == read_arrow("sales", partition="2017-03").num_rows
        assert metadata["digest"] == answer("uses", "sales")["uses"][0]["digest"]
        assert metadata["users"] >= 3
        assert metadata["configuration"]["name"] == "Sales"
        (other,) = instance.fetch_observations(dg.AssetKey(["datasets", "profiles"]), limit=9).records
        assert other.partition_key is None


@pytest.mark.usefixtures("published")
def test_without_mlflow_one_sentence_says_what_to_install():
    with pytest.raises(UnsupportedError, match=r"MLflow cannot be imported.*install `mlflow`"):
        mlflow_dataset("sales", partition="2017-03")


def test_on_bigquery_a_use_keeps_rows_in_a_snapshot(cloud):
    run_ok("materialize", "profiles")
    cloud.put("households", "SELECT 1 AS household_id, 'x' AS income, 'Ulm' AS town")
    first = read_arrow("profiles", training_run="run-1")
    run_ok("materialize", "profiles")
    (use,) = answer("uses", "profiles")["uses"]
    assert (use["table_version"], use["actual_row_count"], use["period"]) == (0, 3, None)
    (pin,) = answer("uses", "profiles")["pins"]
    assert pin["snapshot"].startswith("_pinned_profiles_")
    book = cloud.place("_publications")
    past = "published_at = TIMESTAMP_SUB(published_at, INTERVAL 192 HOUR)"
    cloud.emulator.rows(f"UPDATE {book} SET {past} WHERE TRUE")
    assert read_arrow("profiles", version=0).equals(first)
    assert read_arrow("profiles").num_rows == 1
    assert "last used" in run_ok("show", "profiles").out
    assert answer("vacuum", "profiles")["datasets"] == []
    run_ok("unpin", "profiles", "--version", "0")
    assert "when BigQuery's time travel for them ended" in run_refused("read", "profiles", "--version", "0")


def test_bigquery_has_no_retention_of_its_own(cloud):
    cloud.target(warehouse=f"{cloud.dataset}, retention: {{days: 90}}")
    assert "retention: has no effect in BigQuery, which itself keeps replaced rows" in run_refused("vacuum")
