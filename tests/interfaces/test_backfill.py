"""`plan` lists the stale Periods and `backfill` publishes them; a killed backfill continues when repeated.

`DATASET_ASSETS_BACKFILL=500 pytest tests/interfaces/test_backfill.py` publishes more Periods.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.instance.ref import InstanceRef
from deltalake import DeltaTable

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import AccessError, Fault
from dataset_assets.interfaces.cli import materialize as runs
from dataset_assets.interfaces.cli.plan import summary
from dataset_assets.staleness.plan import Plan
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from dataset_assets.text.progress import ProgressEstimate, duration_text
from tests.interfaces.running import run, run_ok, run_refused

ROOT = Path(__file__).parents[2]
PERIODS = int(os.environ.get("DATASET_ASSETS_BACKFILL", "12"))
ENDS = ("--to", "2017-04")


def summaries(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.endswith("up to date") or "to make" in line]


def rewrite(retailer: Path, query: str) -> None:
    path = retailer / "data" / "retail" / "transactions.parquet"
    rows = query.format(sales=f"'{path}'")
    duckdb.execute(f"COPY ({rows}) TO '{path}.new' (FORMAT parquet)")
    path.with_name(f"{path.name}.new").replace(path)


def test_unpublished_periods_are_planned_published_and_then_up_to_date(retailer):
    answer = run_ok("plan", "sales", *ENDS)
    assert [line.split() for line in answer.out.splitlines() if "published" in line] == [
        ["profiles", "1", "never", "published", "~3", "unknown"],
        ["sales", "2017-02", "to", "2017-04", "3", "never", "published", "unknown", "unknown"],
    ]
    assert summaries(answer.err) == ["profiles: 1 to make, 0 up to date", "sales: 3 to make, 0 up to date"]
    assert not (retailer / "warehouse" / "sales").exists(), "a plan writes nothing"
    answer = run_ok("backfill", "sales", *ENDS)
    assert "profiles: 3 rows, 3 added; 1 of 4, " in answer.err
    assert "sales 2017-04: 183 rows, 183 added; 4 of 4, " in answer.err
    assert "4 made, 0 of them unchanged" in answer.err
    answer = run_ok("backfill", "sales", *ENDS)
    assert summaries(answer.err) == ["sales: 0 to make, 3 up to date"]
    assert "nothing was due" in answer.err


def test_a_rewritten_source_is_inspected_once(retailer):
    run_ok("backfill", "sales", *ENDS)
    rewrite(retailer, "FROM {sales} ORDER BY basket_id DESC")
    answer = run_ok("plan", "sales", *ENDS)
    assert re.search(r"^ sales .* 3 +source changed: retail/transactions ", answer.out, re.MULTILINE)
    assert "3 made, 3 of them unchanged" in run_ok("backfill", "sales", *ENDS).err
    assert summaries(run_ok("plan", "sales", *ENDS).err) == ["sales: 0 to make, 3 up to date"]
    assert "3 made, 3 of them unchanged" in run_ok("backfill", "sales", "--all", *ENDS).err


def test_a_plan_of_all_lists_broken_and_valid_datasets(retailer):
    (retailer / "definitions/datasets/broken.yaml").write_text("dataset: {name: x}\n")
    said = run_refused("plan")
    assert "profiles: 1 to make" in said
    assert "sales: " in said
    assert "broken.yaml:1:" in said
    assert "name it, or leave them out" in run_refused("plan", "--from", "2017-02")
    assert "not published by Period" in run_refused("plan", "profiles", "--from", "2017-02")
    assert "sales has no Period 2017-01" in run_refused("backfill", "sales", "--from", "2017-01")
    assert "more are not complete: the first ends on" in run_refused("plan", "sales", "--to", "9000-01")
    assert "9000-01 is not complete" in run_refused("backfill", "sales", "--from", "9000-01")
    for empty in (("backfill", "sales", "--from", ""), ("plan", "profiles", "--to", "")):
        answer = run(*empty)
        assert answer.code == 2
        assert f"{empty[2]} is empty" in answer.err


def test_a_plan_of_all_says_which_have_not_begun(retailer):
    path = retailer / "definitions/datasets/sales.yaml"
    path.write_text(path.read_text().replace("start: 2017-02", "start: 9000-02"))
    said = run_ok("plan").err
    assert "profiles: 1 to make" in said
    assert "sales has no complete Period by " in said
    assert "sales has no complete Period by " in run_refused("plan", "sales")


def test_what_cannot_be_made_is_not_counted_as_to_make(retailer):
    entry = load_catalog(retailer / "definitions").entry("sales")
    due = StalePublication(None, (Reason(StalenessReason.REQUESTED),))
    held = replace(due, obstacles=(Fault("there is no such table"),))
    assert summary(Plan(entry, (held, due, due), up_to_date=4)) == (
        "sales: 2 to make, 1 cannot be made, 4 up to date"
    )


def test_an_unknown_state_is_reported_with_its_cause(retailer):
    run_ok("backfill", "sales", "--to", "2017-02")
    path = retailer / "data" / "retail" / "transactions.parquet"
    path.write_bytes(b"no Parquet at all")
    said = run_ok("plan", "sales", "--to", "2017-02").err
    assert "sales 2017-02 is left as it is: resolver" in said
    assert "sales: 0 to make, 1 up to date, 1 perhaps not" in said


def test_a_failure_does_not_stop_the_other_datasets(retailer):
    rewrite(retailer, "FROM {sales} UNION ALL FROM {sales} WHERE transaction_timestamp = '2017-01-01 12:00'")
    said = run_refused(
        "backfill", "sales", *ENDS
    )  # two months back from March: the first of January is in it
    assert "sales 2017-02: failed; 2 of 4, " in said
    assert "sales 2017-02: natural_key_unique" in said
    assert "1 of 4 failed, 3 are published; fix what is above, then run it again" in said
    rewrite(retailer, "SELECT DISTINCT * FROM {sales}")
    answer = run_ok("backfill", "sales", *ENDS)
    assert "sales 2017-02: 177 rows, 177 added" in answer.err
    assert "3 made, 2 of them unchanged" in answer.err, "their windows do not hold what was fixed"


def test_without_access_the_rest_is_not_tried(retailer, monkeypatch):
    run_ok("materialize", "profiles")
    tried = []

    def denied(*asked):
        tried.append(asked)
        raise AccessError(Fault("the credentials have expired"))

    monkeypatch.setattr(runs, "materialize", denied)
    said = run_refused("backfill", "sales", *ENDS)
    assert len(tried) == 1
    assert "sales 2017-02: the credentials have expired" in said
    assert "1 of 3 failed, 0 are published, 2 were not tried" in said
    assert retailer


def test_after_kill_9_the_remaining_periods_are_published_once(retailer):
    last = date(2017, 2, 1) + timedelta(days=PERIODS - 1)
    path = retailer / "definitions/datasets/sales.yaml"
    path.write_text(path.read_text().replace("month, start: 2017-02", f"day, start: 2017-02-01, end: {last}"))
    log = retailer / "warehouse" / "sales" / "_delta_log"
    command = [
        sys.executable,
        "-c",
        "from dataset_assets.interfaces.cli.main import main; main()",
        "backfill",
        "sales",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(log.glob("*.json"))) < PERIODS // 2:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9
    done = len(DeltaTable(log.parent).partitions())
    assert PERIODS // 2 <= done < PERIODS
    answer = run_ok("backfill", "sales")
    assert f"sales: {PERIODS - done} to make, {done} up to date" in summaries(answer.err)
    table = DeltaTable(log.parent)
    assert len(table.partitions()) == PERIODS
    assert table.version() == PERIODS - 1, "each was published once"
    assert not list((log.parent / "_staging").rglob("*.parquet"))


def new_home(tmp_path: Path, monkeypatch) -> None:
    """Set DAGSTER_HOME to a fresh instance."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))


@pytest.mark.usefixtures("retailer")
def test_publications_are_recorded_in_a_dagster_instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "nowhere"))
    assert "DAGSTER_HOME is no Dagster instance" in run_refused("materialize", "profiles")
    new_home(tmp_path, monkeypatch)
    run_ok("backfill", "sales", *ENDS)
    with dg.DagsterInstance.get() as instance:
        keys = [dg.AssetKey(["datasets", stem]) for stem in ("profiles", "sales")]
        assert instance.get_materialized_partitions(keys[1]) == {"2017-02", "2017-03", "2017-04"}
        event = instance.get_latest_materialization_event(keys[0])
    assert event
    materialization = event.asset_materialization
    assert materialization
    assert materialization.tags
    assert materialization.metadata["dagster/row_count"].value == 3
    assert materialization.tags["dagster/data_version"] == materialization.metadata["digest"].value


def evaluations(instance: dg.DagsterInstance, stem: str) -> dict[str, tuple[bool, str]]:
    key = dg.AssetKey(["datasets", stem])
    found = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
        dagster_event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    events = [entry.dagster_event for entry in found.values()]
    told = [event.asset_check_evaluation_data for event in events if event]
    return {each.check_name: (each.passed, each.description or "") for each in told if each.asset_key == key}


@pytest.mark.usefixtures("retailer")
def test_check_results_are_recorded_in_dagster(tmp_path, monkeypatch):
    new_home(tmp_path, monkeypatch)
    run_ok("backfill", "sales", *ENDS)
    with dg.DagsterInstance.get() as instance:
        found = evaluations(instance, "sales")
        assert found["natural_key_unique"] == (True, found["natural_key_unique"][1])
        assert len(found) >= 4
        assert found["declared_schema"][0]
        key = dg.AssetCheckKey(dg.AssetKey(["datasets", "sales"]), "natural_key_unique")
        [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        assert record.event
        assert record.event.dagster_event
        target = record.event.dagster_event.asset_check_evaluation_data.target_materialization_data
        assert target, "the page shows of which publication it is"


@pytest.mark.usefixtures("retailer")
def test_the_instance_of_the_current_project_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    run_ok("materialize", "profiles")
    assert not (tmp_path / ".dagster_storage").exists(), "there is no dagster.yaml"
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    run_ok("materialize", "profiles")
    assert not (tmp_path / ".dagster_storage").exists(), "it keeps nothing"
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    run_ok("materialize", "profiles")
    ref = InstanceRef.from_dir(str(tmp_path / "elsewhere"), config_dir=str(tmp_path))
    with dg.DagsterInstance.from_ref(ref) as instance:  # as `dagster dev` does
        assert instance.get_latest_materialization_event(dg.AssetKey(["datasets", "profiles"]))
        assert evaluations(instance, "profiles")


def test_the_history_of_publications_is_shown(retailer):
    assert "Nothing is published yet" in run_ok("show", "profiles", "--history").out
    run_ok("backfill", "sales", *ENDS)
    rewrite(retailer, "SELECT * FROM {sales} WHERE product_id <> 1 OR MONTH(transaction_timestamp) <> 3")
    run_ok("backfill", "sales", *ENDS)
    lines = [line.split() for line in run_ok("show", "sales", "--history").out.splitlines()]
    stamps = [line[0] for line in lines if line and line[0][:2] == "20"]
    assert len(stamps) > 3
    assert stamps == sorted(stamps, reverse=True)
    one = run_ok("show", "sales", "--history", "--partition", "2017-03", "--last", "1").out
    assert [line.split()[1] for line in one.splitlines() if line.startswith(" 20") or line[:2] == "20"] == [
        "2017-03"
    ]
    assert "there is no publication of 2031-01; published are: " in run_refused(
        "show", "sales", "--history", "--partition", "2031-01"
    )


def test_the_progress_estimates_the_remaining_time():
    seconds = iter((0, 10, 30, 7200))
    pace = ProgressEstimate(3, lambda: next(seconds))
    assert [pace.step() for _ in range(3)] == [
        "1 of 3, 10s, about 20s left",
        "2 of 3, 30s, about 15s left",
        "3 of 3, 2h 00m",
    ]
    assert duration_text(65) == "1m 05s"
