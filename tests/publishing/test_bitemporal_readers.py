"""What reads a bitemporal dataset or table: after an erasure, rebuilt later, and without deleted rows."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from dataset_assets.adapters.duckdb.memory import memory_engine
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.definition_tests.record import record_test
from dataset_assets.definition_tests.run import run_tests
from dataset_assets.lifecycle.erase import erase
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.past_run import RebuildRequest
from dataset_assets.lifecycle.rebuild import Rebuild, open_rebuild
from dataset_assets.publishing.as_of_choice import default_as_of
from tests.engines.store_fixtures import Store
from tests.publishing.price_history import P1, P2, P3, PriceHistory, open_prices, price
from tests.publishing.test_bitemporal_lookup import LATEST, SALES, SOLD, plan, read, shop

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
