"""What reads a bitemporal dataset or table: after an erasure, rebuilt later, and without deleted rows."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dataset_assets.adapters.duckdb.memory import memory_engine
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.contract.row_operations import DeleteRows
from dataset_assets.definition_tests.record import record_test
from dataset_assets.definition_tests.run import run_tests
from dataset_assets.errors import ResolveError
from dataset_assets.lifecycle.erase import erase
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.past_run import RebuildRequest
from dataset_assets.lifecycle.rebuild import Rebuild, open_rebuild
from dataset_assets.publishing.as_of_choice import default_as_of
from dataset_assets.staleness.readers import readers_of
from dataset_assets.staleness.refresh_memory import RefreshMemory
from dataset_assets.staleness.refreshed_dataset import refreshed_datasets
from dataset_assets.staleness.source_states import SourceStates
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PRICES, PriceHistory, open_prices, price
from tests.publishing.test_bitemporal_lookup import LATEST, SALES, SOLD, plan, read, shop
from tests.publishing.test_row_changes import change
from tests.staleness.test_refresh_memory import NoReports

__all__ = ["shop"]

STORED = SALES.replace(
    "{type: dataset, id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177}",
    """
        type: table
        name: history
        bitemporal: true
        columns:
          - {name: h, type: integer}
          - {name: k, type: string}
          - {name: v, type: string}""",
).replace("  column_mapping", "      as_of: {knowledge: as_known, period: month}\n  column_mapping")
HISTORY = """
SELECT 1 AS h, 'x' AS k, v, CAST(valid_from AS TIMESTAMPTZ) AS _valid_from,
  CAST(valid_to AS TIMESTAMPTZ) AS _valid_to, period_from AS _period_from, period_to AS _period_to{deleted}
FROM (VALUES
  ('a', '2020-01-01 00:00:00+00', NULL, '2026-01', '2026-02', false),
  ('a', '2020-01-01 00:00:00+00', '2026-02-01 00:00:00+00', '2026-02', NULL, NULL),
  ('b', '2026-02-01 00:00:00+00', NULL, '2026-02', '2026-03', true),
  ('c', '2026-02-01 00:00:00+00', NULL, '2026-03', NULL, false)
) AS t(v, valid_from, valid_to, period_from, period_to, deleted)
"""


def forget(shop: PriceHistory, where: str, names: tuple[str, ...] = ()) -> None:
    shop.now += timedelta(seconds=1)
    erase(shop.target, shop.catalog, EraseRequest(where, str(uuid.uuid4()), shop.now, names, "ada"))


def rebuilt(shop: PriceHistory, period: str, digest: str) -> Rebuild:
    catalog, request = shop.catalog, RebuildRequest(version=1, period=period, digest=digest)
    with open_rebuild(catalog, shop.target, catalog.entry("sales"), request, lambda _: None) as rows:
        return rows.result


@pytest.mark.parametrize("text", [SALES, LATEST], ids=["as_known", "latest_knowledge"])
def test_an_erasure_makes_readers_due_and_their_values_go(shop: PriceHistory, text: str) -> None:
    shop.declare(text, "sales")
    before = read(shop, P2)
    assert before[2] in {"b", "c"}
    forget(shop, "h = 1", ("prices",))
    reasons = [str(reason) for due in plan(shop, P2).due for reason in due.reasons]
    assert any("datasets/prices" in reason for reason in reasons), reasons
    assert read(shop, P2) == dict.fromkeys(before)
    assert not plan(shop, P2).due


def test_the_refresh_sees_an_erasure(shop: PriceHistory) -> None:
    shop.declare(SALES.replace("  partitions", "  refresh: {on: upstream}\n  partitions"), "sales")
    for period in (P1, P2, P3):
        shop.publish(period, "sales")
    catalog, target = shop.catalog, shop.target
    datasets = refreshed_datasets(catalog, ("sales",), shop.now)
    memory = RefreshMemory(target, datasets, readers_of(catalog, target, datasets))

    def due() -> dict[str, list[str]]:
        with target.engine.connect() as session:
            memory.look(SourceStates(catalog, target, shop.now, session), NoReports())
        assert not memory.faults
        return {str(each.period): [*map(str, each.reasons)] for each in memory.known_due("sales")}

    assert not {P1, P2, P3} & due().keys()
    forget(shop, "v = 'b'", ("prices",))
    changed = ["nested dataset changed: datasets/prices"]
    assert {period: due()[period] for period in (P2, P3)} == {P2: changed, P3: changed}


def test_a_reader_is_rebuilt_with_what_was_known_then(shop: PriceHistory) -> None:
    published = shop.publish(P3, "sales", now=datetime.now(UTC))
    shop.load(P3, [price("d")], now=datetime.now(UTC))
    later = shop.publish(P3, "sales", now=datetime.now(UTC))
    assert later.digest != published.digest
    for digest in (published.digest, later.digest):
        found = rebuilt(shop, P3, digest)
        assert (found.same, found.rebuilt_digest, found.reason) == (True, digest, "")
        assert not any(each.gone for each in found.sources)


def passes(shop: PriceHistory) -> bool:
    """Run the only definition test, and return whether it passes."""
    found = load_definition_tests(shop.catalog)
    assert not found.faults
    [result] = run_tests(shop.catalog, found.tests, memory_engine())
    return result.passed


@pytest.mark.parametrize("text", [SALES, LATEST], ids=["as_known", "latest_knowledge"])
def test_a_recorded_definition_test_holds_the_intervals_and_passes(shop: PriceHistory, text: str) -> None:
    shop.declare(text, "sales")
    catalog = shop.catalog
    period = catalog.calendars.cadence("month").parse(P2)
    entry, at = catalog.entry("sales"), default_as_of(period, shop.now)
    recorded = record_test(catalog, shop.target, entry, at, "february", 20, memory_engine())
    written = recorded.path.read_text()
    assert "_valid_from: " in written
    assert "_period_to: " in written
    assert passes(shop)
    recorded.path.write_text(written.replace("_period_from: 2026-0", "_period_from: 2027-0"))
    assert passes(shop) == (text == LATEST), "what was known follows from the Periods of the loads"


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ("", {2: "b", 3: "b", 4: None, 5: None}),
        (", deleted AS _deleted", {2: None, 3: None, 4: None, 5: None}),
        (", CAST(deleted AS VARCHAR) AS _deleted", {2: "b", 3: "b", 4: None, 5: None}),
    ],
    ids=["no marker", "marked rows", "no boolean"],
)
def test_marked_rows_of_a_table_are_not_joined(
    store: Store, deleted: str, expected: dict[int, str | None]
) -> None:
    shop = open_prices(store)
    shop.write("sales", SOLD)
    shop.write("history", HISTORY.format(deleted=deleted))
    shop.declare(STORED, "sales")
    assert read(shop, P1) == {1: "a"}
    assert read(shop, P2) == expected
    assert read(shop, P3) == {6: "c"}


def rebuilt_load(
    shop: PriceHistory, period: str | None, digest: str = "", version: int = 1
) -> tuple[Rebuild, list[dict[str, Any]]]:
    """Select the snapshot of a load again, and return the comparison and its rows."""
    catalog, request = shop.catalog, RebuildRequest(version=version, period=period, digest=digest)
    with open_rebuild(catalog, shop.target, catalog.entry("prices"), request, lambda _: None) as found:
        rows = [row for each in found.tables() for row in each.to_pylist()]
        assert found.total == len(rows)
        return found.result, rows


def test_a_load_of_a_bitemporal_dataset_is_rebuilt(store: Store) -> None:
    shop = open_prices(store)
    shop.load(P1, [price("a"), price("a", key=(2, "y"))], now=datetime.now(UTC))
    first = shop.load(P2, [price("a"), price("b", key=(2, "y"))], now=datetime.now(UTC))
    change(shop, DeleteRows(where="h = 1"), None, "prices")
    for period, values in {P1: ["a", "a"], P2: ["a", "b"]}.items():
        found, rows = rebuilt_load(shop, period)
        assert (found.same, found.period, found.row_count, found.reason) == (True, period, 2, "")
        assert [row["v"] for row in rows] == values
        assert {*rows[0]} == {"h", "k", "v", "_valid_from", "_valid_to"}
    now = shop.load(P2, [price("c")], now=datetime.now(UTC))
    found, rows = rebuilt_load(shop, P2)
    assert (found.same, found.digest, [row["v"] for row in rows]) == (True, now.digest, ["c"])
    earlier, _ = rebuilt_load(shop, P2, first.digest)
    assert (earlier.digest, earlier.row_count) == (first.digest, 2)
    assert earlier.same is not any(each.gone for each in earlier.sources)
    for period in (None, P3):
        with pytest.raises(ResolveError, match=r"published by Period|there is no publication of prices of"):
            rebuilt_load(shop, period)


def test_a_load_of_an_earlier_definition_is_rebuilt_by_it(store: Store) -> None:
    shop = open_prices(store)
    shop.types["note"] = "VARCHAR"
    shop.load(P1, [(*price("a"), "x")])
    declared = "{name: v, type: string}"
    text = PRICES.replace(declared, f"{declared}\n      - {{name: note, type: string}}")
    shop.declare(text, "prices")
    shop.load(P2, [(*price("a"), "y")])
    found, rows = rebuilt_load(shop, P1)
    assert (found.same, "note" in rows[0]) == (True, False)
    found, rows = rebuilt_load(shop, P2, version=2)
    assert (found.same, rows[0]["note"]) == (True, "y")
    with pytest.raises(ResolveError, match="there is no publication of 2026-01 of version 2 of prices"):
        rebuilt_load(shop, P1, version=2)
