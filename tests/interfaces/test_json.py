"""Tests `--json`: each command prints one JSON document in the documented shape, and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interfaces.conftest import BROKEN
from tests.interfaces.running import run, run_ok

pytestmark = pytest.mark.usefixtures("retailer")
PROJECT = """
project:
  name: Campaign
  owner: user-ann
  datasets: [sales]
  operations:
    - {type: label, where: revenue > 5, set: {size: big}}
    - {type: output, name: sold}
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"


def answer(*arguments, code=0):
    found = run(*arguments, "--json")
    assert found.code == code, found.err
    return json.loads(found.out)


def documented(command: str) -> set[str]:
    """Return the keys at the top of the example that docs/json.md has for a command."""
    return set(example(command))


def example(command: str) -> dict:
    """Return the example that docs/json.md has for a command."""
    section = re.search(
        rf"^## {re.escape(command)}$(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )
    assert section, f"docs/json.md has no section {command}"
    block = re.search(r"```json\n(.*?)```", section[1], re.DOTALL)
    assert block, f"the section {command} has no example"
    return json.loads(block[1])


def publish():
    run_ok("materialize", "profiles")
    return answer("materialize", "sales", "--partition", "2017-03")


def test_materialize():
    found = publish()
    assert set(found) == documented("materialize")
    [publication] = found["publications"]
    assert (publication["dataset"], publication["period"], publication["version"]) == ("sales", "2017-03", 1)
    assert publication["row_count"] == sum(publication["splits"].values()) == publication["added"]
    documented_one = example("materialize")["publications"][0]
    assert set(publication) == set(documented_one)
    part = publication["parts"]["train"]
    assert set(part) == set(documented_one["parts"]["train"])
    assert part["rows"] == publication["splits"]["train"]
    assert publication["duplicates"] == {"rows": 0, "across_splits": 0}
    assert all(check["passed"] for check in publication["checks"] if check["blocking"])
    again = answer("materialize", "sales", "--partition", "2017-03")["publications"][0]
    assert (again["added"], again["unchanged"], again["digest"]) == (
        0,
        publication["row_count"],
        publication["digest"],
    )


def test_materialize_a_sample():
    run_ok("materialize", "profiles")
    found = answer("materialize", "sales", "--partition", "2017-03", "--sample", "50%")
    assert set(found) == documented("materialize --sample")
    [sample] = found["samples"]
    assert set(sample) == set(example("materialize --sample")["samples"][0])
    assert sample["row_count"] == sum(sample["splits"].values())
    assert "secret" not in json.dumps(found)
    [empty] = answer("materialize", "sales", "--partition", "2017-03", "--empty")["samples"]
    assert (empty["sample"], empty["by"], empty["row_count"]) == ("0%", None, 0)


def test_plan_against(retailer):
    publish()
    text = (retailer / "local.yaml").read_text()
    (retailer / "mine.yaml").write_text(text.replace("./warehouse", "./mine"))
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    path.write_text(path.read_text().replace("min_transactions, value: 2", "min_transactions, value: 3"))
    found = answer("plan", "--against", str(retailer / "local.yaml"), "--target", str(retailer / "mine.yaml"))
    shape = example("plan --against")
    assert set(found) == set(shape)
    sales = next(each for each in found["datasets"] if each["dataset"] == "sales")
    assert set(sales) == set(shape["datasets"][0])


def test_compare():
    publish()
    found = answer("compare", "sales", "--from", "@0", "--to", "@0")
    assert set(found) == documented("compare")
    assert found["equal"] is True


def test_show_and_its_history():
    publish()
    found = answer("show", "sales", "--stats")
    assert set(found) == documented("show")
    assert found["definition"]["name"] == "Sales"
    assert [each["name"] for each in found["columns"]][:2] == ["user_id", "product_id"]
    assert found["publications"][0]["period"] == "2017-03"
    assert found["statistics"]["columns"]["household__income"]["sensitive"] is True
    assert "secret" not in json.dumps(found)
    assert answer("show", "sales")["statistics"] == {}
    history = answer("show", "sales", "--history")
    assert set(history) == documented("materialize")
    assert [each["digest"] for each in history["publications"]] == [found["publications"][0]["digest"]]


def test_check(retailer):
    assert answer("check") == {"files": 4, "faults": []}
    (retailer / "definitions" / "datasets" / "broken.yaml").write_text(BROKEN)
    found = answer("check", code=1)
    assert set(found) == documented("check")
    places = {(fault["field"], fault["line"], fault["column"]) for fault in found["faults"]}
    assert ("dataset.owner", 3, 10) in places
    assert all(fault["file"].endswith("broken.yaml") for fault in found["faults"])


def test_plan_and_backfill():
    found = answer("plan", "sales", "--from", "2017-03", "--to", "2017-03")
    assert set(found) == documented("plan")
    assert [each["dataset"] for each in found["datasets"]] == ["profiles", "sales"]
    assert found["datasets"][1]["due"][0]["period"] == "2017-03"
    assert found["datasets"][1]["due"][0]["reasons"] == ["never published"]
    made = answer("backfill", "sales", "--from", "2017-03", "--to", "2017-03")
    assert [each["dataset"] for each in made["publications"]] == ["profiles", "sales"]
    assert answer("plan")["datasets"][0]["due"] == []


def test_projects_and_an_output(retailer):
    publish()
    (retailer / "definitions" / "projects").mkdir(exist_ok=True)
    (retailer / "definitions" / "projects" / "campaign.yaml").write_text(PROJECT)
    [due] = answer("plan", "sales")["outputs"]
    assert due == {"output": "campaign__sold", "period": "2017-03", "reason": "never published"}
    made = answer("materialize", "campaign__sold", "--partition", "2017-03")
    assert set(made) == documented("materialize")
    assert answer("plan")["outputs"] == []
    found = answer("projects")
    assert set(found) == documented("projects")
    [project] = found["projects"]
    [sold] = project["outputs"]
    assert set(project) == set(example("projects")["projects"][0])
    assert set(sold) == set(example("projects")["projects"][0]["outputs"][0])
    assert sold["publications"][0]["digest"] == made["publications"][0]["digest"]
    assert answer("show", "campaign__sold") == sold


def test_sql_and_its_cost():
    publish()
    found = answer("sql", "sales", "--dialect", "bigquery", "--partition", "2017-03")
    assert set(found) == documented("sql")
    assert (found["dialect"], found["as_of"]) == ("bigquery", "2017-04-01T00:00:00Z")
    assert found["sql"].startswith("WITH")
    cost = answer("sql", "sales", "--partition", "2017-03", "--dry-run")
    assert set(cost) == documented("sql --dry-run")
    assert (cost["reads"], cost["unchanged"]) == (None, True)


def test_doctor(retailer):
    found = answer("doctor")
    assert set(found) == documented("doctor")
    assert found["missing"] == 0
    (retailer / "data" / "retail" / "transactions.parquet").unlink()
    found = answer("doctor", code=1)
    assert found["missing"] == sum(each["state"] == "missing" for each in found["findings"]) == 1


def test_lock():
    found = answer("lock", "sales")
    assert set(found) == documented("lock")
    assert found["locked"][0]["name"] == "sales"
    assert found["locked"][0]["changes"]
    assert answer("lock", "sales") == {"locked": [{"name": "sales", "changes": []}]}


def test_clean(retailer):
    publish()
    staged = retailer / "warehouse" / "sales" / "_staging" / "_period=2017-03" / "00000001-x.parquet"
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(b"rows")
    os.utime(staged, (0, 0))
    found = answer("clean", "--dry-run", "--older-than", "1m")
    assert set(found) == documented("clean")
    assert [(each["size_bytes"], each["removed"]) for each in found["leftovers"]] == [(4, False)]
    assert answer("clean", "--older-than", "1m")["leftovers"][0]["removed"] is True
    assert answer("clean", "--older-than", "1m") == {"leftovers": []}


def test_rebuild_is_documented():
    publish()
    found = answer("rebuild", "sales", "--version", "1", "--partition", "2017-03")
    assert set(found) == documented("rebuild")


def test_suggest_and_new():
    found = answer("suggest", "transactions")
    assert set(found) == documented("suggest")
    made = answer("new", "winter", "--tables", "transactions", "--accept-suggestions", "--dry-run")
    assert set(made) == documented("new")
    assert made["suggestions"] == found


def completed(words: str, definitions: Path) -> list[str]:
    """Return what the shell is offered for the last of the words."""
    variables = {
        "_DATASET_ASSETS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "DATASET_ASSETS_DEFINITIONS": str(definitions),
    }
    command = Path(sys.executable).with_name("dataset-assets")
    done = subprocess.run([command], env=os.environ | variables, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.stdout.split()


def test_names_are_completed(retailer):
    definitions = retailer / "definitions"
    assert completed("dataset-assets show s", definitions) == ["sales"]
    assert "show" in completed("dataset-assets sh", definitions)
    assert completed("dataset-assets show s", retailer / "nowhere") == []


def test_the_life_of_a_dataset():
    publish()
    assert set(answer("list")) == documented("list")
    assert set(answer("history", "sales", "--publications")) == documented("history")
    assert set(answer("diff", "sales")) == documented("diff")
    assert set(answer("edit", "sales", "ml_model=shop")) == documented("edit")
    assert set(answer("disable", "sales")) == documented("activate, disable, archive, restore")
    assert set(answer("clone", "sales", "spring")) == documented("clone")
    assert set(answer("rename", "spring", "summer")) == documented("rename")
    assert set(answer("delete", "summer", "--yes")) == documented("delete")
