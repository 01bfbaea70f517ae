"""End Dagster runs whose process is gone, and free their concurrency slots at once.

Dagster ends such a run, and frees its slot, only if the launcher can check processes and a daemon runs.
A command such as `dagster job execute` has no launcher, and often no daemon beside it.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from dataset_assets.assets.run_process import RunProcess

GRACE = 20.0
"""Seconds since a run's last event in which its code server may still end the run itself."""

UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


def end_if_gone(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    """Report an unfinished run as failed and free its slots, if its process is certainly gone.

    Returns whether it was reported. A run with an event in the last GRACE seconds is left unchanged.
    """
    worker = _worker(instance, run)
    if not (worker and worker.is_gone and _is_quiet(instance, run, now) and _is_unfinished(instance, run)):
        return False
    instance.report_run_failed(run, f"The process {worker.process} of this run is gone")
    free_slots(instance, run.run_id)
    return True


def free_slots(instance: dg.DagsterInstance, run_id: str) -> None:
    """Free every slot that a run has, and remove it from every queue for one."""
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)


def free_gone_holders(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    """Free the slots of runs whose process is gone, end those runs, and yield their ids.

    Both the runs that have a slot and those that wait for one are examined: a slot is given to the first in
    the queue, whether its process still lives or not.
    """
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for run_id in storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None:
            free_slots(instance, run_id)
            yield run_id
        elif not run.is_finished:
            if end_if_gone(instance, run, now):
                yield run_id
        elif (worker := _worker(instance, run)) and worker.is_gone:
            free_slots(instance, run_id)
            yield run_id


def _worker(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunProcess | None:
    """Return the process of the run's tag, else of its events; None if neither names one.

    Events do not name the machine. With SQLite storage it is this one, as the files are on a local disk.
    """
    worker = RunProcess.of(run)
    if worker or not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        return worker
    return RunProcess.of_events(instance, run)


def _is_quiet(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    """Return whether the last event is older than GRACE.

    The time of the event is used: PostgreSQL returns the time of the record in a time zone of its own.
    """
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return not last or now.timestamp() - last[0].event_log_entry.timestamp >= GRACE


def _is_unfinished(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the stored run is still unfinished: it may have ended after it was read."""
    stored = instance.get_run_by_id(run.run_id)
    return stored is not None and not stored.is_finished
