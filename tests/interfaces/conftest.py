"""Fixtures: a small retailer with source tables, dataset files and a target in a temporary folder."""

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.interfaces.cloud import Cloud, open_cloud
from tests.interfaces.running import run_ok

USERS = "users:\n  user-ann: {email: ann@example.com}\n"

TARGET = """\
target:
  engine: {type: duckdb, memory_limit: 1GB, threads: 2}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: retail
  resolvers:
    retail: {type: parquet, root: ./data/retail}
"""

PROFILES = """\
dataset:
  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d
  name: Household [red]profiles[/red]
  owner: user-ann
  natural_key_columns: [household_id]
  main_table:
    name: households
    columns:
      - {name: household_id, type: integer, nullable: false}
      - {name: income, type: string, sensitive: true}
      - {name: town, type: string}
"""

SALES = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce11ed
  name: Sales
  owner: user-ann
  natural_key_columns: [basket_id, product_id]
  main_table:
    name: transactions
    columns:
      - {name: household_id, type: integer, nullable: false}
      - {name: basket_id, type: integer, nullable: false}
      - {name: product_id, type: integer, nullable: false}
      - {name: sales_value, type: decimal}
      - {name: transaction_timestamp, type: timestamp, nullable: false}
  lookups:
    - alias: household
      target: {type: dataset, id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d}
      join_conditions: [{source_column: household_id, target_column: household_id}]
  column_mapping:
    user_id: household_id
    product_id: product_id
    timestamp: transaction_timestamp
    revenue: sales_value
  extra_columns: [household.income, household.town]
  filters:
    date_range: {type: rolling, months: 2}
    customer_filter: {type: min_transactions, value: 2}
  split_config: {strategy: time_based, eval_days: 10}
  partitions: {period: month, start: 2017-02}
"""

BROKEN = """\
dataset:
  name: Broken
  owner: user-bob
  main_table:
    name: transactions
    columns:
      - {name: household_id, type: integr}
"""

FIRST_DAY = datetime(2017, 1, 1, 12)  # noqa: DTZ001 - naive, as the source has it
DAYS = 120


def write_tables(folder: Path, days: int = DAYS) -> None:
    """Write three sales a day, one basket each, by four households of which three have a profile."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(days * 3)
    transactions = {
        "household_id": [number % 4 + 1 for number in numbers],
        "basket_id": [1000 + number for number in numbers],
        "product_id": [number % 7 + 1 for number in numbers],
        "sales_value": [number % 10 + 0.25 for number in numbers],
        "transaction_timestamp": [FIRST_DAY + timedelta(days=number // 3) for number in numbers],
    }
    households = {
        "household_id": [1, 2, 3],
        "income": ["12-secret", "34-secret", None],
        "town": ["Ulm", "\x1b[31mBonn", "Jena"],
    }
    parquet.write_table(pa.table(transactions), folder / "transactions.parquet")
    parquet.write_table(pa.table(households), folder / "households.parquet")


@pytest.fixture
def retailer(tmp_path, monkeypatch) -> Path:
    """Return the retailer's folder, with the dataset files in `definitions/` and the target `local.yaml`."""
    root = tmp_path / "definitions"
    (root / "datasets").mkdir(parents=True)
    (root / "users.yaml").write_text(USERS)
    (root / "datasets" / "profiles.yaml").write_text(PROFILES)
    (root / "datasets" / "sales.yaml").write_text(SALES)
    (tmp_path / "local.yaml").write_text(TARGET)
    write_tables(tmp_path / "data" / "retail")
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(root))
    monkeypatch.setenv("DATASET_ASSETS_TARGET", str(tmp_path / "local.yaml"))
    monkeypatch.delenv("DATASET_ASSETS_LOCKED", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def published_sales(retailer) -> Path:
    """Return the retailer's folder, of which two months of sales are published, 177 rows each."""
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    return retailer


@pytest.fixture
def cloud(retailer, emulator, proxy, bigquery_dataset) -> Cloud:
    """Return the retailer whose target in the environment is BigQuery."""
    return open_cloud(emulator, proxy, bigquery_dataset, retailer)
