"""What an erasure leaves alone, what it refuses, and what its certificate names instead of reaching it."""

from pathlib import Path

import pytest

from tests.publishing.shop import Shop
from tests.publishing.test_erasure import NAME, PERSON, RENAMED, forget, pin

pytestmark = pytest.mark.parametrize("store", ["duckdb"], indirect=True)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The shop, one of whose buyers has a name that nothing else has."""
    shop.rewrite_sales(RENAMED)
    return shop


def raise_prices(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()


def published_files(shop: Shop) -> dict[Path, bytes]:
    """The files of rows and records, without the history and the list of erasures."""
    folder = shop.root / "warehouse" / "sales"
    files = [*folder.rglob("*.parquet"), *(folder / "_records").rglob("*")]
    return {path: path.read_bytes() for path in files if path.is_file() and "erased" not in path.parts}


def test_an_erasure_without_rows_leaves_every_publication_as_it_was(shop: Shop) -> None:
    shop.publish()
    pin(shop, 0)
    raise_prices(shop)
    raise_prices(shop)
    files, rows = published_files(shop), [shop.rows(version=each) for each in range(3)]
    assert forget(shop, "user_id = 'nobody'", "sales").rows == 0
    assert published_files(shop) == files
    assert [shop.rows(version=each) for each in range(3)] == rows


def test_earlier_publications_without_the_rows_stay(shop: Shop) -> None:
    shop.rewrite_sales(f"SELECT * REPLACE (replace(buyer, '{NAME}', 'b7') AS buyer) FROM {{sales}}")
    shop.publish()
    pin(shop, 0)
    raise_prices(shop)
    shop.rewrite_sales(RENAMED)
    shop.publish()
    rows = [shop.rows(version=each) for each in range(2)]
    assert forget(shop, PERSON, "sales").rows > 0
    assert [shop.rows(version=each) for each in range(2)] == rows
