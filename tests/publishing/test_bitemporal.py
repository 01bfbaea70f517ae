"""Load snapshots of Periods into a bitemporal table through the real publication, on every engine."""

import pytest

from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PriceHistory, open_prices, price


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store)


def test_null_then_a_value_then_null(prices: PriceHistory) -> None:
    prices.load(P1, [price(None)])
    prices.load(P2, [price("a")])
    prices.load(P3, [price(None)])
    assert prices.known() == [(1, None, P1, P2), (1, "a", P2, P3), (1, None, P3, None)]
