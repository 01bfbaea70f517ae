"""Erasure in a project with Dagster: no byte of warehouse, events, temporary folder or logs has a value."""

import json
import shutil
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.event_log import open_instance
from dataset_assets.interfaces.erasure import NO_INSTANCE, erase_rows
from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.row_changes import delete_rows, label_rows
from tests.assets.retailer import Retailer
from tests.assets.test_row_jobs import execute
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_json import documented
from tests.publishing.byte_search import files_with

ROOT = Path(__file__).parents[2]
NAME = "Zoë Quistgård"
WHERE = f"user_id = '{NAME}'"
FIRST, LATER = range(0, 100, 9), sorted({*range(0, 100, 9), *range(0, 100, 8)})
READER = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000004
  name: Visits
  owner: ada
  natural_key_columns: [order_id]
  main_table:
    name: orders
    columns: [{name: order_id, type: integer, nullable: false}, {name: ordered_at, type: timestamp}]
  lookups:
    - alias: bought
      target: {type: dataset, id: 01a2001c-5bb3-7d55-869e-000000000001}
      join_conditions: [{source_column: order_id, target_column: order_id}]
  partitions: {period: month, start: 2024-02}
"""


@pytest.fixture
def project(retailer: Retailer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Retailer:
    """A project with an instance of its own; its caches and temporary files are in its folder."""
    for name, value in (
        ("DATASET_ASSETS_TARGET", retailer.settings.target),
        ("DATASET_ASSETS_DEFINITIONS", str(retailer.root / "definitions")),
        ("XDG_CACHE_HOME", str(tmp_path / "cache")),
        ("TMPDIR", str(tmp_path / "tmp")),
        ("COLUMNS", "300"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(retailer.root)
    shutil.copy(ROOT / "dagster.yaml", retailer.root)
    retailer.write("visits", READER)
    return retailer


@pytest.fixture
def instance(project: Retailer) -> Generator[dg.DagsterInstance]:
    with open_instance(project.root) as found:
        yield found


def use(project: Retailer, instance: dg.DagsterInstance) -> None:
    """Publish, pin, label, delete, fail, and publish again, as a project in use does."""
    for month in (2, 3):
        project.orders(month, dict.fromkeys(FIRST, NAME))
    for stem in ("monthly", "visits"):
        assert project.materialize(instance, stem, first="2024-03").success
        run_ok("pin", stem, "--partition", "2024-03", "--reason", "model in production")
    label_rows("monthly", where=WHERE, set={"note": f"asked by {NAME}"})
    form = {"dataset": "monthly", "where": WHERE, "set": {"seen": NAME}}
    assert execute(project, instance, "rows_label", **form).success
    delete_rows("monthly", where=f"{WHERE} AND order_id < 3010")
    run_ok("use", "monthly", "--partition", "2024-03", "--training-run", "run-7")
    project.orders(3, dict.fromkeys(FIRST, NAME), repeated=True)
    assert not project.materialize(instance, "monthly", first="2024-03").success
    project.orders(3, dict.fromkeys(LATER, NAME))
    for stem in ("monthly", "visits"):
        assert project.materialize(instance, stem, first="2024-03").success


def has_value(root: Path) -> list[str]:
    """Return the files in which a value of the person is, apart from the source tables."""
    return [path for path in files_with(root, NAME) if not path.startswith("data/")]


def test_what_is_erased_is_in_no_byte_and_does_not_come_back(
    project: Retailer, instance: dg.DagsterInstance
) -> None:
    use(project, instance)
    before = has_value(project.root)
    assert {path.split("/")[0] for path in before} == {"warehouse", ".dagster_storage"}
    pinned = read_arrow("monthly", partition="2024-03", version=0).to_pylist()
    planned = erase_rows("monthly", where=WHERE, dry_run=True)
    assert has_value(project.root) == before
    done = erase_rows("monthly", where=WHERE)
    assert not has_value(project.root)
    assert planned.rows == done.rows > 0
    assert {each.dataset for each in done.datasets} == {"monthly", "visits"}
    kept = [row for row in pinned if row["user_id"] != NAME]
    assert read_arrow("monthly", partition="2024-03", version=0).to_pylist() == kept
    assert NAME not in json.dumps(done.model_dump(mode="json"), ensure_ascii=False)
    for stem in ("monthly", "visits"):
        assert project.materialize(instance, stem, first="2024-03").success
        assert project.materialize(instance, stem, first="2024-02").success
    assert "rows that were erased" in run_ok("show", "monthly").out
    run_ok("rebuild", "monthly", "--partition", "2024-03", "--version", "1", "-o", "again.csv")
    run_ok("rollback", "monthly", "--partition", "2024-03", "--to", "0")
    assert not has_value(project.root)
    [observed] = instance.fetch_observations(dataset_key("monthly"), limit=1).records
    assert observed.asset_observation
    assert observed.asset_observation.metadata["erasure"].value == done.id
    materialized = instance.fetch_materializations(dataset_key("monthly"), limit=50).records
    assert all(each.asset_materialization for each in materialized), "events can still be read"


def test_a_number_of_a_person_is_erased_from_texts_of_events(
    project: Retailer, instance: dg.DagsterInstance
) -> None:
    form = {"dataset": "brands", "where": "product_id = 4", "set": {"seen": "yes"}}
    assert project.materialize(instance, "brands").success
    assert execute(project, instance, "rows_label", **form).success
    before = instance.get_runs_count()
    erase_rows("brands", where="product_id = 4")
    bodies = [json.dumps(each.run_config) for each in instance.get_runs()]
    assert len(bodies) == before, "runs stay"
    assert not any("product_id = 4" in body for body in bodies)
    [event] = instance.fetch_materializations(dataset_key("brands"), limit=1).records
    assert event.asset_materialization
    assert "operation" not in event.asset_materialization.metadata
    assert event.asset_materialization.metadata["table_version"].value == 1


def test_the_command_asks_lists_and_tells_what_is_not_finished(project: Retailer) -> None:
    project.orders(3, dict.fromkeys(FIRST, NAME))
    run_ok("materialize", "monthly", "--partition", "2024-03")
    assert "takes a confirmation" in run_refused("erase", "monthly", "--where", WHERE)
    assert "nothing was changed" in run_ok("erase", "monthly", "--where", WHERE, "--dry-run").err
    assert "Nothing was erased" in run_ok("erase", "--list").out
    done = json.loads(run_ok("erase", "monthly", "--where", WHERE, "--yes", "--json").out)
    assert done["beyond_reach"][0] == "source table orders of resolver shop: remove the rows there"
    assert set(done) == documented("erase")
    found = json.loads(run_ok("erase", "--list", "--json").out)
    assert set(found) == documented("erase --list")
    listed = found["erasures"]
    assert [(each["id"], each["datasets"]) for each in listed] == [(done["id"], ["monthly"])]
    assert listed[0]["certificate"] == done
    assert done["id"] in run_ok("erase", "--list").out
    assert "erasure" not in run("doctor", "monthly").out
    path = project.root / "warehouse" / "monthly" / "_ledger" / "erasures.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert "not finished" in run_ok("erase", "--list").out
    refused = run_refused("rows", "label", "monthly", "--where", "order_id > 0", "--set", "a=b")
    assert f"rows of monthly are being erased by {done['id']}" in refused
    assert f"erasure {done['id']}" in run("doctor", "monthly").out
    again = json.loads(run_ok("erase", "monthly", "--where", WHERE, "--yes", "--json").out)
    assert (again["id"], again["datasets"]) == (done["id"], done["datasets"]), "the certificate is whole"


def test_a_certificate_says_that_no_dagster_instance_was_cleaned(project: Retailer) -> None:
    run_ok("materialize", "brands")
    (project.root / "dagster.yaml").unlink()
    done = erase_rows("brands", where="product_id = 4")
    assert done.finished_at
    assert not any("Dagster" in each for each in done.cleaned)
    assert [each for each in done.beyond_reach if "Dagster" in each] == [NO_INSTANCE]
