"""Oracle without Dagster: decide by dates and versions alone which publications have to be refreshed.

Of every publication it keeps which versions its inputs had when it was made, and for which it was last asked.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from dataset_assets.periods.period import Period
from tests.assets.automation_fixtures import Piece
from tests.assets.catalogs import FIXED, TABLES, Spec, cadence_of

Versions = frozenset[tuple[Piece, str]]


@dataclass(frozen=True)
class Inputs:
    """What a publication is made of: by input the versions of the pieces that are read, and the day."""

    by_name: dict[str, Versions]
    day: date | None
    """Of a publication without a Period whose window moves with the clock; else None."""


@dataclass
class Account:
    """`versions` are those of the pieces of all tables, and the contents of all publications."""

    specs: dict[str, Spec]
    versions: dict[Piece, str] = field(default_factory=dict)
    made: dict[Piece, Inputs] = field(default_factory=dict)
    asked: dict[Piece, Inputs] = field(default_factory=dict)
    running: set[Piece] = field(default_factory=set)

    def due(self, now: datetime) -> set[Piece]:
        """Return the publications that have to be requested now."""
        due = {piece for piece in self.publications(now) if self._is_due(piece, now)}
        self.asked = {piece: inputs for piece, inputs in self.asked.items() if piece in due}
        fresh = {piece for piece in due if self.asked.get(piece) != self.inputs(piece, now)}
        return {piece for piece in fresh if piece not in self.running and not self._waits(piece, fresh, now)}

    def publications(self, now: datetime) -> Iterator[Piece]:
        for stem, spec in self.specs.items():
            if spec.cadence is None:
                yield stem, None
            else:
                yield from ((stem, period.key) for period in spec.periods(now))

    def inputs(self, piece: Piece, now: datetime) -> Inputs | None:
        """Return what a publication would be made of now; None if something that it reads is missing."""
        spec = self.specs[piece[0]]
        period = (
            next((each for each in spec.periods(now) if each.key == piece[1]), None) if piece[1] else None
        )
        found = {table: self._of_table(spec, period, table, now) for table in (spec.main, *spec.tables)}
        found |= {nested.stem: self._of_nested(spec, nested, piece, now) for nested in spec.nested}
        by_name = {name: versions for name, versions in found.items() if versions}
        if len(by_name) < len(found):
            return None
        return Inputs(by_name, now.date() if spec.months and spec.cadence is None else None)

    def content(self, piece: Piece, inputs: Inputs, contents: dict[Piece, str]) -> str:
        """Return the content of a publication, computed from the contents of its inputs."""
        read = sorted({each for versions in inputs.by_name.values() for each, _ in versions}, key=str)
        made = repr((piece, [(each, contents.get(each)) for each in read]))
        return hashlib.sha256(made.encode()).hexdigest()[:12]

    def _is_due(self, piece: Piece, now: datetime) -> bool:
        spec, now_inputs, before = self.specs[piece[0]], self.inputs(piece, now), self.made.get(piece)
        if not spec.automatic or now_inputs is None:
            return False
        if before is None:
            return self._recent(piece, now)
        if now_inputs.day != before.day:
            return True
        changed = (name for name, read in now_inputs.by_name.items() if before.by_name.get(name) != read)
        return any(self._concerned(piece, name, now) for name in changed)

    def _concerned(self, piece: Piece, name: str, now: datetime) -> bool:
        """Return whether a change of an input refreshes this publication."""
        spec = self.specs[piece[0]]
        nested = next((each for each in spec.nested if each.stem == name), None)
        by_period = nested.cadence if nested else TABLES[name]
        if spec.cadence is None or by_period:
            return True
        if name == spec.main:
            return spec.lookback is None or self._recent(piece, now)
        published = [
            (spec.stem, each.key) for each in spec.periods(now) if (spec.stem, each.key) in self.made
        ]
        return spec.refresh_all or piece == published[-1]

    def _recent(self, piece: Piece, now: datetime) -> bool:
        spec = self.specs[piece[0]]
        last = [period.key for period in spec.periods(now)] if spec.cadence else [None]
        return piece[1] in last[-1 - (spec.lookback or 0) :]

    def _waits(self, piece: Piece, fresh: set[Piece], now: datetime) -> bool:
        """Return whether a nested publication below this one is in progress or going to be requested."""
        spec = self.specs[piece[0]]
        below = [each for nested in spec.nested for each in self._mapped(spec, nested, piece, now)]
        return any(each in self.running or each in fresh or self._waits(each, fresh, now) for each in below)

    def _mapped(self, spec: Spec, nested: Spec, piece: Piece, now: datetime) -> list[Piece]:
        if nested.cadence is None:
            return [(nested.stem, None)]
        keys = [period.key for period in nested.periods(now)]
        return [(nested.stem, key) for key in keys if spec.cadence is None or key == piece[1]]

    def _of_nested(self, spec: Spec, nested: Spec, piece: Piece, now: datetime) -> Versions | None:
        there = [each for each in self._mapped(spec, nested, piece, now) if each in self.versions]
        return frozenset((each, self.versions[each]) for each in there[-1:])

    def _of_table(self, spec: Spec, period: Period | None, table: str, now: datetime) -> Versions | None:
        stored = TABLES[table]
        if stored is None:
            return frozenset((each, self.versions[each]) for each in [(table, None)] if each in self.versions)
        cadence = cadence_of(stored)
        there = sorted(
            (cadence.from_key(key or "") for name, key in self.versions if name == table),
            key=lambda each: each.start,
        )
        if not there:
            return None
        first, end = self._window(spec, period, now)
        if end is None:
            first, end = there[0].start, there[-1].end
        elif table != spec.main:
            first = end - timedelta(microseconds=1)
        read = [
            (table, each.key) for each in cadence.between(there[0], end) if first is None or each.end > first
        ]
        if any(each not in self.versions for each in read):
            return None
        return frozenset((each, self.versions[each]) for each in read)

    def _window(
        self, spec: Spec, period: Period | None, now: datetime
    ) -> tuple[datetime | None, datetime | None]:
        if spec.fixed:
            first, last = map(date.fromisoformat, FIXED)
            return _midnight(first), _midnight(last + relativedelta(days=1))
        end = period.end if period else now
        if spec.months:
            return _midnight(end.date() - relativedelta(months=spec.months)), end
        return (period.start, end) if period else (None, None)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
