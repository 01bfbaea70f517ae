"""Check the files of deploy/ by running production on one machine, without Docker.

`deploy/check` runs it with the packages of the image. PostgreSQL is a real one. Webserver, daemon and code
server are started by the commands of docker-compose.yaml, with its variables, as another user than root, on a
home and definitions that they may not write to. A run is a process of the code server, not a container.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from tests.assets.retailer import Retailer, open_retailer
from tests.deploy.checked import Failed, expect, say
from tests.deploy.compose import BIN, DEPLOY, PATIENCE, Deployment, status_of, substituted, until
from tests.deploy.postgres import SERVERS, USER, Postgres, as_user, free_port

WRONG = re.compile(r"^.*(?:Traceback|Error:|Read-only|Permission denied).*$", re.MULTILINE)
HEALTH = """{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"""


class Listener(BaseHTTPRequestHandler):
    """The web server that receives the alerts."""

    posted: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Log nothing."""


@contextmanager
def listening() -> Generator[str]:
    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    server.server_close()


def instance_file(folder: Path) -> None:
    """Write deploy/dagster.yaml without what needs Docker: the launcher and the folder of the logs."""
    settings = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    del settings["run_launcher"]
    settings["compute_logs"]["config"]["base_dir"] = str(folder / "logs")
    (folder / "home" / "dagster.yaml").write_text(yaml.safe_dump(settings))
    shutil.copy(DEPLOY / "workspace.yaml", folder / "home")


def prepared(folder: Path, postgres: Postgres, webhook: str) -> tuple[Deployment, Retailer]:
    """Write the lock files, then make the datasets and the home read-only."""
    for name in ("home", "logs", "out", "tmp"):
        (folder / name).mkdir()
    retailer = open_retailer(folder)
    instance_file(folder)
    code, web = free_port(), free_port()
    workspace = folder / "home" / "workspace.yaml"
    workspace.write_text(workspace.read_text().replace("4000", str(code)))
    values = {
        "DAGSTER_POSTGRES_PASSWORD": (postgres.folder / "secret").read_text(),
        "DATASET_ASSETS_TARGET": retailer.settings.target,
        "DATASET_ASSETS_ALERT_WEBHOOK": webhook,
        "DATASET_ASSETS_WEBSERVER": "https://dagster.example.com",
    }
    compose = yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())["x-dagster"]["environment"]
    environment = {name: substituted(str(text), values) for name, text in compose.items()} | {
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(postgres.port),
        "DAGSTER_CODE_SERVER": "127.0.0.1",
        "DATASET_ASSETS_DEFINITIONS": str(retailer.settings.definitions),
        "DAGSTER_HOME": str(folder / "home"),
        "PYTHONPATH": str(DEPLOY.parent),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "TMPDIR": str(folder / "tmp"),
        "HOME": "/nonexistent",
    }
    replaced = {
        "4000": str(code), "3000": str(web), "3001": str(free_port()), "0.0.0.0": "127.0.0.1",
        "/opt/dagster/workspace.yaml": str(workspace),
    }  # fmt: skip
    environment |= {
        "DATASET_ASSETS_AUTH": "proxy",
        "DATASET_ASSETS_TRUSTED_PROXY": "127.0.0.1",
        "DATASET_ASSETS_AUDIT_LOG": str(folder / "logs" / "audit.jsonl"),
        "DATASET_ASSETS_DAGSTER_INTERNAL": f"http://127.0.0.1:{web}",
    }
    deployment = Deployment(folder, environment, replaced)
    locked = subprocess.run(
        [BIN / "dataset-assets", "lock"], env=environment, check=False, capture_output=True
    )
    expect(locked.returncode == 0, "the datasets are locked")
    hand_over(folder)
    return deployment, retailer


def hand_over(folder: Path) -> None:
    """Give the containers' user all folders that it may write to."""
    if as_user():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER)
        for path in (folder / "home", *(folder / "home").rglob("*"), *(folder / "definitions").rglob("*")):
            os.chown(path, 0, 0)
        os.chown(folder / "definitions", 0, 0)


def check_files() -> None:
    """Check every file that Dagster reads against Dagster's own schema."""
    import dagster as dg  # noqa: PLC0415
    from dagster._config import resolve_to_config_type, validate_config  # noqa: PLC0415
    from dagster._core.instance.config import dagster_instance_config_schema  # noqa: PLC0415

    values = yaml.safe_load((DEPLOY / "values.yaml").read_text())
    instance = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    more = values["additionalInstanceConfig"]
    launched, launcher = instance["run_launcher"], values["runLauncher"]["config"]["k8sRunLauncher"]
    in_kubernetes = {
        "service_account_name": values["global"]["serviceAccountName"],
        "image_pull_policy": launcher["imagePullPolicy"],
        "run_k8s_config": {snake(key): value for key, value in launcher["runK8sConfig"].items()},
        "instance_config_map": "dagster-instance",
        "dagster_home": "/opt/dagster/dagster_home",
    }
    for name, schema, config in (
        ("dagster.yaml", dagster_instance_config_schema(), instance),
        ("its run_launcher", named(launched["module"], launched["class"]).config_type(), launched["config"]),
        ("additionalInstanceConfig of values.yaml", dagster_instance_config_schema(), more),
        ("its runLauncher", named("dagster_k8s", values["runLauncher"]["type"]).config_type(), in_kubernetes),
    ):
        found = validate_config(resolve_to_config_type(schema), config)
        wrong = [error.message for error in found.errors or ()]
        expect(found.success, f"{name} is what Dagster {dg.__version__} takes {wrong or ''}")
    shared = ("concurrency", "run_monitoring", "run_retries")
    expect(all(more[key] == instance[key] for key in shared), "values.yaml says the same as dagster.yaml")


def named(module: str, name: str) -> Any:
    """Import a class by its name in a Dagster file; it is only installed in the image."""
    return getattr(import_module(module), name)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def crowd(deployment: Deployment) -> None:
    """Let five processes open a fresh database at the same instant."""
    code = "import dagster as dg; i = dg.DagsterInstance.get(); print(len(i.get_runs()))"
    environment = {**deployment.environment, "DAGSTER_POSTGRES_DB": "crowded"}
    command = deployment.command(["python", "-c", code])
    opening = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(5)
    ]
    ends = [process.communicate(timeout=PATIENCE)[0].strip() for process in opening]
    expect(ends == [b"0"] * 5, "five processes can open a fresh database at the same instant")


def running(deployment: Deployment, retailer: Retailer) -> Iterator[str]:
    """Yield what is wrong with the running services."""
    migrated = deployment.run(deployment.services["migrate"]["command"])
    expect(
        migrated.returncode == 0, f"`dagster instance migrate` on a fresh database {migrated.stderr[-900:]}"
    )
    again = deployment.run(deployment.services["migrate"]["command"])
    expect(again.returncode == 0, "the same again")
    with ExitStack() as stack:
        started = {}
        for name in ("code", "webserver", "daemon"):
            started[name] = stack.enter_context(deployment.started(name))
            expect(deployment.healthy(name), f"{name} is healthy, says its own healthcheck")
        statuses = deployment.ask(HEALTH)["instance"]["daemonHealth"]["allDaemonStatuses"]
        ill = [each["daemonType"] for each in statuses if each["required"] and not each["healthy"]]
        expect(not ill and statuses, f"all {len(statuses)} daemons show a heartbeat {ill or ''}")
        expect(deployment.materialized("brands") == "SUCCESS", "a dataset is materialized")
        read = deployment.run(["dataset-assets", "read", "brands", "--format", "csv"])
        expect(len(read.stdout.splitlines()) == 6, "and read")
        (retailer.root / "data" / "products.parquet").unlink()
        expect(deployment.materialized("brands") == "FAILURE", "without its source it fails")
        expect(until(lambda: Listener.posted), "its owner's alert is posted")
        told = Listener.posted[0]["alerts"][0]
        expect((told["dataset"], told["owner"]) == ("brands", "team:shop"), f"it says whose: {told['owner']}")
        expect(told["run_url"].startswith("https://dagster.example.com/runs/"), "and where to look")
        serve = stack.enter_context(deployment.started("serve"))
        expect(deployment.healthy("serve"), "serve is healthy, says its own healthcheck")
        address = f"http://127.0.0.1:{deployment.replaced['3001']}"
        expect(status_of(f"{address}/") == 401, "serve answers nobody whom its proxy does not name")
        expect(
            status_of(f"{address}/", "ann@example.com") in {200, 403}, "and asks users.yaml for the others"
        )
        started["serve"] = serve
        alive = [name for name, process in started.items() if process.poll() is None]
        expect(alive == list(started), "all go on")
    for name in ("code", "webserver", "daemon", "serve"):
        text = (deployment.folder / "out" / f"{name}.log").read_text()
        yield from (f"{name}: {line.strip()}" for line in WRONG.findall(text))


def main() -> int:
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    try:
        say("Files")
        check_files()
        (folder / "postgres").mkdir()
        (folder / "work").mkdir()
        if as_user():
            os.chown(folder / "postgres", USER, USER)
        say(f"PostgreSQL: {SERVERS[0] if SERVERS else 'none'}")
        with Postgres.started(folder / "postgres") as postgres, listening() as webhook:
            deployment, retailer = prepared(folder / "work", postgres, webhook)
            crowd(deployment)
            say("Webserver, daemon and code server")
            wrong = list(running(deployment, retailer))
        expect(not wrong, f"nothing is wrong in their logs {wrong[:5] or ''}")
    except Failed as failed:
        say(f"  FAILED: {failed}; see {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
