"""Oracle without Dagster: decide by dates and versions alone which publications have to be refreshed.

Of every publication it keeps which versions its inputs had when it was last asked for. Where Dagster can only
tell too much, `Verdict.MAYBE` says so; what it may never do is to tell less.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum

from dateutil.relativedelta import relativedelta

from dataset_assets.periods.period import Period
from tests.assets.automation_fixtures import Piece
from tests.assets.catalogs import FIXED, TABLES, Spec, cadence_of

FAR = 3


class Verdict(IntEnum):
    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class Read:
    """One input: the partitions that a publication reads, and those that Dagster may assume it reads."""

    name: str
    exact: frozenset[Piece]
    wide: frozenset[Piece]
    role: str
    """`exact`, or of what is in one piece `main` or `lookup`."""
    any_will_do: bool = False


@dataclass
class Account:
    """`stored`: the partitions of the tables that are stored by Period, by key."""

    specs: dict[str, Spec]
    stored: dict[str, dict[str, Period]]
    versions: dict[Piece, str] = field(default_factory=dict)
    asked: dict[Piece, dict[Piece, str]] = field(default_factory=dict)
    pending: set[Piece] = field(default_factory=set)
    begun: set[Piece] = field(default_factory=set)
    running: set[Piece] = field(default_factory=set)
    came_later: set[Piece] = field(default_factory=set)
    begins: bool = True

    def verdicts(self, now: datetime) -> dict[Piece, Verdict]:
        """Return for each publication whether it has to be requested now."""
        due = {piece: self._due(piece, now) for piece in self.publications(now)}
        self.begun |= {piece for piece, verdict in due.items() if verdict and self.begins}
        found = {}
        for piece, verdict in due.items():
            waits = self._waits(piece, due, now)
            if piece in self.running or waits is Verdict.YES:
                found[piece] = Verdict.NO
            else:
                found[piece] = min(verdict, Verdict.MAYBE) if waits else verdict
            if verdict:
                self.pending.add(piece)
        return found

    def publications(self, now: datetime) -> Iterator[Piece]:
        for stem, spec in self.specs.items():
            if spec.cadence is None:
                yield stem, None
            else:
                yield from ((stem, period.key) for period in spec.periods(now))

    def ask(self, piece: Piece, now: datetime) -> None:
        """Record that a publication was requested, with the current versions of its inputs."""
        read = {each for read in self._reads(piece, now) for each in read.wide}
        self.asked[piece] = {each: self.versions[each] for each in read if each in self.versions}
        self.pending.discard(piece)
        self.begun.discard(piece)

    def content(self, piece: Piece, contents: dict[Piece, str], now: datetime) -> str:
        """Return the content of a publication, computed from the contents of its inputs."""
        read = sorted((each for read in self._reads(piece, now) for each in read.exact), key=str)
        made = repr((piece, [(each, contents.get(each)) for each in read]))
        return hashlib.sha256(made.encode()).hexdigest()[:12]

    def _due(self, piece: Piece, now: datetime) -> Verdict:
        spec = self.specs[piece[0]]
        published = piece in self.versions
        if not spec.automatic or not (published or self._recent(piece, now)):
            self.pending.discard(piece)
            return Verdict.NO
        reads = list(self._reads(piece, now))
        ready = Verdict.YES if published else min(map(self._there, reads), default=Verdict.YES)
        if piece not in self.asked:
            return ready
        changed = max((self._changed(piece, read, now) for read in reads), default=Verdict.NO)
        sticky = Verdict.MAYBE if self.begins or piece in self.pending else Verdict.NO
        return min(ready, max(changed, sticky))

    def _there(self, read: Read) -> Verdict:
        if read.any_will_do:
            return Verdict.YES if any(each in self.versions for each in read.wide) else Verdict.NO
        if all(each in self.versions for each in read.wide):
            return Verdict.YES
        return Verdict.MAYBE if all(each in self.versions for each in read.exact) else Verdict.NO

    def _changed(self, piece: Piece, read: Read, now: datetime) -> Verdict:
        if not self._concerned(piece, read, now):
            return Verdict.NO
        before = self.asked[piece]
        if any(self.versions.get(each) != before.get(each) for each in read.exact):
            return Verdict.YES
        wide = any(self.versions.get(each) != before.get(each) for each in read.wide)
        return Verdict.MAYBE if wide else Verdict.NO

    def _concerned(self, piece: Piece, read: Read, now: datetime) -> bool:
        """Return whether a change of an unpartitioned input affects this publication."""
        spec = self.specs[piece[0]]
        if spec.cadence is None or not spec.by_clock or read.role == "exact":
            return True
        if read.role == "main":
            return spec.lookback is None or self._recent(piece, now)
        if spec.refresh_all:
            return True
        last = [(spec.stem, period.key) for period in spec.periods(now)][-FAR:]
        latest = [each for each in last if each in self.versions][-1:]
        return piece in latest or (piece not in self.versions and self._recent(piece, now))

    def _recent(self, piece: Piece, now: datetime) -> bool:
        spec = self.specs[piece[0]]
        if not spec.by_clock:
            return piece in self.came_later
        last = [period.key for period in spec.periods(now)] if spec.cadence else [None]
        return piece[1] in last[-1 - (spec.lookback or 0) :]

    def _waits(self, piece: Piece, due: dict[Piece, Verdict], now: datetime) -> Verdict:
        """Return whether a nested dataset below the publication is in progress or going to be requested."""
        spec = self.specs[piece[0]]
        below = [each for nested in spec.nested for each in self._mapped(spec, nested, piece, now)]
        found = [self._unsettled(each, due) for each in below]
        return max([*found, *(self._waits(each, due, now) for each in below)], default=Verdict.NO)

    def _unsettled(self, piece: Piece, due: dict[Piece, Verdict]) -> Verdict:
        """Nothing waits for what Dagster cannot know of: what changed before its first look, and, where no
        clock tells, whether what was never published is going to be.
        """
        if piece in self.running:
            return Verdict.YES
        unknown = piece in self.begun or not (self.specs[piece[0]].by_clock or piece in self.versions)
        return min(due.get(piece, Verdict.NO), Verdict.MAYBE if unknown else Verdict.YES)

    def _mapped(self, spec: Spec, nested: Spec, piece: Piece, now: datetime) -> list[Piece]:
        if nested.cadence is None:
            return [(nested.stem, None)]
        keys = [period.key for period in nested.periods(now)]
        return [(nested.stem, key) for key in keys if spec.cadence is None or key == piece[1]]

    def _reads(self, piece: Piece, now: datetime) -> Iterator[Read]:
        spec = self.specs[piece[0]]
        period = (
            next((each for each in spec.periods(now) if each.key == piece[1]), None) if spec.cadence else None
        )
        for table in dict.fromkeys((spec.main, *spec.tables)):
            yield self._table(spec, period, table, now)
        for nested in spec.nested:
            below = frozenset(self._mapped(spec, nested, piece, now))
            if nested.cadence and spec.cadence is None:
                published = sorted((each for each in below if each in self.versions), key=str)
                yield Read(nested.stem, frozenset(published[-1:]), below, "exact", any_will_do=True)
            else:
                yield Read(nested.stem, below, below, "exact" if nested.cadence else "lookup")

    def _table(self, spec: Spec, period: Period | None, table: str, now: datetime) -> Read:
        main = table == spec.main
        if table not in self.stored:
            piece = frozenset({(table, None)})
            return Read(table, piece, piece, "main" if main else "lookup")
        first, end = self._window(spec, period, now)
        exact = list(self._touched(table, first if main else end - timedelta(microseconds=1), end))
        if spec.fixed:
            return Read(table, frozenset(exact), frozenset(exact), "exact")
        wide = self._touched(table, *self._widened(spec, period, table, first, end, main=main))
        return Read(table, frozenset(exact), frozenset({*wide, *exact}), "exact", spec.cadence is None)

    def _touched(self, table: str, first: datetime, end: datetime) -> Iterator[Piece]:
        for key, period in self.stored[table].items():
            if period.start < end and period.end > first:
                yield table, key

    def _window(self, spec: Spec, period: Period | None, now: datetime) -> tuple[datetime, datetime]:
        if spec.fixed:
            first, last = map(date.fromisoformat, FIXED)
            return _midnight(first), _midnight(last + relativedelta(days=1))
        end = period.end if period else now
        if spec.months:
            return _midnight((end.date() if period else now.date()) - relativedelta(months=spec.months)), end
        return (period.start, end) if period else (datetime.min.replace(tzinfo=UTC), end)

    def _widened(
        self, spec: Spec, period: Period | None, table: str, first: datetime, end: datetime, *, main: bool
    ) -> tuple[datetime, datetime]:
        """Dagster counts windows in whole Periods of the dataset, and compares Periods that a clock tells."""
        everything = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        if period is None or (TABLES[table] == "shop.month") == spec.by_clock:
            return everything
        if not spec.by_clock:
            return first, end
        if not main:
            return period.start, period.end
        if spec.cadence == "month":
            return first, end
        cadence = cadence_of(spec.cadence or "")
        return cadence.previous(cadence.containing(first)).start, end


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def told(found: Iterable[Piece], verdicts: dict[Piece, Verdict]) -> tuple[set[Piece], set[Piece]]:
    """Return the publications that are missing from the requests, and those that are superfluous."""
    requested = set(found)
    must = {piece for piece, verdict in verdicts.items() if verdict is Verdict.YES}
    may = {piece for piece, verdict in verdicts.items() if verdict}
    return must - requested, requested - may
