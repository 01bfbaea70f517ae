"""Fixtures: a definitions folder with datasets that filter, split, join and nest, and a way to test them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dataset_assets.adapters.duckdb.memory import memory_engine
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.definition_tests.report import TestResult
from dataset_assets.definition_tests.run import run_tests

ITEMS = """\
dataset:
  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d
  name: Items
  owner: user-ann
  natural_key_columns: [item]
  main_table:
    name: items
    columns:
      - {name: item, type: integer, nullable: false}
      - {name: kind, type: string}
      - {name: listed_on, type: date}
      - {name: fresh, type: boolean}
"""

SALES = """\
dataset:
  name: Sales
  owner: user-ann
  natural_key_columns: [line]
  main_table:
    name: sales
    columns:
      - {name: line, type: integer, nullable: false}
      - {name: buyer, type: string, sensitive: true}
      - {name: item, type: integer, nullable: false}
      - {name: price, type: decimal}
      - {name: sold_at, type: timestamp, nullable: false}
  lookups:
    - alias: thing
      target: {type: dataset, id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d}
      join_conditions: [{source_column: item, target_column: item}]
  column_mapping: {user_id: buyer, product_id: item, timestamp: sold_at, revenue: price, category: thing.kind}
  filters:
    date_range: {type: rolling, months: 2}
    product_filter: {type: categories, value: [fruit, bread]}
    customer_filter: {type: min_transactions, value: 2}
  split_config: {strategy: time_based, eval_days: 7}
  partitions: {period: month, start: 2024-01}
  quality:
    - {type: where, name: priced, where: revenue > 0, severity: block}
    - {type: row_count, name: many, min: 1000, severity: block}
"""

GOOD = """\
test:
  description: Window, split, filters
  partition: 2024-02
  given:
    sales:
      - {line: 1, buyer: b1, item: 3, price: "2.50", sold_at: 2023-12-31T23:59:59Z}
      - {line: 2, buyer: b1, item: 3, price: 2.5, sold_at: 2024-01-01}
      - {line: 3, buyer: b1, item: 3, price: 1, sold_at: 2024-02-23T00:00:00+00:00}
      - {line: 4, buyer: b2, item: 3, price: 1, sold_at: 2024-02-22T23:59:59.999999Z}
      - {line: 5, buyer: b1, item: 4, price: 1, sold_at: 2024-02-28}
    items:
      - {item: 3, kind: fruit, listed_on: 2024-01-01, fresh: true}
      - {item: 4, kind: soap}
  expect:
    - {line: 2, user_id: b1, product_id: 3, revenue: "2.50", category: fruit, split: 0}
    - {line: 3, user_id: b1, product_id: 3, revenue: "1.00", category: fruit, split: 1}
"""


class Shop:
    """A definitions folder whose datasets can be tested."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "datasets").mkdir(parents=True)
        (root / "users.yaml").write_text("users:\n  user-ann: {email: ann@example.com}\n")
        self.dataset("items", ITEMS)
        self.dataset("sales", SALES)

    def dataset(self, stem: str, text: str) -> None:
        """Write the file of a dataset."""
        (self.root / "datasets" / f"{stem}.yaml").write_text(text)

    def test(self, text: str, name: str = "one", stem: str = "sales") -> Path:
        """Write the file of a test."""
        path = self.root / "tests" / stem / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def results(self) -> Mapping[str, TestResult]:
        """Return the results of all tests by name; no file may have a fault."""
        catalog = load_catalog(self.root)
        assert [str(each) for entry in catalog.entries.values() for each in entry.faults] == []
        loaded = load_definition_tests(catalog)
        assert [str(each) for each in loaded.faults] == []
        return {each.name: each for each in run_tests(catalog, loaded.tests, memory_engine())}

    def faults(self, text: str) -> list[str]:
        """Return the faults of a test as `line:column: field: message`."""
        path = self.test(text)
        loaded = load_definition_tests(load_catalog(self.root))
        assert all(each.position and each.position.file == str(path) for each in loaded.faults)
        return [str(each).partition("one.yaml:")[2] for each in loaded.faults]


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path / "definitions")
