"""The Periods of a bitemporal table in Dagster: each partition is a load, and none is lost."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from deltalake import DeltaTable

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.row_change_events import change_materialization
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.contract.row_operations import DeleteRows
from dataset_assets.lifecycle.change_rows import change_rows
from dataset_assets.lifecycle.row_change_report import ChangeRequest
from dataset_assets.lifecycle.row_changes import ApplyOperation
from tests.assets.retailer import NOW, Retailer

MONTHS = ("2024-02", "2024-03", "2024-04")
HISTORY = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000011
  name: What was ordered, as it was known
  owner: ada
  natural_key_columns: [order_id]
  main_table:
    name: orders
    bitemporal: true
    valid_from: ordered_at
    columns:
      - {name: order_id, type: integer, nullable: false}
      - {name: customer, type: string, nullable: false}
      - {name: ordered_at, type: timestamp, nullable: false}
  drift: {row_count: 10}
  partitions: {period: month, start: 2024-02}
"""
RUN = """
import sys
from pathlib import Path
import dagster as dg
from tests.assets.retailer import Retailer
with dg.DagsterInstance.get() as instance:
    assert Retailer(Path(sys.argv[1])).materialize(instance, "history", first=sys.argv[2]).success
"""


@pytest.fixture
def history(retailer: Retailer) -> Retailer:
    retailer.write("history", HISTORY)
    return retailer


def loads(retailer: Retailer) -> set[tuple[str, str | None]]:
    rows = DeltaTable(retailer.root / "warehouse" / "history").to_pyarrow_table()
    names = ("_period_from", "_period_to")
    return set(zip(*(rows.column(name).to_pylist() for name in names), strict=True))


def data_version(instance: dg.DagsterInstance, period: str) -> str | None:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(dataset_key("history"), asset_partitions=[period]), limit=1
    ).records
    tags = records[0].asset_materialization.tags if records and records[0].asset_materialization else {}
    return (tags or {}).get("dagster/data_version")


def test_a_backfill_of_three_periods_is_three_loads_of_one_table(
    history: Retailer, instance: dg.DagsterInstance
) -> None:
    result = history.materialize(instance, "history", first=MONTHS[0], last=MONTHS[-1])
    assert result.success
    key = dataset_key("history")
    assert instance.get_materialized_partitions(key) == set(MONTHS)
    assert loads(history) == {
        ("2024-02", "2024-03"),
        ("2024-03", "2024-04"),
        ("2024-04", None),
    }
    events = {each.partition: each for each in result.asset_materializations_for_node("datasets__history")}
    metadata = events["2024-04"].metadata
    assert metadata["loaded_periods"].value == "2024-02, 2024-03, 2024-04"
    assert metadata["dagster/row_count"].value == metadata["dagster/partition_row_count"].value == 100
    assert (metadata["table_rows"].value, metadata["valid_to"].value) == (300, "open")
    assert metadata["valid_from"].value == "2024-04-01T00:00:00+00:00"
    assert (metadata["rows_added"].value, metadata["rows_changed"].value) == (100, 100)
    schema = metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    columns = [each.name for each in schema.columns]
    assert columns[:2] == ["order_id", "customer"]
    assert {"_valid_from", "_period_to"} <= set(columns)
    assert "_period" not in columns
    checks = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert checks["valid_time_overlaps"].passed
    assert checks["drift_row_count"].passed
    assert "natural_key_unique" not in checks


def test_a_period_that_is_loaded_late_changes_no_other_partition(
    history: Retailer, instance: dg.DagsterInstance
) -> None:
    for month in ("2024-02", "2024-04"):
        assert history.materialize(instance, "history", first=month).success
    before = {month: data_version(instance, month) for month in ("2024-02", "2024-04")}
    assert history.materialize(instance, "history", first="2024-03").success
    assert history.materialize(instance, "history", first="2024-02").success, "the same snapshot again"
    assert {month: data_version(instance, month) for month in before} == before
    assert len(set(before.values()) | {data_version(instance, "2024-03")}) == 3


def test_a_change_by_hand_is_reported_for_the_table_and_moves_no_partition(
    history: Retailer, instance: dg.DagsterInstance
) -> None:
    assert history.materialize(instance, "history", first="2024-02").success
    before = data_version(instance, "2024-02")
    catalog = load_catalog(history.root / "definitions")
    target = load_target(str(history.root / "target.yaml"))
    request = ChangeRequest("history", "run", NOW, "ada")
    operation = ApplyOperation(DeleteRows(where="customer = 'c1'"))
    reported = []
    change_rows(target, catalog, request, operation, lambda *told: reported.append(told))
    [(changed, record)] = reported
    event = change_materialization(catalog, changed, record)
    assert (event.partition, event.metadata["dagster/row_count"].value) == (None, 89)
    instance.report_runless_asset_event(event)
    assert instance.get_materialized_partitions(dataset_key("history")) == {"2024-02"}
    assert data_version(instance, "2024-02") == before
    assert history.materialize(instance, "history", first="2024-03").success


@pytest.mark.usefixtures("home")
def test_runs_of_three_periods_at_once_are_all_published(history: Retailer) -> None:
    """The instance of the test has no limit of pools, so nothing but the library serializes the runs."""
    with dg.DagsterInstance.get():
        root = Path(__file__).parents[2]
    commands = [[sys.executable, "-c", RUN, str(history.root), month] for month in MONTHS]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    processes = [
        subprocess.Popen(each, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(loads(history)) == 3
    with dg.DagsterInstance.get() as instance:
        assert instance.get_materialized_partitions(dataset_key("history")) == set(MONTHS)
