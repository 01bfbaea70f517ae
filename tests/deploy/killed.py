"""Check by hand that a run whose processes were all killed is ended, started again and published.

`python -m tests.deploy.killed` takes about three minutes and exits with 1 if the check fails.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from filelock import FileLock

from tests.deploy.first_starts import ROOT, Home, fresh_home, say

PATIENCE = 240.0
LAUNCH = """mutation { launchPipelineExecution(executionParams: {
  selector: {repositoryLocationName: "definitions", repositoryName: "__repository__",
    pipelineName: "__ASSET_JOB", assetSelection: [{path: ["datasets", "brands"]}]}
  mode: "default"
}) { __typename ... on LaunchRunSuccess { run { runId } } } }"""
RUNS = """{ runsOrError { ... on Runs { results { runId status parentRunId } } } }"""


def ask(home: Home, query: str) -> dict[str, Any]:
    body, headers = json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    with urlopen(Request(f"http://127.0.0.1:{home.port}/graphql", body, headers), timeout=60) as answer:
        return json.load(answer)["data"]


def runs(home: Home) -> list[dict[str, Any]]:
    return ask(home, RUNS)["runsOrError"]["results"]


def until(work: Callable[[], Any]) -> Any:
    """Call `work` until it returns something, and return that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = work()
        if found:
            return found
        time.sleep(1)
    raise TimeoutError("it did not come to be")


def start(home: Home, stack: ExitStack) -> None:
    location = ("-m", "definitions", "-d", str(ROOT))
    stack.enter_context(
        home.started("webserver", "dagster-webserver", "-h", "127.0.0.1", "-p", str(home.port), *location)
    )
    stack.enter_context(home.started("daemon", "dagster-daemon", "run", *location))
    until(lambda: not home.health())


def kill_all(home: Home) -> int:
    """Kill every process whose environment has this DAGSTER_HOME, and return their number."""
    wanted, count = f"DAGSTER_HOME={home.path}".encode(), 0
    for entry in Path("/proc").iterdir():
        try:
            is_one = entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0")
            if is_one:
                os.kill(int(entry.name), signal.SIGKILL)
                count += 1
        except OSError:
            continue
    return count


def was_repeated(home: Home, run: str) -> bool:
    return any(each["parentRunId"] == run and each["status"] == "SUCCESS" for each in runs(home))


def main() -> int:
    with TemporaryDirectory() as folder:
        home = fresh_home(Path(folder))
        claims = home.retailer.root / "warehouse" / "brands" / "_claims"
        claims.mkdir(parents=True)
        with ExitStack() as stack, FileLock(claims / ".lock"):  # the run waits for it
            start(home, stack)
            run = ask(home, LAUNCH)["launchPipelineExecution"]["run"]["runId"]
            until(lambda: runs(home)[0]["status"] == "STARTED")
            time.sleep(5)
            say(f"the run is started; {kill_all(home)} processes are killed at once")
        with ExitStack() as stack:
            begun = time.monotonic()
            start(home, stack)
            say(f"webserver and daemon are there again; the run is {runs(home)[0]['status']}")
            until(lambda: {each["runId"]: each["status"] for each in runs(home)}[run] == "FAILURE")
            say(f"the run is ended, after {time.monotonic() - begun:.0f} seconds")
            until(lambda: was_repeated(home, run))
            say(f"it was started again, and published, after {time.monotonic() - begun:.0f} seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
