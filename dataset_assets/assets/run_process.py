"""Which process a run is, told by the run itself, so that others can find out whether it is still there.

Only for the launcher that starts processes where the code server is: those of containers know better.
"""

import os
import socket
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import ValidationError

from dataset_assets.model import Model

TAG = ".dagster/dataset_assets/worker"
"""On a run; its beginning keeps it off Dagster's pages. One that is started again has the tags of the first:
`run_id` says whose it is."""

_STARTED = "Started process for run"
"""The beginning of the event that Dagster's code server writes from a run's new process."""


class Worker(Model):
    """`host` is the machine's name. `began` tells two processes apart that had the same number.

    It is the clock tick since the machine was started, which setting the clock does not change; empty where
    the system does not tell.
    """

    run_id: str
    host: str
    process: int
    began: str

    @classmethod
    def here(cls, run_id: str, process: int) -> Self:
        """A process of this machine."""
        return cls(run_id=run_id, host=socket.gethostname(), process=process, began=_began(process))

    @classmethod
    def of(cls, run: dg.DagsterRun) -> Self | None:
        """None where the run did not tell, or has only the tag of the one that it repeats."""
        try:
            found = cls.model_validate_json(run.tags.get(TAG, ""))
        except ValidationError:
            return None
        return found if found.run_id == run.run_id else None

    @classmethod
    def of_events(cls, instance: dg.DagsterInstance, run: dg.DagsterRun) -> Self | None:
        """The process that the run's last start names, taken for one of this machine; None before any start.

        Events do not say when a process began: another one that has its number by now counts as the run's.
        """
        kinds = {dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_START}
        logs = instance.all_logs(run.run_id, of_type=kinds)
        process = next((pid for entry in reversed(logs) if (pid := _started(entry))), None)
        return (
            cls(run_id=run.run_id, host=socket.gethostname(), process=process, began="") if process else None
        )

    @property
    def is_gone(self) -> bool:
        """Whether it is certain: of another machine's processes nothing is."""
        if self.host != socket.gethostname():
            return False
        return self.began != _began(self.process) if self.began else not _answers(self.process)


def announce(instance: dg.DagsterInstance, run: dg.DagsterRun, process: int | None = None) -> None:
    """Tag the run with its process, so that others can tell when that process is gone.

    Called within a run. `process`: its number, else that of the run's start. A launcher that checks on what
    it launched needs no tag; a run that a command executes has no launcher.
    """
    if run.remote_job_origin and instance.run_launcher.supports_check_run_worker_health:
        return
    known = instance.get_run_by_id(run.run_id)
    if known is None or (process is None and Worker.of(known)):
        return
    process = process or _process(instance, run)
    if process:
        instance.add_run_tags(run.run_id, {TAG: Worker.here(run.run_id, process).model_dump_json()})


def _process(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_START).records
    events = [record.event_log_entry.dagster_event for record in records]
    return events[-1].pid if events and events[-1] else None


def _started(entry: dg.EventLogEntry) -> int | None:
    """The process that this event says was started for the run."""
    event = entry.dagster_event
    if event is None or event.event_type is dg.DagsterEventType.RUN_START:
        return event.pid if event else None
    if not (event.message or "").startswith(_STARTED):
        return None
    number = event.engine_event_data.metadata["pid"].value
    return int(str(number))


def _began(process: int) -> str:
    """Empty for one that is not there, or only waits for somebody to ask how it ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _answers(process: int) -> bool:
    """For systems that tell no more of a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
