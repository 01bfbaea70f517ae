"""Outputs of Projects in Dagster: the run of the job, and the refresh of outputs with their datasets."""

import dagster as dg
import pytest

from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.interfaces.reading import read_arrow
from tests.assets.automation_fixtures import BY_MONTH, MONTHS, Automated, Make, of
from tests.assets.catalogs import text

PROJECT_ID = "01a2001c-5bb6-78a2-b67e-09700bdd3521"
PROJECT = f"""
project:
  id: {PROJECT_ID}
  name: Campaign
  owner: ada
  datasets: [DATASET]
  operations:
OPERATIONS
"""
BIG = """
    - {type: label, where: revenue >= 50, set: {size: big}}
    - {type: delete, where: product_id = 4}
    - {type: output, name: sold}
    - {type: reperiod, where: "order_id = 1001", to: 2024-03}
    - {type: output, name: booked, include_deleted: true}
"""
OUTPUT = "    - {type: output, name: o}"
UPSTREAM = "refresh: {on: upstream}"


@pytest.fixture
def instance(tmp_path) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(str(tmp_path))


def declare(root, dataset: str, operations: str) -> None:
    path = root / "projects" / "campaign.yaml"
    path.write_text(PROJECT.replace("DATASET", dataset).replace("OPERATIONS", operations))


def test_a_run_of_the_project_publishes_its_datasets_and_outputs(retailer, instance, monkeypatch):
    monkeypatch.chdir(retailer.root)
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.root / "definitions"))
    declare(retailer.root / "definitions", "monthly", BIG)
    job = retailer.definitions().resolve_job_def("campaign")
    for month in ("2024-02", "2024-03"):
        assert job.execute_in_process(instance=instance, partition_key=month).success
    key = dg.AssetKey(["projects", "campaign", "sold"])
    [event] = instance.fetch_materializations(key, limit=1).records
    metadata = event.asset_materialization.metadata
    assert event.partition_key == "2024-03"
    assert metadata["dagster/partition_row_count"].value == 160
    assert metadata["rows_added"].value == 160
    source = read_arrow("monthly", partition="2024-02", with_system=True).to_pylist()
    sold = read_arrow("campaign__sold", partition="2024-02", with_system=True).to_pylist()
    assert [row["_row_id"] for row in sold] == [row["_row_id"] for row in source if row["product_id"] != 4]
    assert {row["_created_by_project_id"] for row in sold} == {PROJECT_ID}
    labelled = read_arrow("campaign__sold", partition="2024-02", where="label('size') = 'big'")
    assert labelled.num_rows == sum(row["revenue"] >= 50 for row in sold)
    booked = read_arrow("campaign__booked", partition="2024-03", columns=["order_id", "_period"]).to_pylist()
    assert {row["_period"] for row in booked} == {"2024-03"}
    assert 1001 in {row["order_id"] for row in booked}
    whole = read_arrow("campaign__booked", partition="2024-03", include_deleted=True)
    assert (len(booked), whole.num_rows) == (161, 201)
    results = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(key, name) for name in ("declared_schema", "not_empty")]
    )
    assert len(results) == 2


def test_a_kept_publication_of_an_earlier_definition_does_not_fail_the_run(retailer, instance):
    declare(retailer.root / "definitions", "monthly", OUTPUT)
    key = dg.AssetKey(["projects", "campaign", "o"])

    def run() -> dg.ExecuteInProcessResult:
        job = retailer.definitions().resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=instance, asset_selection=[key], partition_key="2024-02", raise_on_error=False
        )

    assert retailer.materialize(instance, "monthly", first="2024-02").success
    path = retailer.root / "definitions" / "datasets" / "monthly.yaml"
    keyed = path.read_text()
    keyless = keyed.replace("  natural_key_columns: [order_id]\n", "")
    path.write_text(keyless.replace("[products.brand]", "[products.brand, order_id]"))
    assert run().success
    path.write_text(keyed)
    assert run().success


def test_the_output_of_a_broken_dataset_fails_with_its_faults(retailer, instance):
    declare(retailer.root / "definitions", "monthly", OUTPUT)
    retailer.write("monthly", "dataset: {name: Broken}")
    key = dg.AssetKey(["projects", "campaign", "o"])
    job = retailer.definitions().resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False)
    assert not done.success
    [failure] = [each for each in done.all_events if each.event_type_value == "STEP_FAILURE"]
    assert "is required" in str(failure.event_specific_data)


def test_the_outputs_of_a_faulty_project_stay_and_fail_with_its_faults(retailer, instance):
    declare(retailer.root / "definitions", "monthly", "    - {type: delete, where: pric > 1}\n" + OUTPUT)
    key = dg.AssetKey(["projects", "campaign", "o"])
    job = retailer.definitions().resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False)
    [failure] = [each for each in done.all_events if each.event_type_value == "STEP_FAILURE"]
    assert "there is no column 'pric'" in str(failure.event_specific_data)


def test_an_output_is_downstream_of_its_dataset(retailer):
    declare(retailer.root / "definitions", "monthly", BIG)
    graph = retailer.definitions().resolve_asset_graph()
    for name in ("sold", "booked"):
        key = dg.AssetKey(["projects", "campaign", name])
        assert graph.get(key).parent_keys == {dataset_key("monthly")}
        assert graph.get(key).partitions_def == graph.get(dataset_key("monthly")).partitions_def


def with_project(world: Automated, operations: str = OUTPUT) -> Automated:
    declare(world.root, "d1", operations)
    world.load()
    return world


def test_outputs_are_refreshed_with_their_dataset(make: Make) -> None:
    world = with_project(make(text(1, "monthly", BY_MONTH, UPSTREAM)))
    assert of("campaign__o", world.tick()) == MONTHS
    assert world.tick() == set(), "they are on their way"
    world.publish_output("campaign__o", *MONTHS)
    assert world.tick() == set()
    world.report("monthly", "2024-03", "v2")
    assert world.tick() == {("d1", "2024-03")}, "the output waits for its dataset"
    run = world.begin("d1", "2024-03")
    world.publish("d1", "2024-03", "made of v2")
    assert world.tick() == set()
    world.end(run)
    assert world.tick() == {("campaign__o", "2024-03")}
    assert world.requests[0].tags["dataset_assets/reason"] == "d1 was published again: 2024-03"
    world.publish_output("campaign__o", "2024-03")
    assert world.tick() == set()


def test_other_operations_refresh_every_period(make: Make) -> None:
    world = with_project(make(text(1, "monthly", BY_MONTH, UPSTREAM)))
    world.tick()
    world.publish_output("campaign__o", *MONTHS)
    assert world.tick() == set()
    with_project(world, "    - {type: delete, where: _deleted}\n" + OUTPUT)
    assert of("campaign__o", world.tick()) == MONTHS
    assert world.requests[0].tags["dataset_assets/reason"] == "operations changed"


def test_a_period_that_rows_move_to_reads_all_others(make: Make) -> None:
    moves = "    - {type: reperiod, where: _deleted, to: 2024-04}\n" + OUTPUT
    world = with_project(make(text(1, "monthly", BY_MONTH, UPSTREAM)), moves)
    world.tick()
    world.publish_output("campaign__o", *MONTHS)
    assert world.tick() == set()
    world.report("monthly", "2024-03", "v2")
    world.tick()
    world.publish("d1", "2024-03", "made of v2")
    assert of("campaign__o", world.tick()) == ["2024-03", "2024-04"]


def test_what_made_a_run_fail_may_be_mended_in_the_file(make: Make) -> None:
    world = with_project(make(text(1, "monthly", BY_MONTH, UPSTREAM)))
    assert of("campaign__o", world.tick()) == MONTHS
    assert world.tick() == set()
    assert "was requested before" in world.said
    with_project(world, OUTPUT.replace("o}", "o, allow_empty: true}"))
    assert of("campaign__o", world.tick()) == MONTHS


def test_outputs_of_a_dataset_that_is_published_by_hand_are_not_refreshed(make: Make) -> None:
    world = with_project(make(text(1, "monthly", BY_MONTH)))
    assert world.tick() == set()
