"""A small retailer with definitions, a target and Parquet files, for complete runs over few rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.asset_keys import dataset_key
from dataset_assets.assets.code_location import code_location

NOW = datetime(2024, 6, 10, tzinfo=UTC)

TARGET = """
target:
  engine: {type: duckdb, threads: 1}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: shop
  resolvers:
    shop:
      type: parquet
      root: ./data
      tables:
        orders: {location: "orders/{period}.parquet", period: month}
"""

MONTHLY = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000001
  name: Monthly orders
  description: What was ordered in two months
  owner: ada
  ml_model: ranking
  natural_key_columns: [order_id]
  main_table:
    name: orders
    columns:
      - {name: order_id, type: integer, nullable: false}
      - {name: customer, type: string, nullable: false}
      - {name: product_id, type: integer}
      - {name: amount, type: decimal}
      - {name: ordered_at, type: timestamp, nullable: false}
  lookups:
    - alias: products
      target:
        type: table
        name: products
        columns: [{name: product_id, type: integer, nullable: false}, {name: brand, type: string}]
      join_conditions: [{source_column: product_id, target_column: product_id}]
  column_mapping: {user_id: customer, product_id: product_id, timestamp: ordered_at, revenue: amount}
  extra_columns: [products.brand]
  filters:
    date_range: {type: rolling, months: 2}
  split_config: {strategy: time_based, eval_days: 7}
  partitions: {period: month, start: 2024-02}
"""

BRANDS = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000002
  name: Brands
  owner: shop-team
  main_table:
    name: products
    columns: [{name: product_id, type: integer, nullable: false}, {name: brand, type: string}]
  natural_key_columns: [product_id]
"""

NESTING = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000003
  name: Orders with brands
  owner: ada
  natural_key_columns: [order_id]
  main_table:
    name: orders
    columns:
      - {name: order_id, type: integer, nullable: false}
      - {name: product_id, type: integer}
      - {name: ordered_at, type: timestamp, nullable: false}
  lookups:
    - alias: brands
      target: {type: dataset, id: 01a2001c-5bb3-7d55-869e-000000000002}
      join_conditions: [{source_column: product_id, target_column: product_id}]
  partitions: {period: month, start: 2024-02}
"""

BROKEN = BRANDS.replace("owner: shop-team", "owner: nobody").replace("000002", "000009")

PROJECT = """
project:
  id: 01a2001c-5bb3-7d55-869e-0000000000aa
  name: Ranking
  description: What to show first
  owner: ada
  datasets: [DATASETS]
"""

FILES = {"monthly": MONTHLY, "brands": BRANDS, "nesting": NESTING}


@dataclass(frozen=True)
class Retailer:
    """The retailer's folder, with methods to edit its files and to run its datasets."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(target=str(self.root / "target.yaml"), definitions=self.root / "definitions")

    def definitions(self) -> dg.Definitions:
        return code_location(self.settings, NOW)

    def write(self, stem: str, text: str) -> None:
        (self.root / "definitions" / "datasets" / f"{stem}.yaml").write_text(text)

    def project(self, stem: str, *datasets: str) -> None:
        path = self.root / "definitions" / "projects" / f"{stem}.yaml"
        path.write_text(PROJECT.replace("DATASETS", ", ".join(datasets)))

    def orders(
        self, month: int, customers: Mapping[int, str] | None = None, *, repeated: bool = False
    ) -> None:
        """100 orders a month, one every six hours; `customers` replaces those of some rows.

        `repeated`: the last order has the number of the one before it.
        """
        rows = range(100)
        names = [(customers or {}).get(n, f"c{n % 9}") for n in rows]
        begin = datetime(2024, month, 1, tzinfo=UTC)
        columns = {
            "order_id": [month * 1000 + n - (repeated and n == 99) for n in rows],
            "customer": names,
            "product_id": [n % 5 for n in rows],
            "amount": pa.array([n + 0.25 for n in rows], pa.float64()),
            "ordered_at": pa.array([begin.timestamp() + n * 6 * 3600 for n in rows])
            .cast("int64")
            .cast(pa.timestamp("s", "UTC")),
        }
        pq.write_table(pa.table(columns), self.root / "data" / "orders" / f"2024-{month:02}.parquet")

    def brands(self, *brands: str | None) -> None:
        """Write the brands of the products; the number of a product is its position."""
        columns = {"product_id": list(range(len(brands))), "brand": brands}
        pq.write_table(pa.table(columns), self.root / "data" / "products.parquet")

    def materialize(
        self,
        instance: dg.DagsterInstance,
        *stems: str,
        first: str = "",
        last: str = "",
        tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run some datasets for one partition, or for a range of partitions as a backfill does."""
        job = self.definitions().resolve_implicit_global_asset_job_def()
        ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return job.execute_in_process(
            instance=instance,
            asset_selection=[dataset_key(stem) for stem in stems],
            raise_on_error=False,
            partition_key=first if first and not last else None,
            tags={**(tags or {}), **(ends if last else {})},
            run_config=run_config,
        )


def open_retailer(root: Path) -> Retailer:
    """Create a retailer with five months of orders from January 2024 on, and five products."""
    for folder in ("definitions/datasets", "definitions/projects", "data/orders"):
        (root / folder).mkdir(parents=True)
    (root / "target.yaml").write_text(TARGET)
    users = "users:\n  ada: {email: ada@example.com}\n  shop-team: {team: shop}\n"
    (root / "definitions" / "users.yaml").write_text(users)
    retailer = Retailer(root)
    for stem, text in FILES.items():
        retailer.write(stem, text)
    for month in range(1, 6):
        retailer.orders(month)
    products = {"product_id": [0, 1, 2, 3, 4], "brand": ["a", "b", "a", None, "c"]}
    pq.write_table(pa.table(products), root / "data" / "products.parquet")
    return retailer
