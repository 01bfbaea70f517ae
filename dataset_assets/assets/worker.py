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

    @property
    def is_gone(self) -> bool:
        """Whether it is certain: of another machine's processes nothing is."""
        if self.host != socket.gethostname():
            return False
        return self.began != _began(self.process) if self.began else not _answers(self.process)


def announce(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Called within a run. One that nobody launched, as a test's or a command's, ends with who began it."""
    if run.remote_job_origin is None or instance.run_launcher.supports_check_run_worker_health:
        return
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_START).records
    events = [record.event_log_entry.dagster_event for record in records]
    process = events[-1].pid if events and events[-1] else None
    if process:
        instance.add_run_tags(run.run_id, {TAG: Worker.here(run.run_id, process).model_dump_json()})


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
