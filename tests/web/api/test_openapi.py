"""The documentation of the API is complete, and schemathesis finds no answer that is not as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROVE = os.environ.get("DATASET_ASSETS_PROVE") == "1"
CASES = 2_000 if PROVE else 150
DOMAINS = (
    ("GET", "/api/models/{model_id}/datasets/"),
    ("POST", "/api/models/{model_id}/datasets/"),
    ("GET", "/api/datasets/{dataset_id}/"),
    ("PUT", "/api/datasets/{dataset_id}/"),
    ("DELETE", "/api/datasets/{dataset_id}/"),
    ("POST", "/api/datasets/{dataset_id}/clone/"),
    ("POST", "/api/datasets/{dataset_id}/archive/"),
    ("GET", "/api/models/{model_id}/tables/"),
    ("GET", "/api/tables/{table_name}/schema/"),
    ("GET", "/api/tables/{table_name}/stats/"),
    ("POST", "/api/datasets/{dataset_id}/analyze/"),
    ("GET", "/api/datasets/{dataset_id}/preview/"),
)


@pytest.fixture
def documented(client) -> dict:
    return client.get("/api/openapi.json").json()


def operations(documented: dict) -> list[tuple[str, str, dict]]:
    return [
        (method.upper(), path, operation)
        for path, methods in documented["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_endpoint_of_domain_is_documented(documented):
    found = {(method, path) for method, path, _ in operations(documented)}
    assert set(DOMAINS) <= found


def test_every_operation_is_documented_completely(documented):
    ids = [operation["operationId"] for _, _, operation in operations(documented)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(documented):
        at = f"{method} {path}"
        assert operation["summary"], at
        assert operation["description"].endswith("."), at
        assert operation["tags"], at
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["name"] in {"operation_id"}, (
                at,
                parameter["name"],
            )
        for status, response in operation["responses"].items():
            assert response["description"], (at, status)
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (at, status)
            elif status in ("202",):
                assert "Location" in response["headers"], at
        assert {"401", "403", "406", "422", "500"} <= set(operation["responses"]), at


def test_a_change_of_a_file_documents_its_conditions(documented):
    for method, path, operation in operations(documented):
        if path == "/api/datasets/{dataset_id}/" and method != "GET":
            match = next(each for each in operation["parameters"] if each["name"] == "if-match")
            assert match["required"] is True
            assert {"412", "428", "409", "404"} <= set(operation["responses"])


def test_schemathesis_finds_no_fault(serve, project, tmp_path):
    """All checks of schemathesis and one of our own, over all operations; 2,000 cases with the proofs."""
    found = 0
    for seed in range(1, 40):
        found += _run(serve(), seed, tmp_path, 3 if PROVE else 1)
        if found >= CASES:
            break
    assert found >= CASES


def _run(address: str, seed: int, folder: Path, examples: int) -> int:
    """Return the number of cases that were tested. Fails with the report if a check failed."""
    command = [
        str(Path(sys.executable).with_name("st")), "--config-file", str(HERE / "schemathesis.toml"), "run",
        f"{address}/api/openapi.json", "--checks", "all", "--max-examples", str(examples),
        "--phases", "examples,coverage,fuzzing" + (",stateful" if PROVE else ""), "--no-color", "--seed", str(seed),
        "--generation-database", "none", "--request-timeout", "120", "--continue-on-failure",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.web.api.schemathesis_hooks",
        "PYTHONPATH": os.getcwd(),
    }
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    cases = re.search(r"Test cases:\n\s+([\d,]+) generated", done.stdout)
    assert cases, done.stdout[-3000:]
    return int(cases[1].replace(",", ""))
