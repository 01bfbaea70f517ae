"""Natural keys that sources violate, and natural keys that change between versions."""

import pytest

from dataset_assets.checks.results import AuditError
from dataset_assets.publishing.publish_outcome import RefreshCounts
from tests.publishing.shop import Shop

DATASET = """
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177
  name: Stock
  owner: ada
  {key}
  main_table:
    name: stock
    columns: [{{name: shelf, type: integer, nullable: false}}, {{name: item, type: string, nullable: false}}]
"""
pytestmark = pytest.mark.parametrize("store", ["database", "bigquery"], indirect=True)
"""Stores that say nothing of NULLs beforehand."""


def stock(shop: Shop, key: str, rows: str) -> None:
    """Declare the dataset with this key over these rows."""
    shop.declare(DATASET.format(key=key))
    shop.write("stock", f"SELECT * FROM (VALUES {rows}) AS t(shelf, item)")


def test_a_null_in_a_key_is_reported_and_no_row_is_lost(shop: Shop) -> None:
    key = "natural_key_columns: [shelf]"
    stock(shop, key, "(1, 'a'), (NULL, 'b'), (3, 'c')")
    with pytest.raises(AuditError, match="shelf has 1 NULLs, declared nullable: false"):
        shop.publish(None)
    stock(shop, key, "(1, 'a'), (2, 'b'), (3, 'c')")
    assert shop.publish(None).counts == RefreshCounts(3, 3, 0, 0, 0)
    stock(shop, key, "(1, 'a'), (NULL, 'b'), (3, 'd')")
    with pytest.raises(AuditError, match="shelf has 1 NULLs, declared nullable: false"):
        shop.publish(None)


@pytest.mark.parametrize("first", ["natural_key_columns: [shelf, item]", ""])
def test_a_key_can_become_narrower(shop: Shop, first: str) -> None:
    stock(shop, first, "(1, 'a'), (1, 'b'), (3, 'c')")
    shop.publish(None)
    before = {row["shelf"]: row["_row_id"] for row in shop.rows(None)}
    stock(shop, "natural_key_columns: [shelf]", "(1, 'a'), (3, 'c')")
    assert shop.publish(None).counts == RefreshCounts(2, 1, 0, 1, 2), "nobody knows which one was (1, 'a')"
    assert {row["shelf"]: row["_row_id"] for row in shop.rows(None)}[3] == before[3]
    stock(shop, "natural_key_columns: [shelf, item]", "(1, 'a'), (3, 'c')")
    assert shop.publish(None).counts == RefreshCounts(2, 0, 0, 2, 0), "a wider key still tells rows apart"
