"""The sensor that finds out which sources changed, and tells Dagster of these alone."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, Table
from dataset_assets.assets.source_events import KINDS, Report, report, reported
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import TableState
from dataset_assets.ports.target import Target
from dataset_assets.text.wording import listed

SENSOR = "sources"
INTERVAL = 30
"""Seconds between two ticks, at least."""
MOST_TABLES = 1_000
MOST_EVENTS = 500
"""In one tick: the daemon writes them one after the other, and does nothing else meanwhile."""
SECONDS_ASKING = 15
SECONDS = 25
"""In one tick, which the daemon gives up after 60."""
MOST_TOLD = 10
_AT_ONCE = 8
"""Tables that are asked for at the same time: what takes long is waiting for a network."""

_ABOUT = (
    "Asks every table what changed, as its resolver's metadata tells, and reports the changes to its asset"
)


def sources(graph: Graph, name: str = SENSOR) -> dg.SensorDefinition:
    """The sensor of a code location. Nothing of the target is opened before its first tick."""
    return dg.SensorDefinition(
        name=name,
        evaluation_fn=Polling(graph).tick,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


@dataclass(frozen=True)
class Cursor:
    """What the daemon keeps once all events of a tick are written: the tick's name, and its last table."""

    tick: str = ""
    after: str = ""

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """That of the first tick, for a text that is none."""
        try:
            found = json.loads(text or "")
            return cls(str(found["tick"]), str(found["after"]))
        except (ValueError, TypeError, LookupError):
            return cls()

    @property
    def text(self) -> str:
        """As the daemon keeps it."""
        return json.dumps({"tick": self.tick, "after": self.after})


@dataclass(frozen=True)
class Answer:
    """What a resolver said of a table, or what stood in the way."""

    pieces: Mapping[str | None, TableState] = field(default_factory=dict)
    problem: str = ""


_LATE = Answer(problem="has not answered yet")

Pieces = Mapping[str | None, tuple[Period | None, TableState]]
"""By partition."""


class Polling:
    """Asks in the order of the tables' names, each tick from where the one before it stopped.

    Dagster's event log is what counts: a table is compared with the log whenever it is not as it was. What
    it was like is remembered here, under the name of the tick. Only where the daemon's cursor has that name
    are the tick's events written; where it has another, or is lost, all tables are compared anew.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._memory: tuple[str, Mapping[str, str]] = ("", {})
        self._late: Mapping[str, Future[Answer]] = {}

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """The events of what changed, within the bounds of one tick."""
        deadline = monotonic() + SECONDS
        cursor = Cursor.read(context.cursor)
        name, seen = self._memory
        remembers = bool(name) and name == cursor.tick
        findings = Findings(context, dict(seen) if remembers else {}, waits=not remembers)
        tables, after = self._tables(), cursor.after
        for table, answer in self._answers(tables, after).items():
            if monotonic() > deadline or not findings.take(table, tables[table], answer):
                break
            after = table
        done = Cursor(uuid4().hex, after)
        self._memory = (done.tick, findings.seen)
        return dg.SensorResult(asset_events=findings.events, skip_reason=findings.text, cursor=done.text)

    def _tables(self) -> Mapping[str, Table]:
        tables = self._graph.sources
        return {f"{resolver}/{name}": tables[resolver, name] for resolver, name in sorted(tables)}

    def _answers(self, tables: Mapping[str, Table], after: str) -> Mapping[str, Answer]:
        """In order; of those that nobody came to there is none.

        One that has not answered in time goes on, and is asked again only after it did.
        """
        ordered = sorted(tables, key=lambda name: (name <= after, name))[:MOST_TABLES]
        pool = ThreadPoolExecutor(_AT_ONCE, SENSOR)
        target = self._graph.binding.target
        asked = {name: pool.submit(ask, target, tables[name]) for name in ordered if name not in self._late}
        wait(asked.values(), SECONDS_ASKING)
        pool.shutdown(wait=False, cancel_futures=True)
        asked |= self._late
        self._late = {name: each for name, each in asked.items() if not each.done()}
        answers = dict.fromkeys(self._late, _LATE)
        answers |= {
            name: each.result()
            for name, each in asked.items()
            if name not in self._late and not each.cancelled()
        }
        return {name: answers[name] for name in ordered if name in answers}


def ask(target: Target | None, table: Table) -> Answer:
    """What the metadata of a table tells. Nothing is raised: an answer tells what stood in the way."""
    if target is None:
        return Answer(problem="the target cannot be read")
    try:
        resolver = target.resolver(table.resolver)
        if table.partitioning:
            return Answer(resolver.pieces(table.name))
        return Answer({None: resolver.state(table.name)})
    except DatasetAssetsError as error:
        return Answer(problem=" ".join(fault.message for fault in error.faults))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources go on
        return Answer(problem=f"{type(error).__name__}: {error}")


def pieces_of(table: Table, answer: Answer, now: datetime) -> Pieces:
    """The pieces by partition. A Period that is none of the asset is left out, until it is one."""
    found: dict[str | None, tuple[Period | None, TableState]] = {}
    for period_id, state in answer.pieces.items():
        period = None
        if table.partitioning and period_id:
            period = table.partitioning.cadence.parse(period_id)
            if not table.partitioning.holds(period, now):
                continue
        found[period.key if period else None] = (period, state)
    return found


class Findings:
    """What one tick found out. `seen`: of each table that is reported in full, what it was like.

    `waits`: a piece that is as a command observed it is reported by the next tick. Until it is, nothing that
    was made of it is in doubt at the first look of the sensor that refreshes, which may come in between.
    """

    def __init__(
        self, context: dg.SensorEvaluationContext, seen: dict[str, str], *, waits: bool = False
    ) -> None:
        self.context = context
        self.seen = seen
        self._waits = waits
        self._waiting = False
        self.events: list[Report] = []
        self._now = datetime.now(UTC)
        self._asked = 0
        self._changed: list[str] = []
        self._gone: list[str] = []
        self._untold: list[str] = []

    def take(self, name: str, table: Table, answer: Answer) -> bool:
        """Whether the table is done with: there was room for all that is to be told of it."""
        self._asked += 1
        if answer.problem:
            self._untold.append(f"{name}: {answer.problem}")
            return True
        pieces = pieces_of(table, answer, self._now)
        for period, state in pieces.values():
            if not state.version:
                self._untold.append(f"{_called(name, period)}: {state.unknown}")
        mark = _mark(pieces)
        if self.seen.get(name) == mark:
            return True
        self._waiting = False
        changes = list(self._changes(name, table, pieces))
        room = MOST_EVENTS - len(self.events)
        self.events += changes[:room]
        if len(changes) > room:
            return False
        if not self._waiting:
            self.seen[name] = mark
        return True

    @property
    def text(self) -> str:
        """For people."""
        told = [f"{self._asked} tables asked"]
        if self._changed:
            told.append(f"changed: {listed(self._changed, MOST_TOLD)}")
        if self._gone:
            told.append(f"no longer there: {listed(self._gone, MOST_TOLD)}, what was made of it stays")
        if self._untold:
            told.append(f"not known: {listed(self._untold, MOST_TOLD, '; ')}")
        return "; ".join(told)

    def _changes(self, name: str, table: Table, pieces: Pieces) -> Iterator[Report]:
        known = {kind: reported(self.context.instance, kind, table) for kind in KINDS}
        gone = {str(partition) for told in known.values() for partition in told.keys() - pieces.keys()}
        self._gone += (f"{name} {partition}" for partition in sorted(gone))
        for partition, (period, state) in pieces.items():
            news = [kind for kind in KINDS if state.version not in ("", known[kind].get(partition))]
            if self._waits and news == [dg.AssetMaterialization] and partition not in known[news[0]]:
                self._waiting = True
                continue
            if news:
                self._changed.append(_called(name, period))
            yield from (report(kind, table, period, state) for kind in news)


def _mark(pieces: Pieces) -> str:
    lines = sorted(f"{partition}\0{state.version}" for partition, (_, state) in pieces.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _called(name: str, period: Period | None) -> str:
    return f"{name} {period}" if period else name
