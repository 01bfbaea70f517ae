"""What broken runs leave: files in the warehouse, and runs that nobody ends."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from deltalake import DeltaTable
from sqlglot import parse_one

from dataset_assets.assets.janitor import GRACE, SENSOR, end_orphans
from dataset_assets.assets.worker import Worker, announce
from dataset_assets.janitor import AGE, clean, leftovers
from dataset_assets.periods.calendar import Calendars
from dataset_assets.ports.warehouse import Publication
from dataset_assets.target import Target
from resources import delta_leftovers, delta_warehouse
from resources.target import load_target
from tests.interfaces.running import refused, well

DAY = timedelta(days=1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def target(retailer) -> Target:
    return load_target(retailer.settings.target, Calendars())


def in_a_day() -> datetime:
    return datetime.now(UTC) + DAY


def stage(target: Target, stem: str, period: str | None) -> None:
    """As a run does that then dies."""
    with target.engine.connect() as session:
        claim = target.warehouse.claim(stem, period, "killed", session)
        query: Any = parse_one("SELECT 1 AS a, CAST(NULL AS VARCHAR) AS _period", dialect="duckdb")
        target.warehouse.stage(claim, query, session)


def current(target: Target, stem: str, period: str | None) -> Publication | None:
    with target.engine.connect() as session:
        return target.warehouse.current(stem, period, session)


def test_staged_rows_are_removed_when_they_are_old_and_published_ones_never(retailer, instance, target):
    assert retailer.materialize(instance, "brands").success
    assert retailer.materialize(instance, "monthly", first="2024-02", last="2024-03").success
    before = current(target, "monthly", "2024-03")
    stage(target, "brands", None)
    stage(target, "monthly", "2024-03")
    now = datetime.now(UTC)
    assert list(leftovers(target, now, DAY)) == [], "of a run that may go on yet"
    found = list(leftovers(target, now + DAY, DAY))
    assert [each.name.split("/")[:3] for each in found] == [
        ["brands", "_staging", "_"],
        ["monthly", "_staging", "_period=2024-03"],
    ]
    assert all(each.size_bytes for each in found)
    assert list(clean(target, now + DAY, DAY)) == found
    assert list(leftovers(target, now + DAY, DAY)) == []
    after = current(target, "monthly", "2024-03")
    assert before
    assert after
    assert after.record == before.record
    assert retailer.materialize(instance, "brands").success


def test_rows_in_place_that_were_not_committed_are_removed(retailer, instance, target, monkeypatch):
    def die(*_: Any) -> int:
        raise RuntimeError("killed")

    assert retailer.materialize(instance, "brands").success
    pq.write_table(
        pa.table({"product_id": [0, 1], "brand": ["z", "z"]}), retailer.root / "data" / "products.parquet"
    )
    monkeypatch.setattr(delta_warehouse, "_commit", die)
    assert not retailer.materialize(instance, "brands").success
    monkeypatch.undo()
    (left,) = leftovers(target, in_a_day(), DAY)
    folder = retailer.root / "warehouse"
    assert (folder / left.name).exists()
    record = folder / "brands" / "_records" / Path(left.name).relative_to("brands").with_suffix(".json")
    assert record.exists()
    assert list(clean(target, in_a_day(), DAY)) == [left]
    assert not (folder / left.name).exists()
    assert not record.exists()
    assert current(target, "brands", None)


def test_the_log_of_a_table_is_read_once_however_many_periods_it_has(retailer, instance, target, monkeypatch):
    """It is looked at within a tick of the daemon, for all datasets."""
    assert retailer.materialize(instance, "monthly", first="2024-02", last="2024-05").success
    opened = []

    def counting(path: Path) -> DeltaTable:
        opened.append(path.name)
        return DeltaTable(path)

    monkeypatch.setattr(delta_leftovers, "DeltaTable", counting)
    assert list(leftovers(target, in_a_day(), DAY)) == []
    assert opened == ["monthly"]


def test_rows_that_only_time_travel_still_needs_stay(retailer, instance, target):
    """As after a tool that rewrites the table's files."""
    assert retailer.materialize(instance, "brands").success
    table = DeltaTable(retailer.root / "warehouse" / "brands")
    table.delete("product_id = 0")
    assert len(DeltaTable(retailer.root / "warehouse" / "brands").history()) == 2
    assert list(leftovers(target, in_a_day(), DAY)) == []


def test_the_command_says_what_it_removes(retailer, instance, target, monkeypatch):
    assert retailer.materialize(instance, "brands").success
    stage(target, "brands", None)
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.settings.definitions))
    assert "there is nothing to remove" in well("clean").err
    assert "would be removed: brands/_staging/_/" in well("clean", "--older-than", "0m", "--dry-run").out
    assert "removed: brands/_staging/_/" in well("clean", "--older-than", "0m").out
    assert "there is nothing to remove" in well("clean", "--older-than", "0m").err
    assert "'soon' is not an age; write it as 30m, 24h or 7d" in refused("clean", "--older-than", "soon")


def location(name: str) -> CodeLocationOrigin:
    made: Any = ManagedGrpcPythonEnvCodeLocationOrigin
    return made(LoadableTargetOrigin(module_name=name), name)


def started(instance: dg.DagsterInstance, process: int, at: str = "definitions", parent: str = "") -> str:
    """A run of a code location whose process has told that it began, and nothing since."""
    inherited = instance.get_run_by_id(parent)
    run = instance.run_storage.add_run(
        dg.DagsterRun(
            job_name="nightly",
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location(at), "repository"), "nightly"),
            tags=inherited.tags if inherited else None,
        )
    )
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name="nightly", pid=process)
    instance.report_dagster_event(event, run.run_id)
    return run.run_id


def launched(instance: dg.DagsterInstance, process: int, at: str = "definitions") -> str:
    """One that has come to a dataset as well."""
    run_id = started(instance, process, at)
    run = instance.get_run_by_id(run_id)
    assert run
    announce(instance, run)
    return run_id


def process() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def ended(running: subprocess.Popen) -> None:
    assert running.stdin
    running.stdin.close()
    running.kill()
    running.wait()


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2 * GRACE)


@pytest.fixture
def context(instance) -> dg.SensorEvaluationContext:
    return dg.SensorEvaluationContext(None, instance=instance, code_location_origin=location("definitions"))


def test_a_run_whose_process_is_gone_is_ended_and_one_that_lives_is_not(instance, context):
    running = process()
    gone, alive = launched(instance, running.pid), launched(instance, os.getpid())
    elsewhere = launched(instance, running.pid, at="another")
    assert list(end_orphans(context, later())) == []
    ended(running)
    assert list(end_orphans(context, datetime.now(UTC))) == [], "somebody may be about to end it"
    assert list(end_orphans(context, later())) == [gone]
    assert status(instance, gone) is dg.DagsterRunStatus.FAILURE
    assert status(instance, alive) is dg.DagsterRunStatus.STARTED
    assert status(instance, elsewhere) is dg.DagsterRunStatus.STARTED, "its own janitor ends it"
    assert list(end_orphans(context, later())) == []


def test_a_run_that_was_launched_tells_which_process_it_is(retailer, instance):
    job = retailer.definitions().resolve_implicit_global_asset_job_def()
    assets = frozenset({dg.AssetKey(["datasets", "brands"])})
    plan = create_execution_plan(job.get_subset(asset_selection=assets))
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location("definitions"), "repository"), job.name)
    run = instance.create_run_for_job(
        job, execution_plan=plan, asset_selection=assets, remote_job_origin=origin
    )
    assert execute_run(InMemoryJob(job).get_subset(asset_selection=assets), run, instance).success
    told = instance.get_run_by_id(run.run_id)
    assert Worker.of(told) == Worker.here(run.run_id, os.getpid())


def test_runs_of_another_machine_are_left_alone(instance, context, monkeypatch):
    """Of several that share a database: the numbers of their processes mean nothing here."""
    running = process()
    launched(instance, running.pid)
    ended(running)
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert list(end_orphans(context, later())) == []
    monkeypatch.undo()
    assert len(list(end_orphans(context, later()))) == 1


def test_a_run_that_repeats_another_is_not_taken_for_it(instance, context):
    """It has the first one's tags, until it comes to its own dataset."""
    running = process()
    first = launched(instance, running.pid)
    started(instance, os.getpid(), parent=first)
    ended(running)
    assert list(end_orphans(context, later())) == [first]


def test_what_ended_while_the_janitor_looked_is_not_ended_again(instance, context):
    running = process()
    first, second = launched(instance, running.pid), launched(instance, running.pid)
    ended(running)
    looking = end_orphans(context, later())
    found = next(looking)
    (other,) = {first, second} - {found}
    run = instance.get_run_by_id(other)
    assert run
    instance.report_run_canceled(run)
    assert list(looking) == []
    assert status(instance, other) is dg.DagsterRunStatus.CANCELED


def test_a_number_that_another_process_has_by_now_is_not_taken_for_the_runs():
    worker = Worker.here("a", os.getpid())
    assert not worker.is_gone
    assert worker.model_copy(update={"began": "1"}).is_gone


def test_without_proc_a_process_that_answers_is_there(monkeypatch):
    monkeypatch.setattr("dataset_assets.assets.worker._began", lambda _: "")
    running = process()
    worker = Worker.here("a", running.pid)
    assert not worker.is_gone
    ended(running)
    assert worker.is_gone


def test_the_sensor_of_the_code_location_cleans_once_a_day(retailer, instance, target, monkeypatch):
    stage(target, "brands", None)
    monkeypatch.setattr("dataset_assets.assets.janitor.AGE", timedelta(0))
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    first = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert first.skip_message
    assert first.skip_message.startswith("removed brands/_staging/_/")
    stage(target, "brands", None)
    again = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=first.cursor))
    assert again.skip_message == "nothing to do"
    assert len(list(leftovers(target, in_a_day(), DAY))) == 1


def test_what_the_code_server_may_not_remove_is_left_for_the_day(retailer, instance, target, monkeypatch):
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "/warehouse/brands")

    stage(target, "brands", None)
    monkeypatch.setattr("dataset_assets.assets.janitor.AGE", timedelta(0))
    monkeypatch.setattr(Path, "unlink", refused)
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert tick.skip_message
    assert tick.skip_message.startswith(
        "the warehouse cannot be cleaned: Permission denied: /warehouse/brands; "
    )
    assert tick.cursor


def test_cleaning_that_takes_long_is_gone_on_with_at_the_next_look(retailer, instance, target, monkeypatch):
    for period in ("2024-02", "2024-03"):
        stage(target, "monthly", period)
    monkeypatch.setattr("dataset_assets.assets.janitor.AGE", timedelta(0))
    monkeypatch.setattr("dataset_assets.assets.janitor.PATIENCE", 0.0)
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    cursor, left = None, []
    for _ in range(3):
        cursor = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor)).cursor
        left.append(len(list(leftovers(target, in_a_day(), DAY))))
    assert left == [1, 0, 0]
    assert cursor


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml", "deploy/values.yaml"])
def test_no_run_may_take_longer_than_what_it_staged_is_left_alone(file):
    settings = yaml.safe_load((ROOT / file).read_text())
    monitoring = settings.get("additionalInstanceConfig", settings)["run_monitoring"]
    assert monitoring["enabled"]
    assert timedelta(seconds=monitoring["max_runtime_seconds"]) <= AGE
