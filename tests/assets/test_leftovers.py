"""Leftovers of broken runs in the warehouse are removed by the sensor `janitor` and by `clean`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from sqlglot import parse_one

from dataset_assets.adapters.delta import leftovers as delta_leftovers
from dataset_assets.adapters.delta import warehouse as delta_warehouse
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.cleanup_sensor import SENSOR
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.samples import SampleRecord
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.leftovers import clean, leftovers
from tests.interfaces.running import run_ok, run_refused

DAY = timedelta(days=1)


@pytest.fixture
def target(retailer) -> Target:
    return load_target(retailer.settings.target, Calendars())


def in_a_day() -> datetime:
    return datetime.now(UTC) + DAY


def stage(target: Target, stem: str, period: str | None) -> None:
    """As a run does that then dies."""
    with target.engine.connect() as session:
        claim = target.warehouse.claim(stem, period, "killed", session)
        query: Any = parse_one("SELECT 1 AS a, CAST(NULL AS VARCHAR) AS _period", dialect="duckdb")
        target.warehouse.stage(claim, query, session)


def current(target: Target, stem: str, period: str | None) -> Publication | None:
    with target.engine.connect() as session:
        return target.warehouse.current(stem, period, session)


def test_staged_rows_are_removed_when_they_are_old_and_published_ones_never(retailer, instance, target):
    assert retailer.materialize(instance, "brands").success
    assert retailer.materialize(instance, "monthly", first="2024-02", last="2024-03").success
    before = current(target, "monthly", "2024-03")
    stage(target, "brands", None)
    stage(target, "monthly", "2024-03")
    now = datetime.now(UTC)
    assert list(leftovers(target, now, DAY)) == [], "of a run that may go on yet"
    found = list(leftovers(target, now + DAY, DAY))
    assert [each.name.split("/")[:3] for each in found] == [
        ["brands", "_staging", "_"],
        ["monthly", "_staging", "_period=2024-03"],
    ]
    assert all(each.size_bytes for each in found)
    assert list(clean(target, now + DAY, DAY)) == found
    assert list(leftovers(target, now + DAY, DAY)) == []
    after = current(target, "monthly", "2024-03")
    assert before
    assert after
    assert after.record == before.record
    assert retailer.materialize(instance, "brands").success


def test_rows_in_place_that_were_not_committed_are_removed(retailer, instance, target, monkeypatch):
    def die(*_: Any) -> int:
        raise RuntimeError("killed")

    assert retailer.materialize(instance, "brands").success
    pq.write_table(
        pa.table({"product_id": [0, 1], "brand": ["z", "z"]}), retailer.root / "data" / "products.parquet"
    )
    monkeypatch.setattr(delta_warehouse, "commit", die)
    assert not retailer.materialize(instance, "brands").success
    monkeypatch.undo()
    (left,) = leftovers(target, in_a_day(), DAY)
    folder = retailer.root / "warehouse"
    assert (folder / left.name).exists()
    record = folder / "brands" / "_records" / Path(left.name).relative_to("brands").with_suffix(".json")
    assert record.exists()
    assert list(clean(target, in_a_day(), DAY)) == [left]
    assert not (folder / left.name).exists()
    assert not record.exists()
    assert current(target, "brands", None)


def test_the_log_of_a_table_is_read_once_however_many_periods_it_has(retailer, instance, target, monkeypatch):
    """It is looked at within a tick of the daemon, for all datasets."""
    assert retailer.materialize(instance, "monthly", first="2024-02", last="2024-05").success
    opened = []

    def counting(path: Path) -> DeltaTable:
        opened.append(path.name)
        return DeltaTable(path)

    monkeypatch.setattr(delta_leftovers, "open_table", counting)
    assert list(leftovers(target, in_a_day(), DAY)) == []
    assert opened == ["monthly"]


def test_rows_that_only_time_travel_still_needs_stay(retailer, instance, target):
    """As after a tool that rewrites the table's files."""
    assert retailer.materialize(instance, "brands").success
    table = DeltaTable(retailer.root / "warehouse" / "brands")
    table.delete("product_id = 0")
    assert len(DeltaTable(retailer.root / "warehouse" / "brands").history()) == 2
    assert list(leftovers(target, in_a_day(), DAY)) == []


def test_the_command_says_what_it_removes(retailer, instance, target, monkeypatch):
    assert retailer.materialize(instance, "brands").success
    stage(target, "brands", None)
    monkeypatch.setenv("DATASET_ASSETS_TARGET", retailer.settings.target)
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(retailer.settings.definitions))
    assert "there is nothing to remove" in run_ok("clean").err
    assert "would be removed: brands/_staging/_/" in run_ok("clean", "--older-than", "0m", "--dry-run").out
    assert "removed: brands/_staging/_/" in run_ok("clean", "--older-than", "0m").out
    assert "there is nothing to remove" in run_ok("clean", "--older-than", "0m").err
    assert "'soon' is not an age; write it as 30m, 24h or 7d" in run_refused("clean", "--older-than", "soon")


def test_the_sensor_of_the_code_location_cleans_once_a_day(retailer, instance, target, monkeypatch):
    stage(target, "brands", None)
    monkeypatch.setattr("dataset_assets.assets.cleanup_sensor.AGE", timedelta(0))
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    first = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert first.skip_message
    assert first.skip_message.startswith("removed brands/_staging/_/")
    stage(target, "brands", None)
    again = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=first.cursor))
    assert again.skip_message == "nothing to do"
    assert len(list(leftovers(target, in_a_day(), DAY))) == 1


def test_what_the_code_server_may_not_remove_is_left_for_the_day(retailer, instance, target, monkeypatch):
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "/warehouse/brands")

    stage(target, "brands", None)
    monkeypatch.setattr("dataset_assets.assets.cleanup_sensor.AGE", timedelta(0))
    monkeypatch.setattr(Path, "unlink", refused)
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert tick.skip_message
    assert tick.skip_message.startswith(
        "the warehouse cannot be cleaned: Permission denied: /warehouse/brands; "
    )
    assert tick.cursor


def test_cleaning_that_takes_long_is_gone_on_with_at_the_next_look(retailer, instance, target, monkeypatch):
    for period in ("2024-02", "2024-03"):
        stage(target, "monthly", period)
    monkeypatch.setattr("dataset_assets.assets.cleanup_sensor.AGE", timedelta(0))
    monkeypatch.setattr("dataset_assets.assets.cleanup_sensor.CLEANING_SECONDS", 0.0)
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    cursor, left = None, []
    for _ in range(3):
        cursor = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor)).cursor
        left.append(len(list(leftovers(target, in_a_day(), DAY))))
    assert left == [1, 0, 0]
    assert cursor


def test_the_sensor_removes_samples_whose_days_are_over(retailer, instance, target):
    """The days count from the time in the record of the sample, not from that of its file."""
    record = SampleRecord(
        dataset="brands",
        period=None,
        sample="1%",
        as_of=datetime.now(UTC),
        sha256="0",
        made_at=datetime.now(UTC) - 8 * DAY,
    )
    query: Any = parse_one("SELECT 1 AS a", dialect="duckdb")
    with target.engine.connect() as session:
        old = target.warehouse.write_sample(record, query, session)
        new = record.model_copy(update={"sample": "2%", "made_at": datetime.now(UTC) - 6 * DAY})
        kept = target.warehouse.write_sample(new, query, session)
    sensor = retailer.definitions().get_repository_def().get_sensor_def(SENSOR)
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert tick.skip_message == f"removed {old.name}"
    with target.engine.connect() as session:
        assert target.warehouse.samples(session) == [kept]
