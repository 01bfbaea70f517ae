from collections.abc import Generator

import pytest

from tests.warehouses.warehouse_fixtures import LOCATIONS, OpenWarehouse, WarehouseLocation


@pytest.fixture(params=LOCATIONS)
def location(request: pytest.FixtureRequest) -> WarehouseLocation:
    return LOCATIONS[request.param](request)


@pytest.fixture
def opened(location: WarehouseLocation) -> Generator[OpenWarehouse]:
    with location.open() as found:
        yield found
