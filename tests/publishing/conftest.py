from collections.abc import Generator

import pytest

from tests.engines.store_fixtures import STORES, Store
from tests.publishing.shop import Shop, open_shop


@pytest.fixture(params=["duckdb", "bigquery"])
def store(request: pytest.FixtureRequest, tmp_path) -> Generator[Store]:
    """Every test holds on both engines, unless it names its store."""
    with STORES[request.param](request, tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(store: Store) -> Shop:
    return open_shop(store)
