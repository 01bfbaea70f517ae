"""Measure when the next run of a dataset begins after a run that held the pool's slot was killed.

`python -m tests.deploy.killed_runs 20` tries each kind 20 times, prints the seconds, and exits with 1 unless
all are below LIMIT. Each kind of run follows each other kind.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
from filelock import FileLock

from dataset_assets.assets.run_process import RunProcess
from tests.assets.retailer import BRANDS
from tests.deploy.first_starts import ROOT, Home, fresh_home, say
from tests.deploy.killed import LAUNCH, ask, start, until

LIMIT = 120.0
REFRESHED = f"{BRANDS}  refresh: {{on: upstream}}\n"
JOB = "nightly"
HERE = ("-m", "definitions", "-d", str(ROOT))
COMMANDS = {
    "dagster job execute": ("dagster", "job", "execute", *HERE, "-j", JOB),
    "dg launch": ("dg", "launch", *HERE, "--assets", 'key:"datasets/brands"'),
    "command line": ("dataset-assets", "materialize", "brands"),
}
"""Kinds of runs that the command executes in its own process."""
SERVED = ("page", "sensor")
"""Kinds of runs that the daemon launches."""


@dataclass
class Kills:
    """A DAGSTER_HOME with a dataset whose runs can be held while they occupy their pool's slot."""

    home: Home
    number: int = 0

    @property
    def warehouse(self) -> Path:
        return self.home.retailer.root / "warehouse" / "brands"

    @contextmanager
    def held(self) -> Generator[None]:
        """Let runs wait before they claim the Period, within the block."""
        claims = self.warehouse / "_claims"
        claims.mkdir(parents=True, exist_ok=True)
        with FileLock(claims / ".lock"):
            yield

    @contextmanager
    def command(self, kind: str) -> Generator[subprocess.Popen]:
        self.number += 1
        with self.home.started(f"command{self.number}", *COMMANDS[kind]) as process:
            yield process

    @contextmanager
    def instance(self) -> Generator[dg.DagsterInstance]:
        """Open the instance in the home's folder, which the paths in dagster.yaml are relative to."""
        before = Path.cwd()
        os.chdir(self.home.path)
        try:
            with dg.DagsterInstance.from_config(str(self.home.path)) as found:
                yield found
        finally:
            os.chdir(before)

    def at_work(self, known: set[str]) -> dg.DagsterRun | None:
        """Return a new run whose step has begun, so that it occupies the slot."""
        with self.instance() as instance:
            for run in instance.get_runs():
                if run.run_id not in known and instance.all_logs(run.run_id, of_type=STEP):
                    return run
        return None

    def runs(self) -> set[str]:
        with self.instance() as instance:
            return {run.run_id for run in instance.get_runs()}

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        with self.instance() as instance:
            run = instance.get_run_by_id(run_id)
            assert run
            return run.status

    def change(self) -> None:
        """Change the source, which the sensor notices: add another brand."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        brands = {"product_id": [0, 1], "brand": ["a", f"b{time.time_ns()}"]}
        path = self.home.retailer.root / "data" / "products.parquet"
        pq.write_table(pa.table(brands), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    @contextmanager
    def begun(self, kind: str) -> Generator[subprocess.Popen | None]:
        """Start a run of a kind; return the process of the command that executes it."""
        if kind in COMMANDS:
            with self.command(kind) as process:
                yield process
            return
        if kind == "sensor":
            self.change()
        else:
            ask(self.home, LAUNCH)
        yield None

    @staticmethod
    def ended(process: subprocess.Popen | None) -> bool:
        """Return whether a command has failed."""
        return process is not None and process.poll() not in (None, 0)

    def idle(self) -> bool:
        """Return whether every run has ended: one that the sensor requested meanwhile would have the slot."""
        with self.instance() as instance:
            return all(run.is_finished for run in instance.get_runs())

    def kill(self, kind: str) -> str:
        """Start a run, kill it while it occupies the slot, and return its id; empty for a command."""
        until(self.idle)
        known = self.runs()
        with self.held(), self.begun(kind) as process:
            if process and kind == "command line":
                time.sleep(8)
                process.kill()
                return ""
            run = until(lambda: self.at_work(known))
            worker = RunProcess.of(run)
            assert worker, "it says which process it is before it has the slot"
            os.kill(process.pid if process else worker.process, signal.SIGKILL)
        return run.run_id

    def follow(self, kind: str) -> float:
        """Start a run and return the seconds until its step begins, or until the command has published."""
        known, begun = self.runs(), time.monotonic()
        with self.begun(kind) as process:
            if process and kind == "command line":
                assert process.wait(LIMIT) == 0, self.home.said(f"command{self.number}")
                return time.monotonic() - begun
            run = until(lambda: self.at_work(known) or self.ended(process))
            assert isinstance(run, dg.DagsterRun), self.home.said(f"command{self.number}")
            seconds = time.monotonic() - begun
            until(lambda: self.status(run.run_id) is dg.DagsterRunStatus.SUCCESS)
            if process:
                process.wait(60)
        return seconds


STEP = dg.DagsterEventType.STEP_START


def kills(folder: Path) -> Kills:
    home = fresh_home(folder)
    home.retailer.project(JOB, "brands")
    return Kills(home)


def served(found: Kills, stack: ExitStack) -> None:
    found.home.retailer.write("brands", REFRESHED)
    start(found.home, stack)


def prove(times: int) -> int:
    worst = 0.0
    kinds = [*COMMANDS, *SERVED]
    with TemporaryDirectory() as folder:
        found = kills(Path(folder))
        with ExitStack() as stack:
            served(found, stack)
            for turn in range(times):
                for place, kind in enumerate(kinds):
                    following = kinds[(place + turn) % len(kinds)]
                    run = found.kill(kind)
                    seconds = found.follow(following)
                    status = found.status(run).value if run else "no run"
                    say(f"{turn + 1}: killed {kind} ({status}), then {following}: {seconds:.0f} s")
                    worst = max(worst, seconds)
    say(f"the longest: {worst:.0f} s")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(prove(int(sys.argv[1])))
