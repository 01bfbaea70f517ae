"""A definitions folder of two datasets, one nested in the other, and a Project that names one of them."""

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry, lock_project_file
from tests.engines.store_fixtures import STORES, Store
from tests.publishing.shop import Shop, open_shop

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
USERS = "users:\n  user-ann: {email: ann@example.com}\n  team-data: {team: data}\n"
PROFILES = """\
# One row for each household.
dataset:
  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d   # given once
  name: Household profiles
  owner: user-ann

  natural_key_columns: [household_id]   # the key
  main_table:
    name: households
    columns:
      - {name: household_id, type: integer, nullable: false}
      - {name: income, type: string, sensitive: true}   # bands
      - {name: town, type: string}
"""
SALES = """\
# What was bought, and by whom.
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce11ed
  name: Sales               # for people
  owner: user-ann
  ml_model: recommender
  natural_key_columns: [basket_id, product_id]

  main_table:
    name: transactions
    columns:
      - {name: household_id, type: integer, nullable: false}
      - {name: basket_id, type: integer, nullable: false}   # one visit
      - {name: product_id, type: integer, nullable: false}
      - {name: sales_value, type: decimal}
      - {name: sold_at, type: timestamp, nullable: false}

  # Who bought it.
  lookups:
    - alias: household
      target: {type: dataset, id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d}
      join_conditions: [{source_column: household_id, target_column: household_id}]
  column_mapping:
    user_id: household_id
    product_id: product_id
    timestamp: sold_at
    revenue: sales_value
  extra_columns: [household.town]
  filters:
    date_range: {type: rolling, months: 2}   # the season
    product_filter: {type: top_revenue_percent, value: 80}
  split_config: {strategy: time_based, eval_days: 10}
"""
PROJECT = """\
# The team's own.
project:
  name: Shop
  owner: team-data
  datasets: [sales]   # more to come
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder, whose datasets and Project are locked."""
    folder = tmp_path / "definitions"
    for name in ("datasets", "projects"):
        (folder / name).mkdir(parents=True)
    (folder / "users.yaml").write_text(USERS)
    (folder / "datasets" / "profiles.yaml").write_text(PROFILES)
    (folder / "datasets" / "sales.yaml").write_text(SALES)
    (folder / "projects" / "shop.yaml").write_text(PROJECT)
    lock_everything(folder)
    return folder


@pytest.fixture
def catalog(root: Path) -> Catalog:
    return load_catalog(root)


def lock_everything(root: Path, now: datetime = NOW) -> None:
    """Lock all datasets and Projects, nested datasets first."""
    for stem in sorted(load_catalog(root).entries):
        lock_entry(load_catalog(root).entries[stem], now)
    catalog = load_catalog(root)
    for stem in catalog.projects:
        lock_project_file(catalog, stem, now)


def contents(root: Path) -> dict[str, str]:
    """Return the text of every file of the folder, without the guards of locks."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".guard")
    return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in files}


@pytest.fixture(params=["delta", "bigquery"])
def store(request: pytest.FixtureRequest, tmp_path) -> Generator[Store]:
    """Open a store that keeps earlier versions of its tables, for each engine."""
    with STORES[request.param](request, tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(store: Store) -> Shop:
    return open_shop(store)
