"""A killed run keeps neither its pool slot nor its state, so that the next run of its dataset starts."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Timer
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext

from dataset_assets.assets.cleanup_sensor import end_orphans
from dataset_assets.assets.executor import _Slots, executor
from dataset_assets.assets.orphaned_runs import GRACE, free_gone_holders
from dataset_assets.assets.run_process import TAG, RunProcess
from tests.deploy.killed_runs import LIMIT, kills, prove

POOL = "brands"
LATER = timedelta(seconds=2 * GRACE)


@pytest.fixture
def stored(tmp_path):
    """An instance whose pools have one slot each, in files as a command of this machine has them."""
    (tmp_path / "home").mkdir()
    pools = "concurrency: {pools: {granularity: op, default_limit: 1}}\n"
    (tmp_path / "home" / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{pools}")
    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as found:
        yield found


def gone() -> int:
    """The number of a process that was there."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def executed(instance: dg.DagsterInstance, process: int, *, tagged: bool = True) -> dg.DagsterRun:
    """A run that a command executes: no code location launched it."""
    run = instance.run_storage.add_run(dg.DagsterRun(job_name=POOL))
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name=POOL, pid=process)
    instance.report_dagster_event(event, run.run_id)
    if tagged:
        began = RunProcess.on_this_machine(run.run_id, process)
        worker = began.model_copy(update={"began": began.began or "1"})
        instance.add_run_tags(run.run_id, {TAG: worker.model_dump_json()})
    return run


def claims(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return InstanceConcurrencyContext(instance, run).claim(POOL, "step")


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found.status


@pytest.mark.parametrize("tagged", [True, False])
def test_the_slot_of_a_dead_run_is_freed_and_the_run_ended(stored, tagged):
    dead, waiting = executed(stored, gone(), tagged=tagged), executed(stored, os.getpid())
    assert claims(stored, dead)
    assert not claims(stored, waiting)
    assert list(free_gone_holders(stored, datetime.now(UTC))) == [], "its code server may be about to end it"
    assert list(free_gone_holders(stored, datetime.now(UTC) + LATER)) == [dead.run_id]
    assert status(stored, dead) is dg.DagsterRunStatus.FAILURE
    assert status(stored, waiting) is dg.DagsterRunStatus.STARTED
    assert claims(stored, waiting)


def test_a_dead_run_that_only_waited_is_not_given_the_slot(stored):
    holder, dead = executed(stored, os.getpid()), executed(stored, gone())
    waiting = executed(stored, os.getpid())
    slots = InstanceConcurrencyContext(stored, holder)
    assert slots.claim(POOL, "step")
    assert not claims(stored, dead)
    assert not claims(stored, waiting)
    assert list(free_gone_holders(stored, datetime.now(UTC) + LATER)) == [dead.run_id]
    slots.free_step("step")
    assert claims(stored, waiting)


def test_the_slot_of_a_run_that_lives_is_left_alone(stored):
    alive, waiting = executed(stored, os.getpid()), executed(stored, os.getpid())
    assert claims(stored, alive)
    assert not claims(stored, waiting)
    assert list(free_gone_holders(stored, datetime.now(UTC) + LATER)) == []
    assert not claims(stored, waiting)


def test_the_slot_of_a_run_that_was_ended_by_another_or_deleted_is_freed(stored):
    ended, deleted = executed(stored, gone()), executed(stored, gone())
    assert claims(stored, ended)
    stored.report_run_failed(ended)
    assert list(free_gone_holders(stored, datetime.now(UTC))) == [ended.run_id]
    assert claims(stored, deleted)
    stored.run_storage.delete_run(deleted.run_id)
    assert list(free_gone_holders(stored, datetime.now(UTC))) == [deleted.run_id]
    assert claims(stored, executed(stored, os.getpid()))


def test_the_slot_of_a_canceled_run_that_still_works_is_left_alone(stored):
    alive = executed(stored, os.getpid())
    assert claims(stored, alive)
    stored.report_run_canceled(alive)
    assert list(free_gone_holders(stored, datetime.now(UTC) + LATER)) == []


def test_the_janitor_ends_a_run_that_a_command_executed(stored):
    dead, alive = executed(stored, gone()), executed(stored, os.getpid())
    assert claims(stored, dead)
    context = dg.SensorEvaluationContext(None, instance=stored)
    assert list(end_orphans(context, datetime.now(UTC) + LATER)) == [dead.run_id]
    assert status(stored, alive) is dg.DagsterRunStatus.STARTED
    assert claims(stored, alive)


def test_a_run_that_was_killed_before_it_began_is_ended(stored):
    """The daemon has launched it: its slot counts as taken, though nothing has claimed it."""
    run = stored.run_storage.add_run(dg.DagsterRun(job_name=POOL, status=dg.DagsterRunStatus.STARTING))
    number = gone()
    stored.report_engine_event(
        f"Started process for run (pid: {number}).", run, EngineEventData.in_process(number)
    )
    context = dg.SensorEvaluationContext(None, instance=stored)
    assert list(end_orphans(context, datetime.now(UTC))) == []
    assert list(end_orphans(context, datetime.now(UTC) + LATER)) == [run.run_id]


def test_a_run_that_waits_sleeps(stored):
    """Dagster's own answer, never above zero, keeps a processor busy."""
    assert claims(stored, executed(stored, os.getpid()))
    with _Slots(stored, executed(stored, os.getpid())) as slots:
        assert not slots.claim(POOL, "step")
        assert 0 < slots.interval_to_next_pending_claim_check() <= 1


@dg.op(pool=POOL)
def work() -> None:
    pass


@dg.job(executor_def=executor)
def nightly() -> None:
    work()


def test_a_run_says_which_process_it_is_before_it_waits_and_begins_when_the_holder_has_died(stored):
    holder = executed(stored, gone())
    assert claims(stored, holder)
    age(stored, holder, GRACE + 1)
    begun = time.monotonic()
    with dg.execute_job(dg.reconstructable(nightly), stored) as result:
        assert result.success
    assert time.monotonic() - begun < 15
    assert status(stored, holder) is dg.DagsterRunStatus.FAILURE
    assert stored.event_log_storage.get_concurrency_run_ids() == set()
    told = stored.get_run_by_id(result.run_id)
    assert RunProcess.of(told) == RunProcess.on_this_machine(result.run_id, os.getpid())


def age(instance: dg.DagsterInstance, run: dg.DagsterRun, seconds: float) -> None:
    """Its last event was so long ago."""
    storage: Any = instance.event_log_storage
    event = dg.DagsterEvent(
        dg.DagsterEventType.ENGINE_EVENT.value, job_name=POOL, event_specific_data=EngineEventData()
    )
    entry = dg.EventLogEntry(
        error_info=None, level="info", user_message="", run_id=run.run_id, job_name=POOL,
        timestamp=time.time() - seconds, dagster_event=event,
    )  # fmt: skip
    storage.store_event(entry)


@dg.op(pool=POOL)
def interrupted() -> None:
    Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    time.sleep(20)


@dg.job(executor_def=executor)
def stopped() -> None:
    interrupted()


def test_an_interrupt_leaves_no_slot(stored):
    with pytest.raises((KeyboardInterrupt, dg.DagsterExecutionInterruptedError)):
        dg.execute_job(dg.reconstructable(stopped), stored, raise_on_error=True)
    assert stored.event_log_storage.get_concurrency_run_ids() == set()
    assert claims(stored, executed(stored, os.getpid()))


def test_after_a_command_was_killed_the_next_one_begins_without_a_daemon(tmp_path):
    """Both have processes of their own, and the first one is killed while it has the slot."""
    found = kills(tmp_path)
    run = found.kill("dagster job execute")
    assert found.follow("dg launch") < LIMIT
    assert found.status(run) is dg.DagsterRunStatus.FAILURE


if os.environ.get("DATASET_ASSETS_PROVE"):  # it takes more than an hour

    def test_of_each_kind_of_run_twenty_are_killed():
        assert prove(20) == 0
