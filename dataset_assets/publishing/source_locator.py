"""Where the rows of a Dataset's sources are: tables by Resolver, nested Datasets by their publication."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from dataset_assets.compiler.logical import logical_relation
from dataset_assets.compiler.selection_input import SelectionInput, time_range_of, window_of
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.typing import mismatches
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.periods.instants import AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import Resolver, TableRequest, TimeRange
from dataset_assets.ports.target import Target

Carry = Callable[[SelectionInput, Source, Session], Relation]
"""What becomes of a source that the target's engine cannot read, but another session can."""


@dataclass(frozen=True)
class SourceLocator:
    """Where a Dataset's sources are looked for, and when the selection looks back from."""

    scope: Scope
    target: Target
    as_of: AsOf
    period: Period | None = None

    @property
    def resolvers(self) -> Mapping[str, Resolver]:
        """The Resolver of each source that is a table, by the source's name."""
        sources = self.scope.sources
        return {
            each.name: self.target.resolver_of(self.scope.dataset, each.table)
            for each in sources
            if not each.nested
        }

    def relations(self, session: Session, job: JobContext, carry: Carry) -> Mapping[str, Relation]:
        """A relation for each source, by its name in the scope. Raises as `find` does.

        What the session cannot read itself is handed to `carry`.
        """
        with self.find(session, job) as found:
            return found.with_transferred(carry).relations

    @contextmanager
    def find(self, session: Session, job: JobContext) -> Generator["ResolvedSources"]:
        """Where each source is. Raises ResolveError with every fault at once.

        What the session cannot read itself is resolved by a session that can (BR-004).
        """
        resolvers = self.resolvers
        faults: list[Fault] = list(self.without_rows_for_a_period())
        found: dict[str, Relation] = {}
        with _readers(resolvers, self.target.engine.dialect.name, job) as readers:
            for source in self.scope.sources:
                try:
                    reader = readers.get(source.name, session)
                    found[source.name] = self.relation(source, reader)
                except DatasetAssetsError as error:
                    faults.extend(error.faults)
            raise_all(ResolveError, faults)
            here = ResolvedSources(SelectionInput(self.scope, found, self.as_of, self.period), readers)
            raise_all(ResolveError, here.mismatches())
            yield here

    def relation(self, source: Source, session: Session) -> Relation:
        """Where one source is, for a session that can read it. Raises ResolveError."""
        if source.nested:
            return self._publication(source.nested, source.name, session)
        return self.resolvers[source.name].resolve(self.request(source), session)

    def request(self, source: Source) -> TableRequest:
        """What the Resolver of a source which is a table is asked for."""
        return TableRequest(source.table, source.columns, self.time_range(source))

    def time_range(self, source: Source) -> TimeRange | None:
        """The time range that a source which is a table is asked for; None for all there is."""
        time_range = time_range_of(self.scope.dataset, self.as_of, self.period)
        if source.lookup and time_range:
            # A lookup that is stored by Period is a series of snapshots: the last one before as-of is read.
            return TimeRange(time_range.end - timedelta(microseconds=1), time_range.end)
        return time_range

    def same_period(self, nested: NamedDataset) -> str | None:
        """BR-122: the Period a nested Dataset is read of; None for the latest, where one has none."""
        return self.period.id if self.period and nested.dataset.partitions else None

    def _publication(self, nested: NamedDataset, name: str, session: Session) -> Relation:
        """Its version is that of its content: published anew with the same rows it is as it was."""
        same, warehouse = self.same_period(nested), self.target.warehouse
        found = (
            warehouse.current(nested.stem, same, session) if same else warehouse.latest(nested.stem, session)
        )
        if found is None:
            what = f"{nested.stem} of {same}" if same else nested.stem
            hint = f"materialize {nested.stem} first"
            raise ResolveError(Fault(f"nested dataset {what} is not published yet", name, hint))
        return replace(found.relation, version=found.record["digest"])

    def without_rows_for_a_period(self) -> Iterator[Fault]:
        """A dataset that is published by Period must say which rows belong to one."""
        period, table = self.period, self.scope.main.table
        if period is None or window_of(self.scope.dataset, self.as_of, period):
            return
        if self.target.resolver_of(self.scope.dataset, table).cadence(table):
            return
        message = f"nothing says which rows of {table} belong to {period.id}"
        hint = 'map a timestamp, or store the table by Period: `location: "…/{period}.parquet"` in the target'
        yield Fault(message, "dataset.partitions", hint)


@dataclass(frozen=True)
class ResolvedSources:
    """Sources where they are. `readers`: a session for each that the target's engine cannot read."""

    there: SelectionInput
    readers: Mapping[str, Session]

    def with_transferred(self, carry: Carry) -> SelectionInput:
        """What the target's engine is asked, once `carry` has seen to what it cannot read."""
        found = {each.name: carry(self.there, each, self.readers[each.name]) for each in self.apart}
        return replace(self.there, relations={**self.there.relations, **found}, moved=frozenset(found))

    @property
    def apart(self) -> tuple[Source, ...]:
        """The sources that the target's engine cannot read."""
        scope = self.there.scope
        return tuple(each for each in scope.sources if each.name in self.readers)

    @property
    def texts(self) -> tuple[str, ...]:
        """How these are read where they are, in nobody's dialect: what tells one question from another."""
        return tuple(source_query(self.there, each).sql() for each in self.apart)

    def mismatches(self) -> Iterator[Fault]:
        """In what these break their declared schema; of the others the compiler tells."""
        there = self.there
        return (
            fault
            for each in self.apart
            for fault in mismatches(each, there.relations[each.name], there.wholly_read(each))
        )


@contextmanager
def _readers(resolvers: Mapping[str, Resolver], own: str, job: JobContext) -> Generator[dict[str, Session]]:
    """A session for each source that an engine which writes the dialect `own` cannot read."""
    with ExitStack() as stack:
        opened: dict[str, Session] = {}
        readers: dict[str, Session] = {}
        for name, resolver in resolvers.items():
            if resolver.reads_with != own:
                if resolver.name not in opened:
                    opened[resolver.name] = stack.enter_context(resolver.engine().connect(job))
                readers[name] = opened[resolver.name]
        yield readers


def named_only(inputs: SelectionInput, source: Source, reader: Session) -> Relation:  # noqa: ARG001
    """For a text that nobody runs: the source under its bare logical name."""
    return replace(
        logical_relation(source, inputs.period),
        version=inputs.relations[source.name].version,
    )


def source_key(source: Source, dataset: Dataset, target: Target) -> str:
    """How a source is called in a materialization's record: `resolver/table` or `datasets/stem`."""
    if source.nested:
        return f"datasets/{source.nested.stem}"
    return f"{target.resolver_of(dataset, source.table).name}/{source.table}"
