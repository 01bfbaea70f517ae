"""Run Dagster's own sensor daemon over both sensors, in a process that can be killed.

Its ticks follow one another without a pause.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon import sensor as sensor_daemon

from tests.assets.retailer import Retailer

PATIENCE = 120
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "tests.assets.daemon",
        "tests.assets.sensor_process",
        "dataset_assets.adapters.targets.loading",
        "pyarrow.parquet",
    ]
)
"""Starting Dagster takes seconds, forking a process that has it none."""


@dataclass(frozen=True)
class Daemon:
    """The process, and what it tells: that its code location is loaded, that a tick is over."""

    process: BaseProcess
    ready: Event
    ticked: Event

    def wait(self, event: Event) -> None:
        until = time.monotonic() + PATIENCE
        while not event.wait(0.1):
            assert self.process.is_alive() or event.is_set()
            assert time.monotonic() < until

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


def start(retailer: Retailer, home: Path, *, dies_at: int | None = None) -> Daemon:
    """`dies_at`: so often it writes something to Dagster's storage, and then it kills itself."""
    ready, ticked = SERVER.Event(), SERVER.Event()
    process = SERVER.Process(target=_run, args=(retailer, home, dies_at, ready, ticked))
    process.start()
    return Daemon(process, ready, ticked)


def _run(retailer: Retailer, home: Path, dies_at: int | None, ready: Event, ticked: Event) -> None:
    os.environ["DATASET_ASSETS_TARGET"] = retailer.settings.target
    os.environ["DATASET_ASSETS_DEFINITIONS"] = str(retailer.settings.definitions)
    logging.disable()
    vars(sensor_daemon)["is_under_min_interval"] = lambda *_: False
    origin = LoadableTargetOrigin(module_name="tests.assets.sensor_process")
    location = InProcessCodeLocationOrigin(origin)  # ty: ignore[abstract-class-instantiation]
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as workspace,
    ):
        if dies_at is not None:
            _let_die(instance, dies_at)
        ready.set()
        while True:
            tick = sensor_daemon.execute_sensor_iteration(workspace, logging.getLogger(), None, None)
            errors = [error for error in tick if error]
            assert not errors, errors
            ticked.set()


WRITES = (
    *("report_runless_asset_event", "create_run", "submit_run"),
    *("create_tick", "update_tick", "update_instigator_state"),
)
"""What the daemon writes with: events, runs, and what it keeps of a tick."""


def _let_die(instance: dg.DagsterInstance, writes: int) -> None:
    left = writes

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def report(*args: Any, **named: Any) -> Any:
            nonlocal left
            written = write(*args, **named)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return written

        return report

    for name in WRITES:
        vars(instance)[name] = counted(getattr(instance, name))
