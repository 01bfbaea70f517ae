"""The sensor `janitor` ends runs whose process is gone."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
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

from dataset_assets.assets.cleanup_sensor import end_orphans
from dataset_assets.assets.orphaned_runs import GRACE
from dataset_assets.assets.run_process import RunProcess, tag_process
from dataset_assets.publishing.leftovers import AGE

ROOT = Path(__file__).parents[2]


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
    tag_process(instance, run)
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
    assert RunProcess.of(told) == RunProcess.on_this_machine(run.run_id, os.getpid())


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
    worker = RunProcess.on_this_machine("a", os.getpid())
    assert not worker.is_gone
    assert worker.model_copy(update={"began": "1"}).is_gone


def test_without_proc_a_process_that_answers_is_there(monkeypatch):
    monkeypatch.setattr("dataset_assets.assets.run_process._began", lambda _: "")
    running = process()
    worker = RunProcess.on_this_machine("a", running.pid)
    assert not worker.is_gone
    ended(running)
    assert worker.is_gone


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml", "deploy/values.yaml"])
def test_no_run_may_take_longer_than_what_it_staged_is_left_alone(file):
    settings = yaml.safe_load((ROOT / file).read_text())
    monitoring = settings.get("additionalInstanceConfig", settings)["run_monitoring"]
    assert monitoring["enabled"]
    assert timedelta(seconds=monitoring["max_runtime_seconds"]) <= AGE
