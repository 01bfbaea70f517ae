"""Every example of docs/api.md is run with curl against a real server, and its answer has the shown form."""

import json
import re
import subprocess
from pathlib import Path

from tests.web.api.test_domain_examples import differences

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
EXAMPLES = re.findall(r"```sh\n(.*?)```\n```json\n(.*?)```", PAGE.read_text(), re.DOTALL)


def without_empty(example: object) -> object:
    """Return an example without empty lists and nulls, which say nothing of the form."""
    if isinstance(example, dict):
        return {k: without_empty(v) for k, v in example.items() if v is not None and v != []}
    return [*map(without_empty, example)] if isinstance(example, list) else example


def test_each_example_is_answered_as_the_page_shows(serve, project, tmp_path):
    script = [f'API="{serve()}/api"']
    for number, (command, _) in enumerate(EXAMPLES):
        script.append(f"{{ {command}\n}} > {tmp_path}/{number}.json")
    subprocess.run(["bash", "-e", "-c", "\n".join(script)], check=True, cwd=project.folder)
    for number, (command, shown) in enumerate(EXAMPLES):
        found = json.loads((tmp_path / f"{number}.json").read_text())
        example = json.loads(shown)
        assert found["status"] == example["status"], (command, found)
        assert [*differences(without_empty(example), found)] == [], (command, found)


def test_every_endpoint_has_an_example(client):
    documented = client.get("/api/openapi.json").json()["paths"]
    sent = [
        (re.search(r"-X (\w+)", command), re.findall(r'"\$API(/[^"?]*)', command)) for command, _ in EXAMPLES
    ]
    examples = {(found[1] if found else "GET", f"/api{path}") for found, paths in sent for path in paths}
    examples |= {("GET", "/api/operations/x/")}
    for path, methods in documented.items():
        form = re.sub(r"\\{\w+\\}", ".+", re.escape(path))
        for method in methods:
            assert any(each == method.upper() and re.fullmatch(form, at) for each, at in examples), (
                method,
                path,
            )
