"""A small shop with one dataset: its files, its tables in a store, and its publications."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.output_sources import OutputRequest
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.publish_output import publish_output
from tests.engines.store_fixtures import Store

USERS = "users: {ada: {email: ada@example.org}}\n"
DATASET = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1100
  name: Sales
  owner: ada
  {key}
  main_table:
    name: sales
    columns:
      - {{name: line, type: integer, nullable: false}}
      - {{name: buyer, type: string, nullable: false}}
      - {{name: item, type: integer, nullable: false}}
      - {{name: price, type: decimal}}
      - {{name: sold_at, type: timestamp, nullable: false}}
  lookups:
    - target:
        type: table
        name: items
        columns: [{{name: item, type: integer, nullable: false}}, {{name: kind, type: string}}]
      join_conditions: [{{source_column: item, target_column: item}}]
  column_mapping:
    {{user_id: buyer, product_id: item, timestamp: sold_at, revenue: price, category: items.kind}}
  filters: {{date_range: {{type: rolling, months: 2}}}}
  split_config: {{strategy: time_based, eval_days: 10}}
  partitions: {{period: month, start: 2024-01}}
"""
KEYED = DATASET.format(key="natural_key_columns: [line]")
KEYLESS = DATASET.format(key="extra_columns: [line]")
ITEMS = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1199
  name: Items
  owner: ada
  natural_key_columns: [item]
  main_table:
    name: items
    columns: [{name: item, type: integer, nullable: false}, {name: kind, type: string}]
"""
SALES = """
SELECT i AS line, 'b' || i % 37 AS buyer, i % 11 AS item, (i % 97) / 4.0 AS price,
  TIMESTAMP '2024-01-01' + i * INTERVAL 70 MINUTE AS sold_at
FROM range({rows}) AS t(i)
"""
NOW = datetime(2024, 6, 1, tzinfo=UTC)


@dataclass
class Shop:
    """A project below `root`; each publication is a second later than the previous one."""

    root: Path
    store: Store
    now: datetime = NOW

    def write(self, table: str, query: str) -> None:
        """Replaces a table by the rows of a query."""
        path = self.root / "data" / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        duckdb.execute(f"COPY ({query}) TO '{new}' (FORMAT parquet)")
        new.rename(path)
        self.store.load(table, path)

    def rewrite_sales(self, query: str) -> None:
        """Replaces the sales by a query over the sales there are."""
        self.write("sales", query.format(sales=f"read_parquet('{self.root}/data/sales.parquet')"))

    def declare(self, text: str, stem: str = "sales") -> None:
        """Writes a dataset's file."""
        (self.root / "definitions" / "datasets" / f"{stem}.yaml").write_text(text)

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.root / "definitions")

    @property
    def target(self) -> Target:
        return load_target(str(self.root / "target.yaml"))

    def use_target(self, **settings: Any) -> None:
        """Writes the target file, as the store says it."""
        (self.root / "target.yaml").write_text(self.store.target(**settings))

    def publish(self, period: str | None = "2024-02", stem: str = "sales", **asked: Any) -> Materialization:
        """Materializes a Period."""
        self.now += timedelta(seconds=1)
        catalog = self.catalog
        entry = catalog.entry(stem)
        found = catalog.calendars.cadence("month").parse(period) if period else None
        request = Request(entry, str(uuid.uuid4()), asked.pop("now", self.now), found, **asked)
        return materialize(catalog, self.target, request, lambda _: None)

    def declare_project(self, text: str, stem: str = "campaign") -> None:
        """Writes a Project's file."""
        folder = self.root / "definitions" / "projects"
        folder.mkdir(exist_ok=True)
        (folder / f"{stem}.yaml").write_text(text)

    def publish_output(self, stem: str, period: str | None = "2024-02", **asked: Any) -> Materialization:
        """Publishes a Period of an output."""
        self.now += timedelta(seconds=1)
        catalog = self.catalog
        assert not catalog.faults, catalog.faults
        found = catalog.calendars.cadence("month").parse(period) if period else None
        run_id = asked.pop("run_id", None) or str(uuid.uuid4())
        request = OutputRequest(catalog.outputs[stem], run_id, self.now, found, **asked)
        return publish_output(catalog, self.target, request, lambda _: None)

    def rows(
        self, period: str | None = "2024-02", version: int | None = None, stem: str = "sales"
    ) -> list[Any]:
        """The published rows, in the order of their ids."""
        return self.publication(stem, period, version)[1]

    def publication(
        self, stem: str, period: str | None, version: int | None = None
    ) -> tuple[Record, list[Any]]:
        """The record of a publication and its rows, in the order of their ids; both empty without one."""
        target = self.target
        with target.engine.connect() as session:
            found = target.warehouse.current(stem, period, session, version)
            if found is None:
                return {}, []
            rows = session.rows(exp.select("*").from_(found.relation.source.copy()))
        return found.record, sorted(rows, key=lambda row: row["_row_id"])


def open_shop(store: Store, rows: int = 1500, text: str = KEYED) -> Shop:
    """Open a shop with sales since January 2024, one every seventy minutes, of eleven items."""
    (store.root / "definitions" / "datasets").mkdir(parents=True)
    (store.root / "definitions" / "users.yaml").write_text(USERS)
    shop = Shop(store.root, store)
    shop.use_target()
    shop.declare(text)
    shop.write("sales", SALES.format(rows=rows))
    shop.write("items", "SELECT i AS item, 'kind ' || i % 3 AS kind FROM range(11) AS t(i)")
    return shop
