"""A sensor daemon that is killed repeatedly still publishes every change of a source exactly once.

`DATASET_ASSETS_KILLS=100` is the number of kills.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.scheduler.instigation import InstigatorType

from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.adapters.targets.loading import load_target
from dataset_assets.assets.asset_keys import dataset_key, table_key
from dataset_assets.periods.cadence import Calendars
from dataset_assets.publishing.snapshot import latest_inputs
from tests.assets import daemon
from tests.assets.retailer import BRANDS, Retailer
from tests.staleness.in_memory import NO_SESSION

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "3"))
MONTHS = [f"2024-{month:02}" for month in range(1, 6)]
PIECES = [*MONTHS, None]
"""The months of the table `orders`, and the table `products`, which is one piece."""


QUEUED = """
run_coordinator: {module: dagster.core.run_coordinator, class: QueuedRunCoordinator}
"""
"""Runs wait until the test does what they are to do."""

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


class Runs:
    """The runs that the daemon has queued: up to their publications."""

    def __init__(self, retailer: Retailer, instance: dg.DagsterInstance) -> None:
        folder = retailer.root / "definitions" / "datasets"
        for stem in ("monthly", "nesting"):
            (folder / f"{stem}.yaml").unlink()
        retailer.write("orders", ORDERS)
        retailer.write("brands", f"{BRANDS}  refresh: {{on: upstream}}\n")
        self.retailer = retailer
        self.instance = instance
        self.warehouse = load_target(retailer.settings.target, Calendars()).warehouse
        self.finished = 0
        assert retailer.materialize(instance, "orders", first=MONTHS[0], last=MONTHS[-1]).success
        assert retailer.materialize(instance, "brands").success
        self.before = self._commits()

    def finish(self) -> None:
        """Do what the queued runs are to do, and end them."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            [key] = run.asset_selection or [dataset_key("unknown")]
            first, last = (
                run.tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end")
            )
            assert self.retailer.materialize(self.instance, key.path[-1], first=first, last=last).success
            self.instance.report_run_canceled(run)
            self.finished += 1

    def publications(self) -> Counter[str]:
        """How often each dataset was published since."""
        return self._commits() - self.before

    def made_of(self, piece: str | None) -> str:
        """The version of the piece that is published."""
        stem = "orders" if piece else "brands"
        record = self.warehouse.records(stem, NO_SESSION)[piece]
        return latest_inputs(record)["sources"]["shop/orders" if piece else "shop/products"]

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

    def settled(self, runs: Runs) -> list[str | None]:
        """The pieces whose last change is published. Of two changes that nobody looked between, one is."""
        fetch = self.instance.fetch_materializations
        return [
            piece
            for piece in PIECES
            if self.reported(piece, fetch) == self.written[piece]
            and runs.made_of(piece) == self.written[piece][-1]
        ]


def lose_the_cursor(instance: dg.DagsterInstance) -> None:
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)


def run_a_while(retailer: Retailer, home: Path) -> None:
    """Iterations of both sensors. The first may have begun before the last change, or before its report."""
    running = daemon.start(retailer, home)
    for _ in range(4):
        running.wait(running.ticked)
        running.ticked.clear()
    running.kill()


def live_and_die(sources: Sources, runs: Runs, home: Path) -> bool:
    """One life of the daemon, in which sources change before its first tick and between; how it ended.

    True: between two things that it writes. Else at any moment.
    """
    chance, settled = sources.random, sources.settled(runs)
    pieces = chance.sample(settled, k=min(len(settled), chance.randint(0, 4)))
    early = pieces[: chance.randint(0, len(pieces))]
    for piece in early:
        sources.rewrite(piece)
    dies_at = chance.randint(1, 20) if chance.random() < 0.6 else None
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
    with (home / "dagster.yaml").open("a") as file:
        file.write(QUEUED)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = Runs(retailer, instance)
        sources = Sources(retailer, instance)
        run_a_while(retailer, home)
        assert not instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": "refresh"})), (
            "all is as it was"
        )
        between_writes = 0
        for number in range(KILLS):
            if number % 4 == 3:
                lose_the_cursor(instance)
            between_writes += live_and_die(sources, runs, home)
            if number % 3 != 2:
                runs.finish()
        run_a_while(retailer, home)
        runs.finish()
        run_a_while(retailer, home)
        assert not instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])), "nothing is due"
        changes = {piece: len(versions) - 1 for piece, versions in sources.written.items()}
        figures = f"{between_writes} of them between writes; {sum(changes.values())} changes"
        print(f"\n{KILLS} kills, {figures}, {runs.finished} runs, {runs.publications()}")  # noqa: T201
        assert sum(changes.values()) >= KILLS / 2, "or nothing was tried"
        assert runs.finished <= sum(changes.values()), "no run without a change"
        brands = changes.pop(None)
        published = Counter(orders=sum(changes.values()), brands=brands)
        assert runs.publications() == published, "each change once"
        for piece, versions in sources.written.items():
            assert sources.reported(piece, instance.fetch_materializations) == versions
            seen = sources.reported(piece, instance.fetch_observations)
            assert seen[-1] == versions[-1], "those of versions that were gone by then are left out"
            assert len(seen) == len(set(seen))
            assert len(set(runs.digests(piece))) == len(versions), "whatever else was looked at"
