"""A prepared run selects the columns that are profiled and those that the digest covers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.publishing.prepared_run import PreparedRun, Request

FILE = """
dataset:
  name: Sales
  owner: ada
  natural_key_columns: [Ticket]
  main_table:
    name: sales
    columns: [{name: ticket, type: integer}, {name: buyer, type: integer}, {name: item, type: integer},
      {name: sold_at, type: timestamp}]
  column_mapping: {user_id: buyer, product_id: item, timestamp: sold_at}
  extra_columns: [buyer, sold_at]
"""
NOW = datetime(2020, 1, 1, tzinfo=UTC)


def work(folder: Path) -> PreparedRun:
    (folder / "datasets").mkdir()
    (folder / "users.yaml").write_text("users: {ada: {email: ada@example.org}}\n")
    (folder / "datasets" / "sales.yaml").write_text(FILE)
    catalog = load_catalog(folder)
    entry = catalog.entry("sales")
    scope = catalog.scope(entry)
    inputs = SelectionInput(scope, logical_relations(scope), AsOf(NOW))
    version = entry.lock.version_of(scope.dataset)
    request: Any = Request(entry, "run-1", NOW)
    return PreparedRun(request, inputs, compile_rows(inputs), version, UUID(int=1), None)


def names(columns: Iterable[PublishedColumn]) -> list[str]:
    return [each.name for each in columns]


def test_a_column_that_repeats_a_mapped_id_is_profiled_itself(tmp_path):
    """A repeated id is a number with a mean; a repeated timestamp shares the concept's statistics."""
    given = work(tmp_path)
    assert given.published.duplicates["buyer"] == "buyer"
    assert given.published.duplicates["sold_at"] == "timestamp"
    profiled = given.published.profiled
    assert names(profiled) == ["user_id", "product_id", "timestamp", "Ticket", "buyer"]
    assert names(each for each in profiled if each.identifies) == ["user_id", "product_id", "Ticket"]


def test_the_digest_is_made_of_each_source_column_once(tmp_path):
    assert names(work(tmp_path).published.digested) == ["user_id", "product_id", "timestamp", "Ticket"]
