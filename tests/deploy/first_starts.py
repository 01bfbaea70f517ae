"""Check by hand that webserver and daemon both start at the same instant on a fresh DAGSTER_HOME.

`python -m tests.deploy.first_starts 20` tries it 20 times and exits with 1 unless each try succeeds.
`--plain` uses Dagster's own SQLite storage instead of dagster.yaml's, to show what the latter fixes.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import Request, urlopen

import yaml

from tests.assets.retailer import Retailer, open_retailer

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 60.0
HEALTH = """{
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    __typename ... on PythonError { message }
  } } } }
}"""
WRONG = re.compile(r"^.*(?:Traceback|OperationalError|IntegrityError|already exists).*$", re.MULTILINE)


@dataclass(frozen=True)
class Home:
    """A fresh DAGSTER_HOME with the project's dagster.yaml."""

    path: Path
    retailer: Retailer
    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "DATASET_ASSETS"))}
        settings = self.retailer.settings
        return inherited | {
            "DAGSTER_HOME": str(self.path),
            "DATASET_ASSETS_TARGET": settings.target,
            "DATASET_ASSETS_DEFINITIONS": str(settings.definitions),
            "PYTHONPATH": str(ROOT),
        }

    def said(self, name: str) -> str:
        return (self.path / f"{name}.log").read_text()

    @contextmanager
    def started(self, name: str, *command: str) -> Generator[subprocess.Popen]:
        """Start a process, and end it and all its child processes at the end of the block."""
        with (self.path / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                (str(BIN / command[0]), *command[1:]),
                cwd=self.path, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def health(self) -> str:
        """Return what is not healthy yet; empty if everything is."""
        body = json.dumps({"query": HEALTH}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            request = Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
            with urlopen(request, timeout=30) as answer:
                told = json.load(answer)
        except (URLError, OSError) as error:
            return f"the webserver does not answer: {error}"
        if "errors" in told:
            return f"the webserver answers: {told['errors'][0]['message'].splitlines()[0]}"
        statuses = told["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
        ill = [each["daemonType"] for each in statuses if each["required"] and not each["healthy"]]
        for entry in told["data"]["workspaceOrError"]["locationEntries"]:
            found = entry["locationOrLoadError"]
            if not found or found["__typename"] != "RepositoryLocation":
                return f"the code location: {(found or {}).get('message', 'loading')}"
        return f"no sign of {', '.join(ill)}" if ill else ""


def fresh_home(folder: Path, *, plain: bool = False) -> Home:
    home = folder / "home"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    if plain:
        settings = yaml.safe_load((home / "dagster.yaml").read_text())
        settings["storage"] = {"sqlite": settings["storage"]["custom"]["config"]}
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Home(home, open_retailer(folder), port)


def first_start(home: Home) -> str:
    """Start both and return what went wrong; empty if both are healthy and no error was logged."""
    location = ("-m", "definitions", "-d", str(ROOT))
    web = ("dagster-webserver", "-h", "127.0.0.1", "-p", str(home.port), *location)
    daemon = ("dagster-daemon", "run", *location)
    with home.started("webserver", *web) as first, home.started("daemon", *daemon) as second:
        end = time.monotonic() + PATIENCE
        missing = "nothing was asked"
        while missing and time.monotonic() < end and first.poll() is None and second.poll() is None:
            time.sleep(1)
            missing = home.health()
        stopped = [name for name, p in (("webserver", first), ("daemon", second)) if p.poll() is not None]
        found = [line for name in ("webserver", "daemon") for line in WRONG.findall(home.said(name))]
    if stopped:
        return f"{' and '.join(stopped)} stopped: {(found or ['?'])[-1].strip()}"
    return missing or (f"healthy, but it says: {found[-1].strip()}" if found else "")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times", type=int)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    well = 0
    for number in range(1, asked.times + 1):
        with TemporaryDirectory() as folder:
            begun = time.monotonic()
            wrong = first_start(fresh_home(Path(folder), plain=asked.plain))
            well += not wrong
            say(f"{number}: {wrong or 'healthy'} ({time.monotonic() - begun:.0f} s)")
    say(f"{well} of {asked.times} healthy")
    return int(well < asked.times)


if __name__ == "__main__":
    sys.exit(main())
