"""The sensor `retention` removes once a day what the target's retention no longer keeps."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dataset_assets.assets import retention_sensor
from dataset_assets.assets.retention_sensor import SENSOR, Day
from tests.assets.retailer import MONTHLY, TARGET, Retailer

KEEP_ONE = TARGET.replace("root: ./warehouse}", "root: ./warehouse, retention: {publications: 1}}")


@pytest.fixture
def kept(retailer: Retailer) -> Retailer:
    """Return the retailer whose target keeps one publication of each Period."""
    (retailer.root / "target.yaml").write_text(KEEP_ONE)
    return retailer


def sensor(retailer: Retailer) -> dg.SensorDefinition:
    sensors = retailer.definitions().sensors or ()
    (found,) = (each for each in sensors if isinstance(each, dg.SensorDefinition) and each.name == SENSOR)
    return found


def tick(
    found: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    result = found(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, dg.SensorResult)
    return result


def publish_twice(retailer: Retailer, instance: dg.DagsterInstance) -> None:
    for brand in ("a", "b"):
        retailer.brands(brand, "b", "c", None, "d")
        assert retailer.materialize(instance, "brands").success


def data_files(root: Path) -> Iterator[Path]:
    return (root / "warehouse" / "brands").glob("*.parquet")


def test_there_is_a_sensor_only_if_the_target_has_a_retention(retailer):
    assert SENSOR not in {each.name for each in retailer.definitions().sensors or ()}
    (retailer.root / "target.yaml").write_text(KEEP_ONE)
    assert sensor(retailer).default_status is dg.DefaultSensorStatus.RUNNING


def test_it_runs_once_a_day_and_rows_stay_for_a_day_of_grace(kept, instance, monkeypatch):
    publish_twice(kept, instance)
    found = sensor(kept)
    first = tick(found, instance)
    assert first.skip_reason
    assert "brands: 1 expired, 0 removed" in str(first.skip_reason)
    assert len(list(data_files(kept.root))) == 2
    again = tick(found, instance, first.cursor)
    assert "done for today" in str(again.skip_reason)
    yesterday = Day("2024-01-01", "2024-01-01").text()
    with monkeypatch.context() as patched:
        patched.setattr(retention_sensor, "vacuum", _tomorrow(retention_sensor.vacuum))
        later = tick(found, instance, yesterday)
    assert "brands: 0 expired, 1 removed" in str(later.skip_reason)
    assert len(list(data_files(kept.root))) == 1


def _tomorrow(vacuum):
    return lambda target, stems, now: vacuum(target, stems, now + timedelta(hours=25))


def test_a_tick_that_is_over_goes_on_with_the_next(kept, instance, monkeypatch):
    publish_twice(kept, instance)
    found = sensor(kept)
    monkeypatch.setattr(retention_sensor, "TICK_SECONDS", -1.0)
    first = tick(found, instance)
    assert Day.of(first.cursor).finished == ""
    monkeypatch.setattr(retention_sensor, "TICK_SECONDS", 20.0)
    second = tick(found, instance, first.cursor)
    assert "brands: 1 expired" in str(second.skip_reason)
    assert Day.of(second.cursor).finished == Day.of(second.cursor).started != ""


def test_a_fault_of_one_dataset_does_not_stop_the_others(kept, instance):
    publish_twice(kept, instance)
    broken = kept.root / "warehouse" / "monthly" / "_delta_log"
    broken.mkdir(parents=True)
    (broken / f"{0:020}.json").write_text("{torn")
    kept.write("aaa", MONTHLY.replace("-000000000001", "-00000000000a"))
    (kept.root / "warehouse" / "monthly").rename(kept.root / "warehouse" / "aaa")
    reasons = str(tick(sensor(kept), instance).skip_reason)
    assert "aaa: the Delta table 'aaa' cannot be read" in reasons
    assert "brands: 1 expired" in reasons


@pytest.mark.parametrize("cursor", ["2024-01-01", "[]", '{"a": 1}', ""])
def test_an_unreadable_cursor_is_a_new_day(cursor):
    assert Day.of(cursor) == Day()
