"""Automatic requests are exactly those of a brute-force oracle, over random catalogs and random changes.

`DATASET_ASSETS_GRAPHS` is the number of catalogs.
"""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from dataset_assets.ports.warehouse import Record
from tests.assets.automation_fixtures import Automated, Piece
from tests.assets.catalogs import NOW, STARTS, TABLES, Spec, cadence_of, catalog
from tests.assets.refresh_oracle import Account, Inputs

GRAPHS = int(os.environ.get("DATASET_ASSETS_GRAPHS", "15"))
TICKS = 10


@dataclass(frozen=True)
class Run:
    """A run that has begun: what it read then, and what it will publish in so many ticks."""

    id: str
    record: Record
    inputs: Inputs
    content: str
    ticks: int


@dataclass
class Play:
    """One catalog over time."""

    root: Path
    random: Random
    counts: Counter[str] = field(default_factory=Counter)
    contents: dict[Piece, str] = field(default_factory=dict)
    running: dict[Piece, Run] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.world = Automated(self.root, TABLES, NOW)
        self.specs: dict[str, Spec] = {spec.stem: spec for spec in catalog(self.random)}
        for spec in self.specs.values():
            self.world.write(spec.stem, spec.text())
        self.account = Account(self.specs)
        self._load()

    def run(self) -> None:
        for tick in range(TICKS):
            self._finish()
            self._change(landing=0.95 if tick == 0 else 0.6)
            self._wait()
            self._tick(tick)

    def _tick(self, tick: int) -> None:
        expected = self.account.due(self.world.now)
        requested = self.world.tick(seconds=0)
        assert requested == expected, f"tick {tick}: {self.specs}; {self.world.said}"
        self.counts["requested"] += len(requested)
        self.counts["publications looked at"] += len(list(self.account.publications(self.world.now)))
        runs = [(piece, self._begin(piece)) for piece in sorted(requested, key=str)]
        for piece, run in runs:
            self.account.asked[piece] = run.inputs
            self._start(piece, run)

    def _begin(self, piece: Piece) -> Run:
        inputs = self.account.inputs(piece, self.world.now)
        assert inputs
        content = self.account.content(piece, inputs, self.contents)
        return Run("", self.world.read(*piece), inputs, content, self.random.choice([1, 1, 2, 3]))

    def _start(self, piece: Piece, run: Run) -> None:
        """Most runs are done by the next tick, some take longer, some fail."""
        if self.random.random() < 0.6:
            self._publish(piece, run)
        else:
            self.running[piece] = replace(run, id=self.world.begin(*piece))
            self.account.running.add(piece)

    def _finish(self) -> None:
        for piece, run in list(self.running.items()):
            if run.ticks > 1:
                self.running[piece] = replace(run, ticks=run.ticks - 1)
                continue
            del self.running[piece]
            self.account.running.discard(piece)
            fails = self.random.random() < 0.3
            if not fails:
                self._publish(piece, run)
            self.world.end(run.id, failed=fails)

    def _publish(self, piece: Piece, run: Run) -> None:
        self.world.publish(*piece, run.content, run.record)
        self.contents[piece] = self.account.versions[piece] = run.content
        self.account.made[piece] = run.inputs

    def _change(self, landing: float) -> None:
        """New pieces land; pieces that are there change, or are only written anew."""
        there = [(table, key) for table, stored in TABLES.items() for key in self._keys(table, stored)]
        for piece in there:
            if piece not in self.account.versions and self.random.random() < landing:
                self._report(piece, real=True)
        known = [piece for piece in there if piece in self.account.versions]
        for piece in self.random.sample(known, min(len(known), self.random.choice([0, 1, 1, 2, 4]))):
            self._report(piece, real=self.random.random() < 0.7)
        if self.random.random() < 0.5:
            self._by_hand()

    def _keys(self, table: str, stored: str | None) -> list[str | None]:
        """The partitions that can be reported; of a table that nobody reads by Period, all its Periods."""
        if stored is None:
            return [None]
        cadence = cadence_of(stored)
        every = cadence.between(cadence.parse(STARTS[stored]), self.world.now)
        complete = [period.key for period in every if period.end <= self.world.now]
        return [*(self.world.partitions(table) or complete)]

    def _report(self, piece: Piece, *, real: bool) -> None:
        self.number += 1
        self.account.versions[piece] = f"v{self.number}"
        if real:
            self.contents[piece] = f"c{self.number}"
        self.world.report(*piece, f"v{self.number}")

    def _by_hand(self) -> None:
        """Somebody materializes some Periods."""
        found = [piece for piece in self.account.publications(self.world.now) if piece not in self.running]
        for piece in self.random.sample(found, min(len(found), 6)):
            if self.account.inputs(piece, self.world.now):
                self._publish(piece, self._begin(piece))

    def _wait(self) -> None:
        """Seconds, or days; then the code location has been started anew. Sometimes the cursor is lost."""
        days = self.random.choice([0, 0, 0, 0, 1, 7, 20, 31])
        self.world.now += timedelta(days=days, seconds=30)
        if days:
            self._load()
        if self.random.random() < 0.1:
            self.world.cursor, self.account.asked = None, {}

    def _load(self) -> None:
        """Files are read again. Tables have something of the Period that has not ended yet, too."""
        self.world.load()
        for table, stored in TABLES.items():
            if stored:
                piece = table, cadence_of(stored).containing(self.world.now).key
                if piece not in self.account.versions:
                    self.account.versions[piece] = "incomplete"
                    self.world.resolver.change(*piece, "incomplete")


@pytest.mark.parametrize("seed", range(GRAPHS))
def test_what_is_requested_is_what_is_needed(seed: int, tmp_path: Path) -> None:
    play = Play(tmp_path, Random(seed))
    play.run()
    assert play.counts["publications looked at"] > 20
    print(f"\n{play.counts}")  # noqa: T201
