"""The entity's own example is refused; the corrected copy is published (BR-123)."""

import shutil
from pathlib import Path

import pytest

from dataset_assets.errors import ContractError
from tests.publishing.shop import Shop

FILES = Path(__file__).parents[1] / "contract" / "files"
TABLES = {
    "orders": """
        SELECT 'o' || i AS order_number, 'c' || i % 5 AS customer_id, 'p' || i % 4 AS product_id,
          i * 1.25 AS amount, 'paid' AS status, 'north' AS region FROM range(40) AS t(i)""",
    "customers": "SELECT 'c' || i AS id, 'DE' AS country_code, 'gold' AS tier FROM range(5) AS t(i)",
    "products": "SELECT 'p' || i AS product_id, 'food' AS category FROM range(4) AS t(i)",
}


@pytest.fixture
def example(shop: Shop) -> Shop:
    """Open a shop with the example's tables and the corrected files."""
    for old in (shop.root / "definitions").rglob("*.yaml"):
        old.unlink()
    for stem in ("sales_orders", "product_categories"):
        shutil.copy(FILES / f"{stem}.yaml", shop.root / "definitions" / "datasets")
    shutil.copy(FILES / "users.yaml", shop.root / "definitions")
    shop.use_target(resolver="legacy-parquet-resolver")
    for name, query in TABLES.items():
        shop.write(name, query)
    return shop


def test_the_corrected_copy_is_published_with_its_nested_dataset(example: Shop) -> None:
    example.publish(None, "product_categories")
    done = example.publish(None, "sales_orders")
    assert done.counts.rows == 40
    assert {check.name for check in done.checks if not check.passed} == set()
    assert set(done.sources) == {
        "legacy-parquet-resolver/orders",
        "legacy-parquet-resolver/customers",
        "datasets/product_categories",
    }


def test_the_original_is_refused_with_its_two_faults(example: Shop) -> None:
    shutil.copy(
        FILES / "entity_example.yaml", example.root / "definitions" / "datasets" / "sales_orders.yaml"
    )
    with pytest.raises(ContractError) as failure:
        example.publish(None, "sales_orders")
    places = [(fault.position.line, fault.field) for fault in failure.value.faults if fault.position]
    assert places == [
        (47, "dataset.lookups[1].target.id"),
        (49, "dataset.lookups[1].join_conditions[0].source_column"),
    ]
