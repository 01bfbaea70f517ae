"""Erased rows leave a bitemporal table in all that was ever known, and no load brings them back."""

import json
import uuid
from datetime import timedelta

import pytest

from dataset_assets.contract.row_operations import DeleteRows, LabelRows
from dataset_assets.lifecycle.erase import erase
from dataset_assets.lifecycle.erasure_report import Certificate, EraseRequest
from dataset_assets.ports.uses import PinRequest
from tests.engines.store_fixtures import Store
from tests.publishing.byte_search import files_with
from tests.publishing.price_history import P1, P2, P3, PriceHistory, open_prices, price, year
from tests.publishing.test_bitemporal_cases import change

NAME = "Zoë Quistgård"
WHERE = f"k = '{NAME}'"


@pytest.fixture
def prices(store: Store) -> PriceHistory:
    return open_prices(store)


def forget(prices: PriceHistory) -> Certificate:
    prices.now += timedelta(seconds=1)
    request = EraseRequest(WHERE, str(uuid.uuid4()), prices.now, (), "ada")
    return erase(prices.target, prices.catalog, request)


def test_erased_rows_are_in_no_knowledge_and_no_load_brings_them_back(prices: PriceHistory) -> None:
    own, other = (1, NAME), (2, "y")
    snapshots = {
        P1: [price("a", key=own), price("x", key=other)],
        P2: [price("b", key=own), price("x", year(2020), year(2025), key=other)],
    }
    for period, rows in snapshots.items():
        prices.load(period, rows)
    target = prices.target
    with target.engine.connect() as session:
        target.warehouse.pin("prices", [None], 0, PinRequest("model", prices.now, "ada"), session)
    change(prices, LabelRows(where=WHERE, set={"note": f"called {NAME}"}))
    change(prices, DeleteRows(where=f"{WHERE} AND v = 'a'"))
    before = prices.table()
    done = forget(prices)
    assert done.rows == 2
    assert prices.table() == [row for row in before if row["k"] != NAME]
    record = prices.record
    assert NAME not in json.dumps(record, ensure_ascii=False)
    assert (record["counts"]["rows"], record["table_rows"], record.get("deleted_rows", 0)) == (1, 2, 0)
    assert [facts["rows"] for facts in record["loaded_periods"].values()] == [1, 1]
    assert [row["k"] for row in prices.table(version=0)] == ["y"], "the pinned one is rewritten"
    if (prices.root / "warehouse").exists():
        assert not files_with(prices.root / "warehouse", NAME)
    after, loads = prices.table(), record["loaded_periods"]
    assert prices.load(P1).counts.unchanged == 2
    assert prices.table() == after
    assert prices.record["loaded_periods"][P1]["digest"] == loads[P1]["digest"], "measured as a load does"
    later = prices.load(P3, [price("c", key=own), price("x", key=other)])
    assert {row["k"] for row in prices.table()} == {"y"}
    assert later.record["erased_rows"] == 1
    assert forget(prices).rows == 0
