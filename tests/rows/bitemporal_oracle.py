"""The oracle of bitemporal tables in plain Python, from the definition: what is true at each point.

Time has a few cells. The snapshot of a key is one value for each cell, or ABSENT. The table follows from the
snapshots of the loaded Periods alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

PERIODS = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05")
CELLS = 6
"""The last cell has no end."""
ABSENT = "nothing is asserted"
START = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)

Key = tuple[int, str | None]
Value = tuple[str | None, int | None]
Cells = tuple[Any, ...]
"""A value, or ABSENT, for each cell of time."""
Snapshot = Mapping[Key, Cells]


def instant(cell: int) -> datetime | None:
    """Return the first instant of a cell; None for the end of the last one."""
    return START + timedelta(hours=17 * cell) if cell < CELLS else None


class Segment(NamedTuple):
    """Equal values of a key over adjacent cells."""

    key: Key
    value: Value
    valid_from: datetime | None
    valid_to: datetime | None


class Row(NamedTuple):
    """A segment in the Periods whose loads assert it, one after another."""

    segment: Segment
    period_from: str
    period_to: str | None


def segments(snapshot: Snapshot) -> set[Segment]:
    """Return the longest stretches of equal values."""
    found = set()
    for key, cells in snapshot.items():
        begin = 0
        for cell in range(1, CELLS + 1):
            if cell == CELLS or cells[cell] != cells[begin]:
                if cells[begin] != ABSENT:
                    found.add(Segment(key, cells[begin], instant(begin), instant(cell)))
                begin = cell
    return found


def table(snapshots: Mapping[str, Snapshot]) -> set[Row]:
    """Return the rows of the table: equal segments, run-length encoded over the loaded Periods."""
    loaded = sorted(snapshots)
    found = {period: segments(snapshots[period]) for period in loaded}
    rows = set()
    for segment in set().union(*found.values()):
        runs: list[list[str]] = []
        for place, period in enumerate(loaded):
            if segment in found[period]:
                follows = runs and loaded.index(runs[-1][-1]) == place - 1
                runs[-1].append(period) if follows else runs.append([period])
        for run in runs:
            after = loaded[loaded.index(run[-1]) + 1 :]
            rows.add(Row(segment, run[0], after[0] if after else None))
    return rows


def known(snapshots: Mapping[str, Snapshot], period: str) -> Snapshot:
    """Return what is known in a Period: the snapshot of the last load up to it."""
    earlier = [each for each in snapshots if each <= period]
    return snapshots[max(earlier)] if earlier else {}


def points() -> Iterator[tuple[int, datetime]]:
    """Yield two instants of each cell, its first one and one inside."""
    for cell in range(CELLS):
        first = START + timedelta(hours=17 * cell)
        yield cell, first
        yield cell, first + timedelta(hours=16, minutes=59, seconds=59)


@dataclass(frozen=True)
class Raw:
    """A row of a source: it need not be merged, and can be there twice."""

    key: Key
    value: Value
    valid_from: datetime | None
    valid_to: datetime | None


def source_rows(snapshot: Snapshot, chance: Random) -> list[Raw]:
    """Return rows of a source that say what the snapshot says, cut into pieces that touch or overlap."""
    rows = []
    for key, cells in snapshot.items():
        for begin, end in _stretches(cells):
            for first, last in _pieces(begin, end, chance):
                rows.append(Raw(key, cells[begin], instant(first), instant(last)))
    rows += [each for each in rows if chance.random() < 0.1]
    chance.shuffle(rows)
    return rows


def _stretches(cells: Cells) -> Iterator[tuple[int, int]]:
    begin = 0
    for cell in range(1, CELLS + 1):
        if cell == CELLS or cells[cell] != cells[begin]:
            if cells[begin] != ABSENT:
                yield begin, cell
            begin = cell


def _pieces(begin: int, end: int, chance: Random) -> Iterator[tuple[int, int]]:
    if end - begin == 1 or chance.random() < 0.5:
        yield begin, end
        return
    cut = chance.randrange(begin + 1, end)
    yield begin, chance.randrange(cut, end + 1)  # overlaps the other piece or touches it
    yield from _pieces(cut, end, chance)


VALUES: Sequence[Any] = (("a", 1), ("b", 1), ("a", None), (None, None), ABSENT)
KEY_PARTS = (None, "x", "")


def changed(snapshot: Snapshot, earlier: Sequence[Snapshot], chance: Random) -> Snapshot:
    """Return a snapshot that differs from another as sources do: see the branches."""
    found = dict(snapshot)
    for key in list(found):
        cells, dice = list(found[key]), chance.random()
        first, last = sorted(chance.sample(range(CELLS + 1), 2))
        if dice < 0.35:  # as it was
            continue
        if dice < 0.65:  # a change, a correction, a deletion from or until some instant
            cells[first:last] = [chance.choice(VALUES)] * (last - first)
        elif dice < 0.75:  # retracted: it was never true
            cells = [ABSENT] * CELLS
        elif earlier:  # back to what an earlier load said
            cells = list(chance.choice(earlier).get(key, cells))
        found[key] = tuple(cells)
    return found


def first_snapshot(history: int, chance: Random) -> Snapshot:
    """Return a snapshot of a few keys, some of which have NULL in the key."""
    found = {}
    for part in KEY_PARTS:
        cells: list[Any] = [ABSENT] * CELLS
        for _ in range(chance.randrange(4)):
            first, last = sorted(chance.sample(range(CELLS + 1), 2))
            cells[first:last] = [chance.choice(VALUES)] * (last - first)
        found[history, part] = tuple(cells)
    return found


def loaded_periods(row: Row, loaded: Iterable[str]) -> set[str]:
    """Return the loaded Periods of a row."""
    return {
        each for each in loaded if row.period_from <= each and (not row.period_to or each < row.period_to)
    }
