from collections.abc import Generator

import pytest

from tests.engines.store_fixtures import STORES, Store
from tests.publishing.shop import Shop, open_shop


@pytest.fixture(params=["delta", "bigquery"])
def store(request: pytest.FixtureRequest, tmp_path) -> Generator[Store]:
    """Open a store that keeps earlier versions of its tables, for each engine."""
    with STORES[request.param](request, tmp_path) as opened:
        yield opened


@pytest.fixture
def shop(store: Store) -> Shop:
    return open_shop(store)
