"""A sensor daemon that is killed repeatedly still reports every change of a source exactly once.

`DATASET_ASSETS_KILLS=100` is the number of kills.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.scheduler.instigation import InstigatorType

from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.assets.automation import sensor
from dataset_assets.periods.cadence import Calendars
from tests.assets import daemon
from tests.assets.retailer import BRANDS, NOW, Retailer

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "3"))
MONTHS = [f"2024-{month:02}" for month in range(1, 6)]
PIECES = [*MONTHS, None]
"""The months of the table `orders`, and the table `products`, which is one piece."""


ORDERS = """
dataset:
  id: 01a2001c-5bb3-7d55-869e-000000000004
  name: Orders
  owner: ada
  natural_key_columns: [order_id]
  main_table:
    name: orders
    columns: [{name: order_id, type: integer, nullable: false}, {name: customer, type: string}]
  partitions: {period: month, start: 2024-01}
  refresh: {on: upstream}
"""


class Automation:
    """Dagster's automation of the datasets, and the runs that it requests: up to their publications."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        folder = retailer.root / "definitions" / "datasets"
        for stem in ("monthly", "nesting"):
            (folder / f"{stem}.yaml").unlink()
        retailer.write("orders", ORDERS)
        retailer.write("brands", f"{BRANDS}  refresh: {{on: upstream}}\n")
        self.retailer = retailer
        self.instance = instance
        self.definitions = retailer.definitions()
        self.warehouse = load_target(retailer.settings.target, Calendars()).warehouse
        self.cursor = None
        self.now = NOW
        self.runs = 0
        assert retailer.materialize(instance, "orders", first=MONTHS[0], last=MONTHS[-1]).success
        assert retailer.materialize(instance, "brands").success
        self.before = self._commits()

    def tick(self, *, killed: bool = False) -> None:
        """As the daemon does it every 30 seconds. `killed`: before it keeps what it has looked at."""
        self.now += timedelta(seconds=30)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, sensor().asset_selection, self.now, self.cursor
        )
        for result in found.results:
            for partition in found.get_requested_partitions(result.key):
                stem = result.key.path[-1]
                assert self.retailer.materialize(self.instance, stem, first=partition or "").success
                self.runs += 1
        self.cursor = self.cursor if killed else found.cursor

    def publications(self) -> Counter[str]:
        """How often each dataset was published since."""
        return self._commits() - self.before

    def digests(self, piece: str | None) -> list[str]:
        """What runs of one partition have told, the oldest first."""
        key = dataset_key("orders" if piece else "brands")
        wanted = dg.AssetRecordsFilter(key, asset_partitions=[piece] if piece else None)
        records = self.instance.fetch_materializations(wanted, limit=1000, ascending=True).records
        return [(record.event_log_entry.tags or {})[DATA_VERSION_TAG] for record in records]

    def _commits(self) -> Counter[str]:
        assert isinstance(self.warehouse, DeltaWarehouse)
        return Counter({stem: len(self.warehouse.history(stem)) for stem in ("orders", "brands")})


class Sources:
    """The files, rewritten in place, and what became of that in Dagster's event log."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        self.retailer = retailer
        self.instance = instance
        self.resolver = load_target(retailer.settings.target, Calendars()).resolver("shop")
        self.random = random.Random(7)
        self.written = {piece: [self.version(piece)] for piece in PIECES}

    def version(self, piece: str | None) -> str:
        return self.resolver.pieces("orders" if piece else "products")[piece].version

    def rewrite(self, piece: str | None) -> None:
        name = f"somebody {self.random.random()}"
        if piece:
            self.retailer.orders(int(piece[-2:]), {1: name})
        else:
            path = self.retailer.root / "data" / "products.parquet"
            pq.write_table(pa.table({"product_id": [0], "brand": [name]}), path)
        self.written[piece].append(self.version(piece))

    def reported(self, piece: str | None, fetch: Callable) -> list[str]:
        key = table_key("shop", "orders" if piece else "products")
        wanted = dg.AssetRecordsFilter(key, asset_partitions=[piece] if piece else None)
        records = fetch(wanted, limit=1000, ascending=True).records
        return [(record.event_log_entry.tags or {})[DATA_VERSION_TAG] for record in records]

    def settled(self) -> list[str | None]:
        """The pieces whose last change is reported. Of two that nobody looked between, one would be seen."""
        fetch = self.instance.fetch_materializations
        return [piece for piece in PIECES if self.reported(piece, fetch) == self.written[piece]]


def lose_the_cursor(instance: dg.DagsterInstance) -> None:
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)


def run_two_ticks(retailer: Retailer, home: Path) -> None:
    """The first may have begun before the last change."""
    running = daemon.start(retailer, home)
    for _ in range(2):
        running.wait(running.ticked)
        running.ticked.clear()
    running.kill()


def live_and_die(sources: Sources, home: Path) -> bool:
    """One life of the daemon, in which sources change before its first tick and between; how it ended.

    True: between two events, or between the last one and the cursor. Else at any moment.
    """
    chance = sources.random
    pieces = chance.sample(sources.settled(), k=min(len(sources.settled()), chance.randint(0, 4)))
    early = pieces[: chance.randint(0, len(pieces))]
    for piece in early:
        sources.rewrite(piece)
    dies_at = chance.randint(1, 2 * len(pieces)) if pieces and chance.random() < 0.6 else None
    running = daemon.start(sources.retailer, home, dies_at=dies_at)
    running.wait(running.ready)
    for piece in pieces[len(early) :]:
        time.sleep(chance.random() / 5)
        sources.rewrite(piece)
    if dies_at is None:
        time.sleep(2 * chance.random())
        running.kill()
    running.process.join(daemon.PATIENCE)
    assert running.process.exitcode == -9
    return dies_at is not None


def test_a_daemon_that_is_killed_misses_no_change_and_doubles_no_publication(retailer, home):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        sources, automation = Sources(retailer, instance), Automation(retailer, instance)
        run_two_ticks(retailer, home)
        automation.tick()
        assert not automation.publications(), "what is there at the start is no change"
        between_events = 0
        for number in range(KILLS):
            if number % 4 == 3:
                lose_the_cursor(instance)
                automation.cursor = None
            between_events += live_and_die(sources, home)
            automation.tick(killed=number % 3 == 2)
        run_two_ticks(retailer, home)
        automation.tick()
        changes = {piece: len(versions) - 1 for piece, versions in sources.written.items()}
        figures = f"{between_events} of them between events; {sum(changes.values())} changes"
        print(f"\n{KILLS} kills, {figures}, {automation.runs} runs, {automation.publications()}")  # noqa: T201
        assert sum(changes.values()) >= KILLS / 2, "or nothing was tried"
        brands = changes.pop(None)
        published = Counter(orders=sum(changes.values()), brands=brands)
        assert automation.publications() == published, "each change once"
        for piece, versions in sources.written.items():
            assert sources.reported(piece, instance.fetch_materializations) == versions
            seen = sources.reported(piece, instance.fetch_observations)
            assert seen[-1] == versions[-1], "those of versions that were gone by then are left out"
            assert len(seen) == len(set(seen))
            assert len(set(automation.digests(piece))) == len(versions), "whatever else was looked at"
