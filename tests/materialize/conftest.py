import pytest

from tests.materialize.shop import Shop, open_shop


@pytest.fixture
def shop(tmp_path) -> Shop:
    return open_shop(tmp_path)
