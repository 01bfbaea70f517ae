"""A run of an asset publishes rows and reports metadata, checks and failures to Dagster."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.asset_keys import PROJECT_TAG, dataset_key
from dataset_assets.assets.metadata import MAX_CELL
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.periods.cadence import Calendars
from tests.assets.retailer import BROKEN, Retailer


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


def published(retailer: Retailer, stem: str, period: str | None) -> Any:
    """What a reader sees, without Dagster."""
    target = load_target(retailer.settings.target, Calendars())
    with target.engine.connect() as session:
        return target.warehouse.current(stem, period, session)


def events(result: dg.ExecuteInProcessResult, stem: str) -> dict[Any, Any]:
    found = [
        event.step_materialization_data.materialization for event in result.get_asset_materialization_events()
    ]
    mine = [each for each in found if each.asset_key == dataset_key(stem)]
    by_partition = {each.partition: each for each in mine}
    assert len(by_partition) == len(mine), "one event for each partition"
    return by_partition


def failure_of(result: Any, step: str) -> str:
    event = next(e for e in result.all_events if e.is_step_failure and e.step_key == step)
    data = event.step_failure_data
    assert data.user_failure_data, "a dagster.Failure, not an error of the program"
    return data.user_failure_data.description or ""


def test_an_unpartitioned_dataset_is_published_with_all_that_is_known_of_it(retailer, instance):
    result = retailer.materialize(instance, "brands")
    assert result.success
    event = events(result, "brands")[None]
    metadata = {name: value.value for name, value in event.metadata.items()}
    assert metadata["dagster/row_count"] == 5
    assert (metadata["rows_added"], metadata["rows_changed"], metadata["rows_removed"]) == (5, 0, 0)
    assert metadata["version"] == "1"
    assert metadata["source_versions"].keys() == {"shop/products"}
    assert metadata["dagster/uri"].endswith("/warehouse/brands")
    assert event.tags["dagster/data_version"] == metadata["digest"]
    assert metadata["snapshot"]["definition"]["name"] == "Brands"
    assert metadata["snapshot"]["run_id"] == result.run_id
    assert metadata["seconds"] > 0
    assert {"stage", "publish"} <= metadata["seconds_by_step"].keys()
    assert metadata["size_bytes"] > 0
    found = published(retailer, "brands", None)
    assert found
    assert found.record["digest"] == metadata["digest"]


def test_a_partition_shows_its_split_its_numbers_its_sql_and_its_pictures(retailer, instance):
    result = retailer.materialize(instance, "monthly", first="2024-03")
    assert result.success
    metadata = events(result, "monthly")["2024-03"].metadata
    values = {name: value.value for name, value in metadata.items()}
    assert values["dagster/partition_row_count"] == 200
    assert "dagster/row_count" not in values, "that would be the whole table's"
    assert values["rows_train"] + values["rows_eval"] == 200
    assert values["share_train"] == pytest.approx(values["rows_train"] / 200)
    assert (values["users"], values["products"]) == (9, 5)
    assert values["revenue_mean"] == pytest.approx(49.75)
    assert (values["first_day"], values["last_day"]) == ("2024-02-01", "2024-03-25")
    assert values["as_of"] == datetime(2024, 4, 1, tzinfo=UTC).timestamp()
    assert values["sql"].startswith("```sql\nWITH")
    distributions = values["distributions"]
    assert "data:image/svg+xml;base64," in distributions.partition("**revenue**: `")[2]
    assert "**user_id**: `" in distributions
    assert "**split**" not in distributions
    columns = [column.name for column in values["dagster/column_schema"].columns]
    assert columns[:4] == ["user_id", "product_id", "timestamp", "revenue"]
    assert {"split", "_row_id", "_period"} <= set(columns)
    table = metadata["column_statistics"]
    cells = {record.data["column"]: record.data for record in table.records}
    assert [*cells][:2] == ["user_id", "product_id"]
    assert cells["timestamp"]["min"].startswith("2024-02-01 "), "an instant as people write it"
    assert max(len(cell) for row in cells.values() for cell in row.values()) <= MAX_CELL


def test_a_backfill_in_one_run_reports_each_period_with_its_own_data_version(retailer, instance):
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-04")
    assert result.success
    found = events(result, "monthly")
    assert sorted(found) == ["2024-02", "2024-03", "2024-04"]
    digests = {period: event.metadata["digest"].value for period, event in found.items()}
    assert len(set(digests.values())) == 3
    for period, event in found.items():
        assert event.tags["dagster/data_version"] == digests[period]
        assert event.tags["dagster/code_version"]
        assert "dagster/input_data_version/shop/orders" in event.tags, "so that Dagster sees what is stale"
        assert event.metadata["period"].value == period
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["not_empty"].passed
    assert checks["not_empty"].metadata["2024-03"].value == {"rows": 200}
    again = retailer.materialize(instance, "monthly", first="2024-03")
    assert events(again, "monthly")["2024-03"].tags["dagster/data_version"] == digests["2024-03"]


def test_a_period_that_fails_does_not_keep_the_others_from_being_published(retailer, instance):
    retailer.orders(3, repeated=True)
    result = retailer.materialize(instance, "monthly", first="2024-02", last="2024-05")
    assert not result.success
    assert sorted(events(result, "monthly")) == ["2024-02", "2024-05"]
    text = failure_of(result, "datasets__monthly")
    assert text.startswith("2 of 4 Periods failed, the others are published:\n2024-03: ")
    assert "\n2024-04: " in text, "its window holds March too"
    assert "natural key (order_id)" in text
    assert published(retailer, "monthly", "2024-05")
    assert published(retailer, "monthly", "2024-03") is None
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.check_name for check in failed] == ["natural_key_unique"]
    assert failed[0].description.startswith("2024-03: ")
    assert failed[0].blocking


def test_a_blocking_check_publishes_nothing_and_is_shown_as_failed(retailer, instance):
    assert retailer.materialize(instance, "monthly", first="2024-03").success
    before = published(retailer, "monthly", "2024-03")
    retailer.orders(3, repeated=True)
    result = retailer.materialize(instance, "monthly", first="2024-03")
    assert not result.success
    assert events(result, "monthly") == {}
    after = published(retailer, "monthly", "2024-03")
    assert before
    assert after
    assert after.record == before.record
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.check_name for check in failed] == ["natural_key_unique"]
    assert failed[0].severity == dg.AssetCheckSeverity.ERROR
    assert failed[0].description in failure_of(result, "datasets__monthly")


def test_a_check_that_does_not_block_warns(retailer, instance):
    text = (retailer.root / "definitions/datasets/monthly.yaml").read_text().replace("0001", "0007")
    often = "months: 2}\n    customer_filter: {type: min_transactions, value: 1}"
    retailer.write("narrow", text.replace("months: 2}", often))
    retailer.orders(3, {99: "newcomer"})
    result = retailer.materialize(instance, "narrow", first="2024-03")
    assert result.success
    leak = next(check for check in result.get_asset_check_evaluations() if check.check_name == "leak")
    assert not leak.passed
    assert leak.severity == dg.AssetCheckSeverity.WARN


def test_a_broken_file_fails_with_its_text_and_the_others_work(retailer, instance):
    retailer.write("broken", BROKEN)
    text = "\n".join(map(str, load_catalog(retailer.settings.definitions).entry("broken").faults))
    result = retailer.materialize(instance, "broken", "brands")
    assert failure_of(result, "datasets__broken") == text
    assert "broken.yaml:5:" in text, "where it is wrong"
    assert published(retailer, "brands", None)


def test_a_nested_dataset_runs_first_and_a_range_of_the_one_that_reads_it_after(retailer, instance):
    assert retailer.materialize(instance, "brands").success
    result = retailer.materialize(instance, "nesting", first="2024-02", last="2024-03")
    assert result.success
    event = events(result, "nesting")["2024-03"]
    assert event.metadata["source_versions"].value.keys() == {"shop/orders", "datasets/brands"}
    version = "dagster/input_data_version/datasets/brands"
    assert event.tags[version] == published(retailer, "brands", None).record["digest"]


def test_steps_downstream_of_a_range_run_in_the_same_run(retailer, instance):
    text = (retailer.root / "definitions/datasets/nesting.yaml").read_text()
    below = text.replace("0003", "0004").replace("0002}", "0003}").replace("product_id}]", "order_id}]", 1)
    below = below.replace("source_column: product_id", "source_column: order_id").replace(
        "target_column: product_id", "target_column: order_id"
    )
    retailer.write("below", below)
    assert retailer.materialize(instance, "brands").success
    result = retailer.materialize(instance, "nesting", "below", first="2024-02", last="2024-03")
    assert result.success
    for stem in ("nesting", "below"):
        assert sorted(events(result, stem)) == ["2024-02", "2024-03"]


def test_what_cannot_be_read_is_told_in_plain_text(retailer, instance):
    (retailer.root / "data" / "products.parquet").unlink()
    result = retailer.materialize(instance, "brands")
    text = failure_of(result, "datasets__brands")
    assert "products" in text
    assert "Traceback" not in text


def test_the_project_and_the_run_are_stamped_on_rows(retailer, instance):
    project = "01a2001c-5bb3-7d55-869e-0000000000aa"
    result = retailer.materialize(instance, "brands", tags={PROJECT_TAG: project})
    record = published(retailer, "brands", None).record
    assert (record["project_id"], record["run_id"]) == (project, result.run_id)
    json.dumps(dict(record))


def test_an_unpartitioned_dataset_looks_back_from_the_runs_start_or_as_told(retailer, instance):
    result = retailer.materialize(instance, "brands")
    started = instance.get_run_record_by_id(result.run_id).start_time
    assert events(result, "brands")[None].metadata["as_of"].value == pytest.approx(started, abs=1e-3)
    told: dict[str, Any] = {"ops": {"datasets__brands": {"config": {"as_of": "2024-03-01T00:00:00Z"}}}}
    result = retailer.materialize(instance, "brands", run_config=told)
    instant = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    assert events(result, "brands")[None].metadata["as_of"].value == instant
    told["ops"]["datasets__brands"]["config"]["as_of"] = "yesterday"
    result = retailer.materialize(instance, "brands", run_config=told)
    assert "'yesterday' is not an instant" in failure_of(result, "datasets__brands")


def test_a_run_that_must_be_locked_refuses_what_the_lock_does_not_know(retailer, instance):
    locked = {"resources": {"target": {"config": {"name": retailer.settings.target, "locked": True}}}}
    result = retailer.materialize(instance, "brands", run_config=locked)
    assert "lock" in failure_of(result, "datasets__brands")
    assert published(retailer, "brands", None) is None
    assert retailer.materialize(instance, "brands").success, "writes the lock"
    assert retailer.materialize(instance, "brands", run_config=locked).success
