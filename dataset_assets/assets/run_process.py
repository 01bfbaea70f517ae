"""Tag each Dagster run with its process, so that other processes can detect that the run is dead.

The tag is needed only for the launcher that starts processes on the machine of the code server: launchers of
containers check their processes themselves.
"""

import os
import socket
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import ValidationError

from dataset_assets.model import Model

TAG = ".dagster/dataset_assets/worker"
"""Key of the tag, whose prefix hides it on Dagster's pages. A re-executed run has the tags of the first run,
so the value names the run that it belongs to."""

_STARTED = "Started process for run"
"""The beginning of the event that Dagster's code server writes from a run's new process."""


class RunProcess(Model):
    """The process of a run: its number `process` on the machine `host`.

    `began` distinguishes two processes that had the same number. It is the clock tick since the machine was
    started, which setting the clock does not change; empty if the system does not provide it.
    """

    run_id: str
    host: str
    process: int
    began: str

    @classmethod
    def on_this_machine(cls, run_id: str, process: int) -> Self:
        """Return the description of a process on this machine."""
        return cls(run_id=run_id, host=socket.gethostname(), process=process, began=_began(process))

    @classmethod
    def of(cls, run: dg.DagsterRun) -> Self | None:
        """Return the process of the run's tag; None without a tag, or with the tag of the re-executed run."""
        try:
            tagged = cls.model_validate_json(run.tags.get(TAG, ""))
        except ValidationError:
            return None
        return tagged if tagged.run_id == run.run_id else None

    @classmethod
    def of_events(cls, instance: dg.DagsterInstance, run: dg.DagsterRun) -> Self | None:
        """Return the process of the run's last start event, assumed to be on this machine; else None.

        Events lack the start time of a process, so a later process with the same number counts as the run's.
        """
        kinds = {dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_START}
        logs = instance.all_logs(run.run_id, of_type=kinds)
        process = next((pid for entry in reversed(logs) if (pid := _started(entry))), None)
        return (
            cls(run_id=run.run_id, host=socket.gethostname(), process=process, began="") if process else None
        )

    @property
    def is_gone(self) -> bool:
        """Whether the process has certainly ended. For a process of another machine this is never certain."""
        if self.host != socket.gethostname():
            return False
        return self.began != _began(self.process) if self.began else not _exists(self.process)


def tag_process(instance: dg.DagsterInstance, run: dg.DagsterRun, process: int | None = None) -> None:
    """Tag the run with its process, so that other processes can detect when that process is gone.

    It is called within a run. `process` is the number of the process, by default that of the run's start
    event. A launcher that checks its processes needs no tag. A run that a command executes has no launcher.
    """
    if run.remote_job_origin and instance.run_launcher.supports_check_run_worker_health:
        return
    stored = instance.get_run_by_id(run.run_id)
    if stored is None or (process is None and RunProcess.of(stored)):
        return
    process = process or _process(instance, run)
    if process:
        instance.add_run_tags(
            run.run_id, {TAG: RunProcess.on_this_machine(run.run_id, process).model_dump_json()}
        )


def _process(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_START).records
    events = [record.event_log_entry.dagster_event for record in records]
    return events[-1].pid if events and events[-1] else None


def _started(entry: dg.EventLogEntry) -> int | None:
    """Return the process that the event says was started for the run; None for other events."""
    event = entry.dagster_event
    if event is None or event.event_type is dg.DagsterEventType.RUN_START:
        return event.pid if event else None
    if not (event.message or "").startswith(_STARTED):
        return None
    number = event.engine_event_data.metadata["pid"].value
    return int(str(number))


def _began(process: int) -> str:
    """Return the start time of a process in clock ticks; empty if it does not exist or is a zombie."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _exists(process: int) -> bool:
    """Return whether a process with this number exists, for systems without start times."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
