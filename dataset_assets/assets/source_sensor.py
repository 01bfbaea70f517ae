"""The Dagster sensor `sources`, which detects changed source tables and reports only those to Dagster."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

import dagster as dg

from dataset_assets.assets.asset_graph import Graph, Table
from dataset_assets.assets.source_events import EVENT_TYPES, SourceEvent, reported_versions, source_event
from dataset_assets.assets.source_states import (
    PartitionStates,
    SourceStates,
    read_source_states,
    states_by_partition,
)
from dataset_assets.periods.period import Period
from dataset_assets.text.wording import listed

SENSOR = "sources"
INTERVAL = 30
"""Seconds between two ticks, at least."""
MAX_TABLES = 1_000
"""Tables whose states one tick reads."""
MAX_EVENTS = 500
"""Events of one tick: the daemon writes them one after another, and runs no other sensor meanwhile."""
READ_SECONDS = 15
"""Seconds that one tick waits for resolvers."""
TICK_SECONDS = 25
"""Seconds after which a tick ends by itself; the daemon cancels a tick after 60."""
MAX_LISTED = 10
"""Names of each kind in the text of a tick."""
_THREADS = 8
"""Tables that are read at the same time: most of the time is spent waiting for a network."""

_ABOUT = "Reads the metadata of every table, and reports changed tables to their assets"


def sources(graph: Graph, name: str = SENSOR) -> dg.SensorDefinition:
    """Return the sensor of a code location. The target is not used before the first tick."""
    return dg.SensorDefinition(
        name=name,
        evaluation_fn=SourcePoller(graph).tick,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


@dataclass(frozen=True)
class Cursor:
    """State that the daemon stores once all events of a tick are written: the tick's id and last table."""

    tick: str = ""
    after: str = ""

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """Parse a stored cursor. An invalid or absent one is the cursor of a first tick."""
        try:
            stored = json.loads(text or "")
            return cls(str(stored["tick"]), str(stored["after"]))
        except (ValueError, TypeError, LookupError):
            return cls()

    @property
    def text(self) -> str:
        """The cursor as JSON, as the daemon stores it."""
        return json.dumps({"tick": self.tick, "after": self.after})


_TIMED_OUT = SourceStates(problem="has not answered yet")


class SourcePoller:
    """Reads the states of all tables in the order of their names; each tick continues where the last ended.

    Dagster's event log decides what is new: a table is compared with the log whenever its states differ from
    the remembered ones. States are remembered in this process, under the id of the tick that read them. If
    the daemon's cursor has another id, the events of that tick were not written, and all tables are compared
    with the log again.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._remembered: tuple[str, Mapping[str, str]] = ("", {})
        self._late: Mapping[str, Future[SourceStates]] = {}

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Return the events of changed tables, within the limits of one tick."""
        deadline = monotonic() + TICK_SECONDS
        cursor = Cursor.read(context.cursor)
        tick_id, fingerprints = self._remembered
        remembers = bool(tick_id) and tick_id == cursor.tick
        changes = SourceChanges(context, dict(fingerprints) if remembers else {})
        tables, after = self._tables(), cursor.after
        for name, states in self._read(tables, after).items():
            if monotonic() > deadline or not changes.add(name, tables[name], states):
                break
            after = name
        done = Cursor(uuid4().hex, after)
        self._remembered = (done.tick, changes.fingerprints)
        return dg.SensorResult(asset_events=changes.events, skip_reason=changes.text, cursor=done.text)

    def _tables(self) -> Mapping[str, Table]:
        tables = self._graph.sources
        return {f"{resolver}/{name}": tables[resolver, name] for resolver, name in sorted(tables)}

    def _read(self, tables: Mapping[str, Table], after: str) -> Mapping[str, SourceStates]:
        """Return the states by table name, beginning with the table after `after`.

        Tables that were not started in time are left out. A read that has not ended in time continues in its
        thread, and its table is read again only after that.
        """
        ordered = sorted(tables, key=lambda name: (name <= after, name))[:MAX_TABLES]
        pool = ThreadPoolExecutor(_THREADS, SENSOR)
        target = self._graph.binding.target
        reads = {
            name: pool.submit(read_source_states, target, tables[name])
            for name in ordered
            if name not in self._late
        }
        wait(reads.values(), READ_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        reads |= self._late
        self._late = {name: read for name, read in reads.items() if not read.done()}
        states = dict.fromkeys(self._late, _TIMED_OUT)
        states |= {
            name: read.result()
            for name, read in reads.items()
            if name not in self._late and not read.cancelled()
        }
        return {name: states[name] for name in ordered if name in states}


class SourceChanges:
    """Collects the changes that one tick detects, as events and as a text for people.

    `fingerprints` has a hash of the states of each table that is reported completely.
    """

    def __init__(self, context: dg.SensorEvaluationContext, fingerprints: dict[str, str]) -> None:
        self.context = context
        self.fingerprints = fingerprints
        self.events: list[SourceEvent] = []
        self._now = datetime.now(UTC)
        self._read_count = 0
        self._changed: list[str] = []
        self._gone: list[str] = []
        self._unknown: list[str] = []

    def add(self, name: str, table: Table, states: SourceStates) -> bool:
        """Add the changes of a table; return whether all of its events fit into this tick."""
        self._read_count += 1
        if states.problem:
            self._unknown.append(f"{name}: {states.problem}")
            return True
        partitions = states_by_partition(table, states, self._now)
        for period, state in partitions.values():
            if not state.version:
                self._unknown.append(f"{_label(name, period)}: {state.unknown}")
        fingerprint = _fingerprint(partitions)
        if self.fingerprints.get(name) == fingerprint:
            return True
        events = list(self._new_events(name, table, partitions))
        room = MAX_EVENTS - len(self.events)
        self.events += events[:room]
        if len(events) > room:
            return False
        self.fingerprints[name] = fingerprint
        return True

    @property
    def text(self) -> str:
        """One sentence for the pages of Dagster: which tables changed, vanished or could not be read."""
        parts = [f"{self._read_count} tables asked"]
        if self._changed:
            parts.append(f"changed: {listed(self._changed, MAX_LISTED)}")
        if self._gone:
            parts.append(f"no longer there: {listed(self._gone, MAX_LISTED)}, what was made of it stays")
        if self._unknown:
            parts.append(f"not known: {listed(self._unknown, MAX_LISTED, '; ')}")
        return "; ".join(parts)

    def _new_events(self, name: str, table: Table, partitions: PartitionStates) -> Iterator[SourceEvent]:
        reported = {
            event_class: reported_versions(self.context.instance, event_class, table)
            for event_class in EVENT_TYPES
        }
        gone = {
            str(partition)
            for versions in reported.values()
            for partition in versions.keys() - partitions.keys()
        }
        self._gone += (f"{name} {partition}" for partition in sorted(gone))
        for partition, (period, state) in partitions.items():
            outdated = [
                each for each in EVENT_TYPES if state.version not in ("", reported[each].get(partition))
            ]
            if outdated:
                self._changed.append(_label(name, period))
            yield from (source_event(event_class, table, period, state) for event_class in outdated)


def _fingerprint(partitions: PartitionStates) -> str:
    lines = sorted(f"{partition}\0{state.version}" for partition, (_, state) in partitions.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _label(name: str, period: Period | None) -> str:
    return f"{name} {period}" if period else name
