"""What nobody else ends: runs whose process is gone, and what they left in the warehouse.

Dagster's run monitor asks the launcher how a run's process is. Launchers of containers know; the one that
starts processes on this machine knows as long as its own process lives. When all of them were killed at once,
a run stays "started" until `max_runtime_seconds`, and its dataset waits for it.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.resource import Placement
from dataset_assets.assets.worker import Worker
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.janitor import AGE, clean

SENSOR = "janitor"
INTERVAL = 60
"""Seconds between two looks, at least."""
GRACE = 60.0
"""Seconds since the last sign of a run: so long somebody else may still be about to end it."""
PATIENCE = 20.0
"""Seconds of one look that are spent on cleaning; Dagster gives up a look after 60. The next one goes on."""

_ABOUT = "Ends runs whose process is gone, and once a day removes what they left in the warehouse"


def janitor(placement: Placement, name: str = SENSOR) -> dg.SensorDefinition:
    """The sensor of a code location. Its cursor is the day on which it cleaned last."""

    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        told = [f"ended the run {run}" for run in end_orphans(context, now)]
        today, done = now.date().isoformat(), context.cursor
        if done != today:
            removed, is_all = _cleaned(placement, now)
            told += removed
            done = today if is_all else done
        return dg.SensorResult(cursor=done, skip_reason="; ".join(told) or "nothing to do")

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=look,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def _cleaned(placement: Placement, now: datetime) -> tuple[list[str], bool]:
    """What was removed or stood in the way, and whether it is all for today."""
    told: list[str] = []
    end = time.monotonic() + PATIENCE
    try:
        for each in clean(placement.target, now, AGE) if placement.target else ():
            told.append(f"removed {each.name}")
            if time.monotonic() > end:
                return told, False
    except DatasetAssetsError as error:
        told.append(str(error))
    return told, True


def end_orphans(context: dg.SensorEvaluationContext, now: datetime) -> Iterator[str]:
    """The runs of this code location that count as failed from now on; they may be tried again."""
    instance = context.instance
    if instance.run_launcher.supports_check_run_worker_health:
        return
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for record in instance.get_run_records(filters):
        run = record.dagster_run
        worker = Worker.of(run) if _is_ours(context, run) else None
        if worker and worker.is_gone and _is_quiet(instance, run, now) and _goes_on(instance, run):
            instance.report_run_failed(run, f"The process {worker.process} of this run is gone")
            yield run.run_id


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Others look after those of another code location."""
    ours, theirs = context.code_location_origin, run.remote_job_origin
    return bool(ours and theirs) and ours.location_name == theirs.location_name


def _is_quiet(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    """By its last event. When its record was written PostgreSQL tells in a time zone of its own."""
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return not last or now.timestamp() - last[0].event_log_entry.timestamp >= GRACE


def _goes_on(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Still: another janitor may have ended it by now, or it came to its own end before its process did."""
    found = instance.get_run_by_id(run.run_id)
    return found is not None and not found.is_finished
