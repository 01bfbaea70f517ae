"""What nobody else ends: runs whose process is gone, and what they left in the warehouse.

Dagster's run monitor asks the launcher how a run's process is. Launchers of containers know; the one that
starts processes on this machine knows as long as its own process lives. When all of them were killed at once,
a run stays "started" until `max_runtime_seconds`, and its dataset waits for it.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from dataset_assets.assets.resource import Placement
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.janitor import AGE, clean

SENSOR = "janitor"
INTERVAL = 60
"""Seconds between two looks, at least."""
GRACE = 60.0
"""Seconds since the last sign of a run: so long somebody else may still be about to end it."""
SLACK = 60.0
"""Seconds by which somebody may have set the clock since a run began."""

_ABOUT = "Ends runs whose process is gone, and once a day removes what they left in the warehouse"


def janitor(placement: Placement, interval: int = INTERVAL, name: str = SENSOR) -> dg.SensorDefinition:
    """The sensor of a code location. Its cursor is the day on which it cleaned last."""

    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        told = [f"ended the run {run}" for run in end_orphans(context, now)]
        today = now.date().isoformat()
        if context.cursor != today:
            told += _cleaned(placement, now)
        return dg.SensorResult(cursor=today, skip_reason="; ".join(told) or "nothing to do")

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=look,
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def _cleaned(placement: Placement, now: datetime) -> Iterator[str]:
    if placement.target is None:
        return
    try:
        for each in clean(placement.target, now, AGE):
            yield f"removed {each.name}"
    except DatasetAssetsError as error:
        yield str(error)


def end_orphans(context: dg.SensorEvaluationContext, now: datetime) -> Iterator[str]:
    """The runs of this code location that count as failed from now on; they may be tried again."""
    instance = context.instance
    if instance.run_launcher.supports_check_run_worker_health:
        return
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for record in instance.get_run_records(filters):
        run = record.dagster_run
        if now.timestamp() - record.update_timestamp.replace(tzinfo=UTC).timestamp() < GRACE:
            continue
        process = _process(instance, run.run_id) if _is_ours(context, run) else None
        if process and record.start_time and not is_alive(process, record.start_time):
            instance.report_run_failed(run, f"The process {process} of this run is gone")
            yield run.run_id


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Process ids of another code location may be those of another machine."""
    ours, theirs = context.code_location_origin, run.remote_job_origin
    return bool(ours and theirs) and ours.location_name == theirs.location_name


def _process(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """Of the last event that a process of the run told of itself."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_START).records
    events = [record.event_log_entry.dagster_event for record in records]
    return events[-1].pid if events and events[-1] else None


def is_alive(process: int, since: float) -> bool:
    """Whether a process of that number has been there `since` then. Numbers are used again."""
    stat = Path(f"/proc/{process}/stat")
    if not Path("/proc/self/stat").exists():
        return _answers(process)
    try:
        fields = stat.read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return False
    began = datetime.now(UTC).timestamp() - uptime + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0] not in "ZX" and began <= since + SLACK


def _answers(process: int) -> bool:
    """For systems that tell no more of a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
