"""Automatic requests agree with a brute-force oracle over random catalogs and random changes.

Everything that has to be refreshed is requested. Beyond that, only publications are requested that Dagster
cannot distinguish from those, as the oracle knows. `DATASET_ASSETS_GRAPHS` is the number of catalogs.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests.assets.automation_fixtures import Automated, Piece
from tests.assets.catalogs import NOW, TABLES, Spec, cadence_of, catalog
from tests.assets.refresh_oracle import Account, Verdict, told

GRAPHS = int(os.environ.get("DATASET_ASSETS_GRAPHS", "15"))
TICKS = 10


@dataclass
class Play:
    """One catalog over time."""

    root: Path
    random: Random
    counts: Counter[str] = field(default_factory=Counter)
    contents: dict[Piece, str] = field(default_factory=dict)
    running: dict[Piece, tuple[str, str, int]] = field(default_factory=dict)
    """Of each publication that is being made: its run, what it will hold, and ticks until then."""
    number: int = 0

    def __post_init__(self) -> None:
        self.world = Automated(self.root, TABLES, NOW)
        self.specs: dict[str, Spec] = {spec.stem: spec for spec in catalog(self.random)}
        for spec in self.specs.values():
            self.world.write(spec.stem, spec.text())
        self.account = Account(self.specs, {})
        self._load()

    def run(self) -> None:
        for tick in range(TICKS):
            self._finish()
            self._change(landing=0.95 if tick == 0 else 0.6)
            self._wait()
            self._tick(tick)

    def _tick(self, tick: int) -> None:
        verdicts = self.account.verdicts(self.world.now)
        requested = self.world.tick(seconds=0)
        self.account.begins = False
        missing, extra = told(requested, verdicts)
        assert not missing, f"tick {tick}: {missing} was not requested, {requested} was; {self.specs}"
        assert not extra, f"tick {tick}: {extra} was requested; {self.specs}"
        self.counts += Counter(str(Verdict(verdicts[piece]).name) for piece in requested)
        self.counts["publications looked at"] += len(verdicts)
        holds = {piece: self._read(piece) for piece in sorted(requested, key=str)}
        for piece, content in holds.items():
            self._start(piece, content)

    def _read(self, piece: Piece) -> str:
        self.account.ask(piece, self.world.now)
        return self.account.content(piece, self.contents, self.world.now)

    def _start(self, piece: Piece, holds: str) -> None:
        """Most runs are done by the next tick, some take longer, some fail."""
        if self.random.random() < 0.6:
            self._publish(piece, holds)
        else:
            self.running[piece] = (self.world.begin(*piece), holds, self.random.choice([1, 1, 2, 3]))
            self.account.running.add(piece)

    def _finish(self) -> None:
        for piece, (run, holds, ticks) in list(self.running.items()):
            if ticks > 1:
                self.running[piece] = (run, holds, ticks - 1)
                continue
            del self.running[piece]
            self.account.running.discard(piece)
            fails = self.random.random() < 0.3
            if not fails:
                self._publish(piece, holds)
            self.world.end(run, failed=fails)

    def _publish(self, piece: Piece, holds: str) -> None:
        self.world.publish(*piece, holds)
        self.contents[piece] = self.account.versions[piece] = holds

    def _change(self, landing: float) -> None:
        """New pieces land; pieces that are there change, or are only written anew."""
        there = [(table, key) for table in TABLES for key in self.world.partitions(table) or [None]]
        for piece in there:
            if piece not in self.account.versions and self.random.random() < landing:
                self._report(piece, real=True)
        known = [piece for piece in there if piece in self.account.versions]
        for piece in self.random.sample(known, min(len(known), self.random.choice([0, 1, 1, 2, 4]))):
            self._report(piece, real=self.random.random() < 0.7)
        if self.random.random() < 0.5:
            self._by_hand()

    def _report(self, piece: Piece, *, real: bool) -> None:
        self.number += 1
        self.account.versions[piece] = f"v{self.number}"
        if real:
            self.contents[piece] = f"c{self.number}"
        self.world.report(*piece, f"v{self.number}")

    def _by_hand(self) -> None:
        """Somebody materializes some Periods: of what changed a moment ago they may have read either."""
        found = [piece for piece in self.account.publications(self.world.now) if piece not in self.running]
        for piece in self.random.sample(found, min(len(found), 6)):
            self._publish(piece, self._read(piece))
            self.account.pending.add(piece)

    def _wait(self) -> None:
        """Seconds, or days; then the code location has been started anew."""
        before = set(self.account.publications(self.world.now))
        days = self.random.choice([0, 0, 0, 0, 1, 7, 20, 31])
        self.world.now += timedelta(days=days, seconds=30)
        if days:
            self._load()
            if not self.account.begins:
                self.account.came_later |= set(self.account.publications(self.world.now)) - before

    def _load(self) -> None:
        self.world.load()
        self.account.stored = {
            table: {key: cadence_of(cadence).from_key(key) for key in keys}
            for table, cadence in TABLES.items()
            if cadence and (keys := self.world.partitions(table)) is not None
        }


@pytest.mark.parametrize("seed", range(GRAPHS))
def test_what_is_requested_is_what_is_needed(seed: int, tmp_path: Path) -> None:
    play = Play(tmp_path, Random(seed))
    play.run()
    assert play.counts["publications looked at"] > 20
