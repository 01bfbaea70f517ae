"""A real webserver of Dagster on a loopback port, over a project in a temporary folder."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx

from dataset_assets.interfaces.web.dagster_client import DagsterClient
from tests.assets.retailer import Retailer

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
PATIENCE = 120.0
INSTANCE = """
telemetry: {enabled: false}
run_coordinator:
  module: dagster._core.run_coordinator.default_run_coordinator
  class: DefaultRunCoordinator
"""


@contextmanager
def dagster_over(retailer: Retailer, home: Path) -> Generator[DagsterClient]:
    """Start Dagster's webserver, which starts runs by itself, and yield a client of it."""
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCE)
    port = _free_port()
    settings = retailer.settings
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "DATASET_ASSETS", "PYTEST"))
    }
    env = inherited | {
        "DAGSTER_HOME": str(home),
        "DATASET_ASSETS_TARGET": settings.target,
        "DATASET_ASSETS_DEFINITIONS": str(settings.definitions),
        "PYTHONPATH": str(ROOT),
    }
    command = (
        BIN / "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-m", "definitions", "-d", str(ROOT),
    )  # fmt: skip
    with (home / "webserver.log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            client = DagsterClient(f"http://127.0.0.1:{port}")
            _wait_for(client, process, home / "webserver.log")
            yield client
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_for(client: DagsterClient, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert monotonic() < end, log.read_text()
        try:
            if httpx.get(f"{client.address}/server_info", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            sleep(0.5)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
