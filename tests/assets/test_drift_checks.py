"""Drift checks are asset checks of datasets whose file requests them; they warn and never block."""

import logging

import dagster as dg
import duckdb
import pytest

from dataset_assets.assets.asset_keys import dataset_key
from tests.assets.retailer import MONTHLY, Retailer
from tests.assets.test_runs import events

ONE_MONTH = MONTHLY.replace("months: 2", "months: 1")
WATCHED = f"{ONE_MONTH}  drift: {{row_count: 30, null_percent: 10, over: 3}}\n"
NAMES = ["drift_row_count", "drift_null_percent"]


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("dagster").setLevel(logging.CRITICAL)


def drift(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    return [each for each in result.get_asset_check_evaluations() if each.check_name.startswith("drift_")]


def test_a_check_is_there_where_a_file_asks_for_it(retailer: Retailer) -> None:
    retailer.write("watched", WATCHED.replace("000001", "000008"))
    keys = retailer.definitions().resolve_asset_graph().asset_check_keys
    found = {key for key in keys if key.name.startswith("drift_")}
    assert found == {dg.AssetCheckKey(dataset_key("watched"), name) for name in NAMES}


def test_what_has_drifted_warns_and_is_published(retailer: Retailer, instance: dg.DagsterInstance) -> None:
    retailer.write("monthly", WATCHED)
    first = retailer.materialize(instance, "monthly", first="2024-02", last="2024-03")
    assert [(each.check_name, each.passed) for each in drift(first)] == [(name, True) for name in NAMES]
    none, equal = str(drift(first)[0].description).split("\n\n")
    assert none == "there is no earlier publication to compare with yet"
    assert equal == "100 rows, as many as the last publication (100; 2024-02); 30 % is allowed"
    file = retailer.root / "data/orders/2024-05.parquet"
    duckdb.execute(f"COPY (FROM '{file}' WHERE order_id % 5 < 2) TO '{file}.new' (FORMAT parquet)")
    file.with_suffix(".parquet.new").rename(file)
    result = retailer.materialize(instance, "monthly", first="2024-04", last="2024-05")
    assert result.success
    assert sorted(events(result, "monthly")) == ["2024-04", "2024-05"]
    rows, nulls = drift(result)
    assert (rows.passed, rows.severity, rows.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert rows.description == (
        "2024-05: 40 rows, 60 % fewer than the mean of the last 3 publications (100; 2024-02 to 2024-04); "
        "30 % is allowed"
    )
    assert (rows.metadata["rows"].value, rows.metadata["mean"].value) == (40, 100)
    assert str(nulls.description).startswith(
        "2024-05: NULLs: products__brand 0 % instead of 20 % (20 points less); "
    )
    (record,) = instance.event_log_storage.get_asset_check_execution_history(rows.asset_check_key, limit=1)
    assert record.status.value == "FAILED"
