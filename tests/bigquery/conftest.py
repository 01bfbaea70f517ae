import pytest

from tests.bigquery.emulator import Emulator
from tests.bigquery.proxy import StrictProxy
from tests.bigquery.publishing_scenario import PublishingScenario


@pytest.fixture
def scenario(emulator: Emulator, proxy: StrictProxy, bigquery_dataset: str) -> PublishingScenario:
    proxy.running = 0
    return PublishingScenario(emulator, proxy, bigquery_dataset)
