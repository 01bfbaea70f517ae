"""Start the services of docker-compose.yaml without Docker: their commands, variables and healthchecks."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import yaml

from tests.deploy.checked import Failed
from tests.deploy.postgres import USER

DEPLOY = Path(__file__).parents[2] / "deploy"
BIN = Path(sys.executable).parent
PATIENCE = 120.0
UNPRIVILEGED = (
    ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
     "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    if os.geteuid() == 0 else ()
)  # fmt: skip
"""Prefix that runs a command as another user than root, who can still read a Python in root's folder."""
LAUNCH = """mutation Launch($stem: String!) {
  launchPipelineExecution(executionParams: {
    selector: {repositoryLocationName: "definitions", repositoryName: "__repository__",
      pipelineName: "__ASSET_JOB", assetSelection: [{path: ["datasets", $stem]}]}
    mode: "default"
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
RUN = """query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"""


@dataclass(frozen=True)
class Deployment:
    """The services of docker-compose.yaml, with addresses of this machine instead of the containers'."""

    folder: Path
    environment: Mapping[str, str]
    replaced: Mapping[str, str]

    @property
    def services(self) -> Mapping[str, Any]:
        return yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())["services"]

    def command(self, words: list[str]) -> list[str]:
        here = [self.replaced.get(word, word) for word in words]
        for port in ("3000", "3001"):
            here = [word.replace(f"127.0.0.1:{port}", f"127.0.0.1:{self.replaced[port]}") for word in here]
        return [*UNPRIVILEGED, str(BIN / here[0]), *here[1:]]

    def run(self, words: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(words),
            cwd=self.folder, env={**self.environment, **more}, text=True, capture_output=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    @contextmanager
    def started(self, name: str) -> Generator[subprocess.Popen]:
        path = self.folder / "out" / f"{name}.log"
        with path.open("w") as log:
            process = subprocess.Popen(
                self.command(self.services[name]["command"]),
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def healthy(self, name: str) -> bool:
        """Wait until the healthcheck of a service succeeds."""
        _, *test = self.services[name]["healthcheck"]["test"]
        return until(lambda: self.run(test).returncode == 0)

    def ask(self, query: str, **variables: str) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(
            f"http://127.0.0.1:{self.replaced['3000']}/graphql", body, {"Content-Type": "application/json"}
        )
        with urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        if "errors" in told:
            raise Failed(str(told["errors"]))
        return told["data"]

    def materialized(self, stem: str) -> str:
        """Launch a run of a dataset and return its final status."""
        launched = self.ask(LAUNCH, stem=stem)["launchPipelineExecution"]
        if launched["__typename"] != "LaunchRunSuccess":
            raise Failed(str(launched))
        run, ends = launched["run"]["runId"], {"SUCCESS", "FAILURE", "CANCELED"}
        until(lambda: self.ask(RUN, id=run)["runOrError"]["status"] in ends)
        return self.ask(RUN, id=run)["runOrError"]["status"]


def until(work: Callable[[], object]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if work():
                return True
        except (URLError, OSError, subprocess.TimeoutExpired):
            pass
        time.sleep(1)
    return False


def status_of(address: str, email: str = "") -> int:
    """Return the status of an answer to a proxy that names a person, or nobody."""
    request = Request(address, headers={"X-Forwarded-Email": email} if email else {})
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Substitute `${NAME}`, `${NAME:-other}` and `${NAME:?why}` in a value of docker-compose.yaml."""
    return re.sub(
        r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", lambda found: values.get(found[1]) or found[2] or "", text
    )
