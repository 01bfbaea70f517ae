"""What nobody else ends: runs whose process is gone, and what they left in the warehouse.

Dagster's run monitor asks the launcher how a run's process is. Launchers of containers know; the one that
starts processes on this machine knows as long as its own process lives. When all of them were killed at once,
or a command executed the run itself, it stays "started" until `max_runtime_seconds`, and its dataset waits.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.orphaned_runs import UNFINISHED, end_if_gone, free_gone_holders
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.publishing.leftovers import AGE, clean

SENSOR = "janitor"
INTERVAL = 30
"""Seconds between two looks, at least."""
PATIENCE = 20.0
"""Seconds of one look that are spent on cleaning; Dagster gives up a look after 60. The next one goes on."""

_ABOUT = "Ends runs whose process is gone, and once a day removes what they left in the warehouse"


def janitor(binding: TargetBinding, name: str = SENSOR) -> dg.SensorDefinition:
    """The sensor of a code location. Its cursor is the day on which it cleaned last."""

    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        told = [f"ended the run {run}" for run in end_orphans(context, now)]
        today, done = now.date().isoformat(), context.cursor
        if done != today:
            removed, is_all = _cleaned(binding, now)
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


def _cleaned(binding: TargetBinding, now: datetime) -> tuple[list[str], bool]:
    """What was removed or stood in the way, and whether it is all for today."""
    told: list[str] = []
    end = time.monotonic() + PATIENCE
    try:
        for each in clean(binding.target, now, AGE) if binding.target else ():
            told.append(f"removed {each.name}")
            if time.monotonic() > end:
                return told, False
    except DatasetAssetsError as error:
        told.append(str(error))
    return told, True


def end_orphans(context: dg.SensorEvaluationContext, now: datetime) -> Iterator[str]:
    """The runs of this code location that count as failed from now on; they may be tried again.

    Runs that a command executed have no code location: any janitor of their machine ends them. Slots of runs
    that were ended otherwise are freed as well.
    """
    instance = context.instance
    for record in instance.get_run_records(dg.RunsFilter(statuses=list(UNFINISHED))):
        run = record.dagster_run
        if _is_ours(context, run) and end_if_gone(instance, run, now):
            yield run.run_id
    for _ in free_gone_holders(instance, now):
        pass


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Others look after those of another code location."""
    ours, theirs = context.code_location_origin, run.remote_job_origin
    return theirs is None or (ours is not None and ours.location_name == theirs.location_name)
