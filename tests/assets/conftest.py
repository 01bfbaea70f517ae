import dagster as dg
import pytest

from tests.assets.retailer import Retailer, open_retailer


@pytest.fixture
def retailer(tmp_path) -> Retailer:
    return open_retailer(tmp_path)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as found:
        yield found
