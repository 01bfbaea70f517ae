"""A project whose names and values try to break out of a page, with several publications of its datasets."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.uses import PublicationChoice, TrainingRun, record_use
from dataset_assets.publishing.materialize import Materialization, materialize
from dataset_assets.publishing.prepared_run import Request
from tests.assets.retailer import BRANDS, Retailer, open_retailer

SCRIPT = "<script>alert(0)</script>"
"""Text that runs if a page does not escape it."""
HOSTILE_NAME = '<script>alert(1)</script> "O\'Hara" & co'
HOSTILE = f"""
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000005
  name: {json.dumps(HOSTILE_NAME)}
  description: '</title><img src=x onerror=alert(2)> {{{{ 7 * 7 }}}}'
  owner: ada
  natural_key_columns: [order_id]
  main_table:
    name: orders
    columns:
      - {{name: order_id, type: integer, nullable: false, description: '"><script>alert(3)</script>'}}
      - {{name: customer, type: string, nullable: false, sensitive: true}}
      - {{name: product_id, type: integer}}
      - {{name: amount, type: decimal}}
      - {{name: ordered_at, type: timestamp, nullable: false}}
  lookups:
    - alias: products
      target:
        type: table
        name: products
        columns: [{{name: product_id, type: integer, nullable: false}}, {{name: brand, type: string}}]
      join_conditions: [{{source_column: product_id, target_column: product_id}}]
  column_mapping: {{user_id: customer, product_id: product_id, timestamp: ordered_at, revenue: amount}}
  extra_columns: [products.brand]
  filters:
    date_range: {{type: rolling, months: 2}}
  split_config: {{strategy: time_based, eval_days: 7}}
  partitions: {{period: month, start: 2024-02, end: 2024-05}}
"""
SECRET = "Secret Person"
"""A value of the sensitive column, which no page may show."""
DRAFT = BRANDS.replace("000002", "000006").replace("owner:", "status: draft\n  owner:")
BROKEN = BRANDS.replace("000002", "000007").replace("type: string", "type: strin")
PUBLISHED_AT = datetime(2024, 6, 10, tzinfo=UTC)


@dataclass
class Gallery:
    """The project, and what publishes its datasets."""

    retailer: Retailer
    now: datetime = PUBLISHED_AT

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.retailer.settings)

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.retailer.settings.definitions)

    def lock(self, stem: str) -> None:
        lock_entry(self.catalog.entry(stem), self.now)

    def publish(self, stem: str, period: str | None = None) -> Materialization:
        self.now += timedelta(hours=1)
        catalog = self.catalog
        entry = catalog.entry(stem)
        schedule = schedule_of(catalog, entry)
        request = Request(
            entry=entry,
            run_id=str(uuid.uuid4()),
            now=self.now,
            period=schedule.period(period) if schedule and period else None,
        )
        return materialize(catalog, self.workspace.target, request, lambda _: None)

    def use(self, stem: str, period: str | None = None) -> None:
        run = TrainingRun(f"run {SCRIPT}", self.now, "ann")
        record_use(self.workspace.target, PublicationChoice(stem, (period,)), run)


def open_gallery(root: Path) -> Gallery:
    """Create the project, and publish it: `hostile` for two months, one of them twice in two versions."""
    gallery = Gallery(open_retailer(root))
    retailer = gallery.retailer
    retailer.brands(SCRIPT, "b", '"quoted"', None, "c")
    retailer.orders(3, {5: SECRET})
    retailer.write("hostile", HOSTILE)
    retailer.write("broken", BROKEN)
    retailer.write("draft", DRAFT)
    retailer.project("ranking", "monthly")
    for stem in ("hostile", "monthly", "brands", "draft"):
        gallery.lock(stem)
    gallery.publish("brands")
    gallery.publish("hostile", "2024-02")
    gallery.publish("hostile", "2024-03")
    gallery.use("hostile", "2024-03")
    retailer.write("hostile", HOSTILE.replace("eval_days: 7", "eval_days: 10"))
    gallery.lock("hostile")
    gallery.publish("hostile", "2024-03")
    return gallery
