"""Start a temporary PostgreSQL server for a deployment check."""

import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam
from typing import Any

from tests.deploy.checked import Failed, expect

USER = getpwnam("nobody").pw_uid
ON_PATH = shutil.which("initdb")
SERVERS = [
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    *([Path(ON_PATH).parent] if ON_PATH else []),
]
"""Folders of PostgreSQL's programs: Debian's, else the one on the PATH."""


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def as_user() -> dict[str, Any]:
    """Return subprocess arguments for another user than root, as whom PostgreSQL refuses to start."""
    return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server that listens on this machine's loopback address only."""

    folder: Path
    port: int

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Generator["Postgres"]:
        if not SERVERS:
            raise Failed("no PostgreSQL server is installed: apt-get install postgresql")
        tools, data, port = SERVERS[0], folder / "data", free_port()
        secret = folder / "secret"
        secret.write_text("dagster-secret")
        options = ["--auth=scram-sha-256", "--username=dagster", f"--pwfile={secret}", "--encoding=UTF8"]
        initdb = [tools / "initdb", f"--pgdata={data}", *options]
        made = subprocess.run(initdb, check=False, capture_output=True, text=True, **as_user())
        expect(made.returncode == 0, f"a cluster of its own {made.stderr}")
        listen = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        listen += " -c timezone=Asia/Tokyo"  # Dagster lets PostgreSQL write some of its times
        control = [tools / "pg_ctl", "--pgdata", data, "--wait", "--log", folder / "log"]
        subprocess.run(
            [*control, "--options", listen, "start"], check=True, stdout=subprocess.DEVNULL, **as_user()
        )
        try:
            found = cls(folder, port)
            found.make("dagster")
            found.make("crowded")
            yield found
        finally:
            subprocess.run(
                [*control, "--mode", "fast", "stop"], check=True, stdout=subprocess.DEVNULL, **as_user()
            )

    def make(self, database: str) -> None:
        environment = {**os.environ, "PGPASSWORD": (self.folder / "secret").read_text()}
        place = ["--host=127.0.0.1", f"--port={self.port}", "--username=dagster"]
        subprocess.run([SERVERS[0] / "createdb", *place, database], env=environment, check=True)
