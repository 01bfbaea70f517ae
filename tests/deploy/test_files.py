"""Check the files of deploy/ against the project, as far as neither Docker nor PostgreSQL is needed.

`deploy/check` starts what is in them.
"""

import inspect
import re
from typing import Any

import pytest
import yaml
from dagster._config import resolve_to_config_type, validate_config
from dagster._core.instance.config import dagster_instance_config_schema

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.interfaces.cli.commands import serving
from tests.deploy.compose import BIN, DEPLOY
from tests.deploy.image import ROOT, settings, stages

OURS = re.compile(r"DATASET_ASSETS_[A-Z_]+")
ASKED = re.compile(r"\$\{([A-Z_]+)")
HEALTH = ("concurrency", "run_monitoring", "run_retries", "freshness")


def loaded(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def compose_environment() -> dict[str, str]:
    return loaded("docker-compose.yaml")["x-dagster"]["environment"]


def instances() -> dict[str, Any]:
    """Return the contents of each dagster.yaml."""
    return {
        "dagster.yaml": yaml.safe_load((ROOT / "dagster.yaml").read_text()),
        "deploy/dagster.yaml": loaded("dagster.yaml"),
        "deploy/values.yaml": loaded("values.yaml")["additionalInstanceConfig"],
    }


@pytest.mark.parametrize("name", instances())
def test_dagster_takes_the_instance(name):
    found = validate_config(resolve_to_config_type(dagster_instance_config_schema()), instances()[name])
    assert [error.message for error in found.errors or ()] == []


def test_runs_are_watched_over_in_the_same_way_everywhere():
    ours, docker, kubernetes = instances().values()
    for part in HEALTH:
        assert docker[part] == kubernetes[part], part
    assert {part: ours[part] for part in HEALTH[1:]} == {part: docker[part] for part in HEALTH[1:]}
    assert ours["concurrency"]["pools"] == docker["concurrency"]["pools"]


def test_every_variable_of_ours_is_one_that_is_read():
    read = set(OURS.findall(inspect.getsource(Settings.from_env)))
    served = set(OURS.findall(inspect.getsource(serving)))
    for path in DEPLOY.iterdir():
        named = set(OURS.findall(path.read_text())) - {"DATASET_ASSETS_IMAGE"}  # Docker Compose's own
        assert named <= read | served, path.name
    assert read <= compose_environment().keys()


def test_the_server_knows_people_by_its_proxy_alone():
    services = loaded("docker-compose.yaml")["services"]
    environment = services["serve"]["environment"]
    assert (
        environment["DATASET_ASSETS_TRUSTED_PROXY"]
        == services["proxy"]["networks"]["default"]["ipv4_address"]
    )
    assert "ports" not in services["serve"]
    assert "ports" not in services["webserver"]
    assert all(port.startswith("127.0.0.1:") for port in services["proxy"]["ports"])
    addresses = re.findall(r"proxy_pass http://(\w+):(\d+);", (DEPLOY / "nginx.conf").read_text())
    assert addresses == [("serve", "3001"), ("webserver", "3000")]
    assert services["serve"]["command"][-1] == "3001"


def test_kubernetes_serves_as_compose_does():
    deployment, _, service = yaml.safe_load_all((DEPLOY / "serve.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"] == loaded("docker-compose.yaml")["services"]["serve"]["command"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert variables["DATASET_ASSETS_LOCKED"] == "1"
    assert variables["DATASET_ASSETS_AUTH"] == "iap"
    (probed,) = container["readinessProbe"]["httpGet"]["httpHeaders"]
    assert variables["DATASET_ASSETS_PUBLIC_URL"] == f"https://{probed['value']}"
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]


def test_a_run_gets_only_variables_that_the_daemon_has():
    passed = loaded("dagster.yaml")["run_launcher"]["config"]["env_vars"]
    assert set(passed) <= compose_environment().keys()


def test_the_example_of_the_environment_has_all_that_compose_asks_for():
    example = re.findall(r"^([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE)
    assert set(ASKED.findall((DEPLOY / "docker-compose.yaml").read_text())) == set(example)


def test_volumes_of_runs_are_those_of_the_code_server():
    project, files = loaded("docker-compose.yaml"), loaded("dagster.yaml")
    launched = files["run_launcher"]["config"]["container_kwargs"]["volumes"]
    assert launched == [f"{project['name']}_{volume}" for volume in project["x-data"]["volumes"]]
    assert {volume.split(":")[0] for volume in project["x-data"]["volumes"]} <= project["volumes"].keys()


def test_every_command_is_installed():
    services = loaded("docker-compose.yaml")["services"].values()
    commands = {service["command"][0] for service in services if "command" in service}
    assert commands == {"dagster", "dagster-webserver", "dagster-daemon", "dataset-assets"}
    assert [name for name in commands if not (BIN / name).exists()] == []


def test_the_image_has_the_packages_and_what_they_are_built_from():
    copied = [word for step in stages()[0] if step.name == "COPY" for word in step.words[:-1]]
    sent = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    final = [word for step in stages()[1] if step.name == "COPY" for word in step.words[:-1]]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert {"dataset_assets", "pyproject.toml", "README.md", "LICENSE"} == set(copied) - {
        "deploy/requirements.lock"
    }
    assert packages - {"dataset_assets"} <= set(final)
    assert {word for word in [*copied, *final] if not word.startswith(("/", "--"))} == set(sent)
    assert [name for name in sent if not (ROOT / name).exists()] == []


def test_the_image_refuses_versions_that_are_not_locked_and_is_nobodys():
    environment = dict(pair for step in stages()[1] if step.name == "ENV" for pair in settings(step))
    assert environment["DATASET_ASSETS_LOCKED"] == "1"
    (project,) = {
        step.words[-1] for step in stages()[1] if step.name == "COPY" and "definitions" in step.words
    }
    assert f"{environment['PYTHONPATH']}/definitions" == project
    assert [step.text for step in stages()[1] if step.name == "USER"] == ["10001:10001"]
