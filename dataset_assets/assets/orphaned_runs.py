"""Runs whose process is gone: they are ended, and the slots of their pools are freed at once.

Dagster ends such a run, and frees its slot, only where its launcher can check on processes and a daemon runs.
A command such as `dagster job execute` has no launcher, and often no daemon beside it.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from dataset_assets.assets.run_process import Worker

GRACE = 20.0
"""Seconds since a run's last event in which its code server may still end the run itself."""

UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


def end_if_gone(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    """Report an unfinished run as failed and free its slots, if its process is certainly gone.

    Returns whether it did. A run with an event of the last GRACE seconds is left alone.
    """
    worker = _worker(instance, run)
    if not (worker and worker.is_gone and _is_quiet(instance, run, now) and _goes_on(instance, run)):
        return False
    instance.report_run_failed(run, f"The process {worker.process} of this run is gone")
    free_slots(instance, run.run_id)
    return True


def free_slots(instance: dg.DagsterInstance, run_id: str) -> None:
    """Free every slot that a run has, and every place where it waits for one."""
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)


def free_gone_holders(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    """Free the slots of runs whose process is gone, and end those runs. Yields the runs' ids.

    Both the runs that have a slot and those that wait for one are examined: a slot is given to the first in
    line, whether its process still lives or not.
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


def _worker(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Worker | None:
    """The process that the run's tag names, else the one of its events.

    Events name no machine. Dagster's SQLite files are on a disk of one machine: this one.
    """
    found = Worker.of(run)
    if found or not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        return found
    return Worker.of_events(instance, run)


def _is_quiet(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    """By its last event. When its record was written PostgreSQL tells in a time zone of its own."""
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return not last or now.timestamp() - last[0].event_log_entry.timestamp >= GRACE


def _goes_on(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Still: another process may have ended it by now, or it came to its own end before its process did."""
    found = instance.get_run_by_id(run.run_id)
    return found is not None and not found.is_finished
