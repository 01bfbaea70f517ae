"""Dagster's own tools load the code location."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.code_location import code_location
from tests.assets.retailer import BROKEN, NOW, Retailer

ROOT = Path(__file__).parents[2]

LOAD = """
import json, sys
import definitions
found = definitions.defs()
repository = found.get_repository_def()
heavy = ("duckdb", "deltalake", "pandas", "pyarrow", "google.cloud", "google.cloud.bigquery", "dagster_gcp")
names = [name for name in heavy if name in sys.modules]
print(json.dumps({"assets": len(repository.asset_graph.get_all_asset_keys()), "engines": names}))
"""


def environment(retailer: Retailer, home: Path | None = None) -> dict[str, str]:
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("DAGSTER", "DATASET_ASSETS"))
    }
    env["DATASET_ASSETS_TARGET"] = retailer.settings.target
    env["DATASET_ASSETS_DEFINITIONS"] = str(retailer.settings.definitions)
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    return env | ({"DAGSTER_HOME": str(home)} if home else {})


def run(*command: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_it_loads_without_data_frames_and_without_a_warning(retailer):
    done = run(sys.executable, "-W", "error", "-c", LOAD, cwd=ROOT, env=environment(retailer))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["assets"] == 5
    assert not {"pandas", "pyarrow", "google.cloud"} & set(found["engines"])


BIGQUERY = """
target:
  engine: {type: bigquery, project: acme-analytics}
  warehouse: {type: bigquery, dataset: training}
  default_resolver: shop
  resolvers:
    shop:
      type: bigquery
      dataset: shop
      tables:
        orders: {location: "orders_{period}", period: month}
"""


def test_over_bigquery_it_loads_without_googles_libraries(retailer):
    (retailer.root / "target.yaml").write_text(BIGQUERY)
    done = run(sys.executable, "-W", "error", "-c", LOAD, cwd=ROOT, env=environment(retailer))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"assets": 5, "engines": []}


def test_over_bigquery_assets_say_where_their_tables_are(retailer):
    (retailer.root / "target.yaml").write_text(BIGQUERY)
    graph = retailer.definitions().resolve_asset_graph()
    spec = graph.get(dataset_key("monthly"))
    assert spec.kinds == {"bigquery"}
    assert spec.metadata["dagster/table_name"] == "acme-analytics.training.monthly"
    assert spec.metadata["dagster/uri"] == "bigquery://acme-analytics/training/monthly"


@pytest.mark.parametrize("target", ["local", "bigquery"])
def test_the_projects_own_definitions_load(retailer, target):
    env = environment(retailer) | {"DATASET_ASSETS_TARGET": target}
    del env["DATASET_ASSETS_DEFINITIONS"]
    env |= dict.fromkeys(("BIGQUERY_PROJECT", "BIGQUERY_SOURCES", "BIGQUERY_WAREHOUSE"), "somewhere")
    done = run(sys.executable, "-W", "error", "-c", LOAD, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["assets"] > 5
    assert found["engines"] == (["duckdb", "deltalake"] if target == "local" else [])


@pytest.mark.parametrize(
    "command",
    [
        ("dg", "check", "defs"),
        ("dg", "list", "defs", "--json"),
        ("dagster", "definitions", "validate", "-w", "workspace.yaml"),
    ],
)
def test_dagsters_commands_accept_it(command, retailer, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = run(*command, cwd=ROOT, env=environment(retailer, home))
    assert done.returncode == 0, done.stdout + done.stderr
    if "--json" in command:
        assert "datasets/monthly" in done.stdout


def test_a_broken_file_does_not_keep_the_location_from_loading(retailer):
    retailer.write("broken", "dataset: {name: [}\n")
    done = run(sys.executable, "-W", "error", "-c", LOAD, cwd=ROOT, env=environment(retailer))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["assets"] == 6


def test_assets_link_to_the_pages_of_their_datasets(retailer):
    retailer.write("broken", BROKEN)
    settings = retailer.settings.model_copy(update={"pages": "https://datasets.example.com/"})
    graph = code_location(settings, NOW).resolve_asset_graph()
    for stem in ("monthly", "broken"):
        link = graph.get(dataset_key(stem)).metadata["page"]
        assert link.value == f"https://datasets.example.com/datasets/{stem}"
    without = retailer.definitions().resolve_asset_graph()
    assert "page" not in without.get(dataset_key("monthly")).metadata
