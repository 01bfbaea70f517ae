"""Measure tables and the sizes of drafts for the wizard: once for each choice, in the background, bounded.

On an engine that bills bytes nothing is read before a person has accepted the cost.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from dataset_assets.catalog.proposal import Proposal
from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.runs import Reports
from dataset_assets.discovery.suggestions.over_tables import suggest_over, suggestion_cost
from dataset_assets.discovery.suggestions.suggest import SuggestedTables
from dataset_assets.discovery.tables import TableList, list_tables
from dataset_assets.errors import NotFoundError
from dataset_assets.interfaces.web.operations import Operation, Say
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.model import Model
from dataset_assets.publishing.as_of_choice import choose_as_of
from dataset_assets.stats.statistics import PartSize, ValueRange

KEPT = 32
"""How many choices of tables are remembered with their statistics."""
LISTED_SECONDS = 30.0
"""For how long the list of tables is not read again."""
WAIT_SECONDS = 4.0
"""How long a page waits for what it shows, before it shows how far the work is."""
FAILED_FOR = timedelta(seconds=10)
"""For how long a failure is shown before the same work is tried again."""

Key = tuple[object, ...]


class NotMeasuredError(Exception):
    """The tables of a choice are not measured yet. It is no fault of a person's."""

    def __init__(self, key: Key, tables: Sequence[str], main: str) -> None:
        super().__init__("not measured")
        self.key, self.tables, self.main = key, tuple(tables), main


class MeasuredTables(Model):
    """The result of measuring tables. `cost` has the bytes that a person has to accept first."""

    tables: tuple[str, ...]
    cost: int | None = None


class DraftSizes(Model):
    """The sizes of a draft; `stopping` are sentences of checks that would stop a publication.

    `cost` has the bytes that a person has to accept first; there are no sizes then.
    """

    cost: int | None = None
    superseded: bool = False
    is_mapped: bool = False
    rows: int = 0
    users: int | None = None
    products: int | None = None
    splits: dict[str, PartSize] = {}
    date_range: ValueRange | None = None
    stopping: tuple[str, ...] = ()


class _CostNotAcceptedError(Exception):
    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass
class WizardMemory:
    """What was measured for the wizard, by the choice of tables; the oldest is forgotten first."""

    _suggested: OrderedDict[Key, SuggestedTables] = field(default_factory=OrderedDict)
    _operations: OrderedDict[Key, str] = field(default_factory=OrderedDict)
    _newest: OrderedDict[str, Key] = field(default_factory=OrderedDict)
    _listed: tuple[float, TableList] | None = None
    _lock: Lock = field(default_factory=Lock)

    def tables(self, server: ServerState) -> TableList:
        """Return the tables of the target, as they were LISTED_SECONDS ago at most."""
        with self._lock:
            kept = self._listed
        if kept and monotonic() - kept[0] < LISTED_SECONDS:
            return kept[1]
        found = list_tables(server.target)
        with self._lock:
            self._listed = monotonic(), found
        return found

    def suggested(self, server: ServerState, tables: Sequence[str], main: str) -> SuggestedTables:
        """Return the suggestions for tables. Raises NotMeasuredError if they are not measured yet."""
        key = (main, *tables, self._state(server, tables))
        with self._lock:
            found = self._suggested.get(key)
        if found is None:
            raise NotMeasuredError(key, tables, main)
        return found

    def measure(self, server: ServerState, wanted: NotMeasuredError, *, accepted: bool) -> Operation:
        """Begin to measure tables, unless that has begun, and wait a little for the end."""
        allowed = accepted or self._begun(server, ("tables", True, *wanted.key)) is not None

        def work(say: Say) -> MeasuredTables:
            target = server.target
            cost = None if allowed else suggestion_cost(target, wanted.tables)
            if cost is not None:
                return MeasuredTables(tables=wanted.tables, cost=cost)
            say(f"measuring {', '.join(wanted.tables)}")
            now = datetime.now(UTC)
            found = suggest_over(server.catalog, target, wanted.tables, now, main=wanted.main)
            self._keep(self._suggested, wanted.key, found)
            return MeasuredTables(tables=wanted.tables)

        key = ("tables", allowed, *wanted.key)
        begun = self._begun(server, key)
        if begun and begun.result and not begun.result.cost:  # its statistics were forgotten since
            begun = None
        begun = begun or self._start(server, key, "measure", wanted.main, work)
        return server.operations.wait(begun.id, WAIT_SECONDS)

    def sizes(
        self, server: ServerState, proposal: Proposal, text: str, page: str, *, accepted: bool
    ) -> Operation:
        """Begin to count the rows of a draft, unless that has begun, and wait a little for the end.

        `page` names the page that asks: drafts that it no longer shows are not counted.
        """
        dataset = proposal.catalog.checked(proposal.entry)
        names = [table.name for table in dataset.tables()]
        key = ("sizes", text, self._state(server, names))
        paid = (*key, "accepted")
        allowed = accepted or self._begun(server, paid) is not None
        key = paid if allowed else key
        self._keep(self._newest, page, key)

        def work(say: Say) -> DraftSizes:
            if self._newest.get(page, key) != key:
                with self._lock:
                    self._operations.pop(key, None)
                return DraftSizes(superseded=True)
            return _count(server, proposal, say, allowed=allowed)

        begun = self._begun(server, key) or self._start(server, key, "estimate", proposal.stem, work)
        return server.operations.wait(begun.id, WAIT_SECONDS)

    def _begun(self, server: ServerState, key: Key) -> Operation | None:
        """Return the operation of a key; None if there is none, or if it failed and is to be tried again."""
        with self._lock:
            id_ = self._operations.get(key)
        try:
            found = server.operations.get(id_) if id_ else None
        except NotFoundError:
            return None
        failed = found is not None and found.problem is not None and found.ended_at is not None
        if failed and datetime.now(UTC) - found.ended_at > FAILED_FOR:
            return None
        return found

    def _start(
        self, server: ServerState, key: Key, kind: str, subject: str, work: Callable[[Say], Model]
    ) -> Operation:
        begun = server.operations.start(kind, subject, work)
        self._keep(self._operations, key, begun.id)
        return begun

    def _keep(self, kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
        with self._lock:
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > KEPT:
                kept.popitem(last=False)

    def _state(self, server: ServerState, tables: Sequence[str]) -> Key:
        """Return rows and last change of tables: what was measured before they changed is not shown."""
        wanted = {name.rpartition("/")[2] for name in tables}
        listed = self.tables(server).tables
        return tuple(
            (each.name, each.row_count, each.last_modified) for each in listed if each.name in wanted
        )


def _count(server: ServerState, proposal: Proposal, say: Say, *, allowed: bool) -> DraftSizes:
    """Count the rows of a draft; where this is billed and not allowed, return the cost instead."""

    def ask(size: int) -> None:
        if not allowed:
            raise _CostNotAcceptedError(size)

    catalog, entry = proposal.catalog, proposal.entry
    at = choose_as_of(catalog, entry, None, None, datetime.now(UTC))
    try:
        found = analyze(catalog, server.target, entry, at, Reports(say, ask))
    except _CostNotAcceptedError as stopped:
        return DraftSizes(cost=stopped.size)
    return sizes_of(found, is_mapped=catalog.checked(entry).column_mapping is not None)


def sizes_of(found: Analysis, *, is_mapped: bool) -> DraftSizes:
    """Return the sizes that the wizard shows of an analysis."""
    return DraftSizes(
        is_mapped=is_mapped,
        rows=found.row_count_estimate,
        users=found.unique_users_estimate,
        products=found.unique_products_estimate,
        splits=dict(found.splits),
        date_range=found.date_range,
        stopping=tuple(each.message for each in found.checks if each.blocking and not each.passed),
    )
