"""The Dagster sensor `janitor`, which ends runs whose process is gone and removes leftovers and old samples.

Dagster's run monitor queries the launcher for the state of a run's process. Launchers of containers know it.
The launcher that starts processes on this machine knows it only while its own process lives. If all processes
were killed at once, or if a command executed the run, the run stays "started" until `max_runtime_seconds`,
and its dataset waits.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.orphaned_runs import UNFINISHED, end_if_gone, free_gone_holders
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Leftover
from dataset_assets.publishing.leftovers import AGE, clean, remove_samples

SENSOR = "janitor"
INTERVAL = 30
"""Seconds between two ticks, at least."""
CLEANING_SECONDS = 20.0
"""Seconds of one tick that are spent on cleaning, as Dagster cancels a tick after 60. The next continues."""

_ABOUT = "Ends runs whose process is gone, and once a day removes what they left, and old samples"


def cleanup_sensor(binding: TargetBinding, name: str = SENSOR) -> dg.SensorDefinition:
    """Return the sensor of a code location. Its cursor is the day on which cleaning was last completed."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        actions = [f"ended the run {run}" for run in end_orphans(context, now)]
        today, done = now.date().isoformat(), context.cursor
        if done != today:
            removed, is_all = _clean(binding, now)
            actions += removed
            done = today if is_all else done
        return dg.SensorResult(cursor=done, skip_reason="; ".join(actions) or "nothing to do")

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=tick,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def _clean(binding: TargetBinding, now: datetime) -> tuple[list[str], bool]:
    """Remove leftovers and old samples; return a line for each, and whether this is completed for today."""
    lines: list[str] = []
    deadline = time.monotonic() + CLEANING_SECONDS
    try:
        for each in _removed(binding.target, now) if binding.target else ():
            lines.append(f"removed {each.name}")
            if time.monotonic() > deadline:
                return lines, False
    except DatasetAssetsError as error:
        lines.append(str(error))
    return lines, True


def _removed(target: Target, now: datetime) -> Iterator[Leftover]:
    yield from clean(target, now, AGE)
    yield from remove_samples(target, now)


def end_orphans(context: dg.SensorEvaluationContext, now: datetime) -> Iterator[str]:
    """End the runs of this code location whose process is gone, and yield their ids; they may be retried.

    Runs that a command executed have no code location: the janitor of any code location on their machine ends
    them. The concurrency slots of runs that ended in another way are freed as well.
    """
    instance = context.instance
    for record in instance.get_run_records(dg.RunsFilter(statuses=list(UNFINISHED))):
        run = record.dagster_run
        if _is_ours(context, run) and end_if_gone(instance, run, now):
            yield run.run_id
    for _ in free_gone_holders(instance, now):
        pass


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Return whether a run belongs to this code location or to none."""
    ours, theirs = context.code_location_origin, run.remote_job_origin
    return theirs is None or (ours is not None and ours.location_name == theirs.location_name)
