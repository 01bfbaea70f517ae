import pytest

from tests.bigquery.emulator import Emulator
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.publishing_scenario import Scene


@pytest.fixture
def scene(emulator: Emulator, proxy: StrictProxy, bigquery_dataset: str) -> Scene:
    proxy.running = 0
    return Scene(emulator, proxy, bigquery_dataset)
