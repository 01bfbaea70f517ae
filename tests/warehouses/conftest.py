from collections.abc import Generator

import pytest

from tests.warehouses.warehouse_fixtures import DEPOTS, Depot, Opened


@pytest.fixture(params=DEPOTS)
def depot(request: pytest.FixtureRequest) -> Depot:
    return DEPOTS[request.param](request)


@pytest.fixture
def opened(depot: Depot) -> Generator[Opened]:
    with depot.open() as found:
        yield found
