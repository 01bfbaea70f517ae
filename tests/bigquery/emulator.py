"""Start bqemulator, the BigQuery of the tests, in its own process and virtual environment."""

import json
import subprocess
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client

PROJECT = "test-project"
PYTHON = Path(__file__).resolve().parents[2] / ".venv-bigquery" / "bin" / "python"
PATIENCE = 60  # seconds; started on a busy machine it is ready in two


def once() -> "Retry":
    """Return a policy without retries; by default Google's client retries for ten minutes."""
    from google.api_core.retry import Retry, if_exception_type  # noqa: PLC0415 - as below

    return Retry(predicate=if_exception_type())


@dataclass(frozen=True)
class Emulator:
    """The addresses of a BigQuery server: of the emulator itself, or of the strict proxy in front of it."""

    rest: str
    """Base URL of the REST API: the client's `api_endpoint`."""
    storage: str
    """`host:port` of the Storage API, over an insecure channel."""

    def client(self) -> "Client":
        """Return a client without credentials; pass `retry=once()` and `timeout=` to each call."""
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - a test without it need not wait
        from google.cloud.bigquery import Client  # noqa: PLC0415

        return Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": self.rest})

    def rows(self, sql: str) -> list[dict]:
        """Run a query and return its rows. Tests use it for their setup and assertions only."""
        job = self.client().query(sql, timeout=PATIENCE, retry=once(), job_retry=None)
        return [dict(row) for row in job.result(timeout=PATIENCE, retry=once())]

    @contextmanager
    def dataset(self) -> Generator[str]:
        """Create a BigQuery dataset and delete it at the end of the block."""
        client, name = self.client(), f"d{uuid.uuid4().hex[:12]}"
        client.create_dataset(name, retry=once(), timeout=PATIENCE)
        yield name
        client.delete_dataset(name, delete_contents=True, retry=once(), timeout=PATIENCE)


@contextmanager
def start() -> Generator[Emulator]:
    """Start an emulator on free ports. It stops at the end of the block, or with this process.

    Raises:
        RuntimeError: if it does not start; the message contains its stderr.
    """
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is not there: run `make test`, which installs the emulator")
    with TemporaryDirectory() as folder, (Path(folder) / "stderr").open("w+b") as log:
        command = [PYTHON, Path(__file__).with_name("server"), folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            yield Emulator(**json.loads(_when_ready(server, Path(folder))))
        finally:
            server.communicate(timeout=PATIENCE)  # closes its stdin


def _when_ready(server: subprocess.Popen, folder: Path) -> str:
    ready, until = folder / "ready.json", time.monotonic() + PATIENCE
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > until:
            server.kill()
            raise RuntimeError(f"the emulator did not start:\n{(folder / 'stderr').read_text()}")
        time.sleep(0.02)
    return ready.read_text()
