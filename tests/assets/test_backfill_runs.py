"""A killed run over many Periods reports what it published, and a retry does not publish that again.

`DATASET_ASSETS_BACKFILL=500 pytest tests/assets/test_backfill_runs.py` tests more Periods.
"""

import logging
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from deltalake import DeltaTable

from dataset_assets.assets.asset_keys import dataset_key
from tests.assets.retailer import Retailer

PERIODS = int(os.environ.get("DATASET_ASSETS_BACKFILL", "12"))
FIRST = date(2022, 1, 1)
LAST = FIRST + timedelta(days=PERIODS - 1)
HOME = "telemetry: {enabled: false}\n"

DAILY = f"""
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000005
  name: Visits by day
  owner: ada
  main_table:
    name: visits
    columns: [{{name: visit, type: integer}}, {{name: page, type: integer}}, {{name: at, type: timestamp}}]
  natural_key_columns: [visit]
  column_mapping: {{user_id: visit, product_id: page, timestamp: at}}
  partitions: {{period: day, start: {FIRST}, end: {LAST}}}
"""
VISITS = f"""
COPY (SELECT i AS visit, i % 3 AS page, TIMESTAMP '{FIRST}' + i * INTERVAL 8 HOUR AS at
FROM range({PERIODS * 3}) AS t(i)) TO '{{path}}' (FORMAT parquet)
"""
RUN = """
import sys
from pathlib import Path
import dagster as dg
from tests.assets.retailer import Retailer
with dg.DagsterInstance.get() as instance:
    Retailer(Path(sys.argv[1])).materialize(instance, "daily", first=sys.argv[2], last=sys.argv[3])
"""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(HOME)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    return folder


def told(instance: dg.DagsterInstance) -> set[str]:
    return instance.get_materialized_partitions(dataset_key("daily"))


@pytest.mark.usefixtures("home")
def test_killed_half_way_and_run_again_each_is_published_once_and_told(retailer: Retailer):
    retailer.write("daily", DAILY)
    duckdb.execute(VISITS.format(path=retailer.root / "data" / "visits.parquet"))
    table = retailer.root / "warehouse" / "daily"
    command = [sys.executable, "-c", RUN, str(retailer.root), str(FIRST), str(LAST)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list((table / "_delta_log").glob("*.json"))) < PERIODS // 2:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9
    there = {partition["_period"] for partition in DeltaTable(table).partitions()}
    assert PERIODS // 2 <= len(there) < PERIODS
    with dg.DagsterInstance.get() as instance:
        before = told(instance)
        assert len(there - before) <= 1, "only the one that was being told of when it was killed"
        assert retailer.materialize(instance, "daily", first=str(FIRST), last=str(LAST)).success
        assert len(told(instance)) == PERIODS
    assert len(DeltaTable(table).partitions()) == PERIODS
    assert DeltaTable(table).version() == PERIODS - 1, "each was published once"
    assert not list((table / "_staging").rglob("*.parquet"))
