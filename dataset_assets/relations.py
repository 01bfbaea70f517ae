"""Where the rows of a Dataset's sources are: tables by Resolver, nested Datasets by their publication."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Named, Scope, Source
from dataset_assets.errors import DataError, DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.periods.period import Period
from dataset_assets.ports import Errand, Extent, Relation, Resolver, Session
from dataset_assets.selection.date_range import AsOf
from dataset_assets.sql.compile import source_query
from dataset_assets.sql.logical import logical_relation
from dataset_assets.sql.misfits import misfits
from dataset_assets.sql.question import Question, extent_of, window_of
from dataset_assets.sql.typing import mismatches
from dataset_assets.target import Target

Carry = Callable[[Question, Source, Session], Relation]
"""What becomes of a source that the target's engine cannot read, but another session can."""


@dataclass(frozen=True)
class Places:
    """Where a Dataset's sources are looked for, and when the selection looks back from."""

    scope: Scope
    target: Target
    as_of: AsOf
    period: Period | None = None

    @property
    def resolvers(self) -> Mapping[str, Resolver]:
        """The Resolver of each source that is a table, by the source's name."""
        sources = (self.scope.main, *self.scope.lookups)
        return {
            each.name: self.target.resolver_of(self.scope.dataset, each.table)
            for each in sources
            if not each.nested
        }

    def relations(self, session: Session, errand: Errand, carry: Carry) -> dict[str, Relation]:
        """A relation for each source, by its name in the scope. Raises ResolveError with every fault at once.

        What the session cannot read itself is resolved by a session that can, and handed to `carry` (BR-004).
        """
        resolvers = self.resolvers
        faults: list[Fault] = list(self._without_rows_for_a_period(resolvers[self.scope.main.name]))
        found: dict[str, Relation] = {}
        with _readers(resolvers, self.target.engine.dialect.name, errand) as readers:
            for source in (self.scope.main, *self.scope.lookups):
                try:
                    reader = readers.get(source.name, session)
                    found[source.name] = self._relation(source, resolvers, reader)
                except DatasetAssetsError as error:
                    faults.extend(error.faults)
            raise_all(ResolveError, faults)
            question = Question(self.scope, found, self.as_of, self.period)
            foreign = [each for each in (self.scope.main, *self.scope.lookups) if each.name in readers]
            broken = (fault for each in foreign for fault in mismatches(each, found[each.name]))
            raise_all(ResolveError, broken)
            carried = {each.name: carry(question, each, readers[each.name]) for each in foreign}
        return found | carried

    def _relation(self, source: Source, resolvers: Mapping[str, Resolver], session: Session) -> Relation:
        if source.nested:
            return self._publication(source.nested, source.name, session)
        extent = extent_of(self.scope.dataset, self.as_of, self.period)
        if source.lookup and extent:
            # A lookup that is stored by Period is a series of snapshots: the last one before as-of is read.
            extent = Extent(extent.end - timedelta(microseconds=1), extent.end)
        return resolvers[source.name].resolve(source.table, extent, session)

    def _publication(self, nested: Named, name: str, session: Session) -> Relation:
        """Decision 22: of the same Period; the latest where one of both is not published by Period."""
        same = self.period.id if self.period and nested.dataset.partitions else None
        warehouse = self.target.warehouse
        found = (
            warehouse.current(nested.stem, same, session) if same else warehouse.latest(nested.stem, session)
        )
        if found is None:
            what = f"{nested.stem} of {same}" if same else nested.stem
            mend = f"materialize {nested.stem} first"
            raise ResolveError(Fault(f"nested dataset {what} is not published yet", name, mend))
        return found.relation

    def _without_rows_for_a_period(self, resolver: Resolver) -> Iterator[Fault]:
        """A dataset that is published by Period must say which rows belong to one."""
        period, table = self.period, self.scope.main.table
        if period is None or window_of(self.scope.dataset, self.as_of, period) or resolver.cadence(table):
            return
        message = f"nothing says which rows of {table} belong to {period.id}"
        mend = 'map a timestamp, or store the table by Period: `location: "…/{period}.parquet"` in the target'
        yield Fault(message, "dataset.partitions", mend)


@contextmanager
def _readers(resolvers: Mapping[str, Resolver], own: str, errand: Errand) -> Iterator[dict[str, Session]]:
    """A session for each source that an engine which writes the dialect `own` cannot read."""
    with ExitStack() as stack:
        opened: dict[str, Session] = {}
        readers: dict[str, Session] = {}
        for name, resolver in resolvers.items():
            if resolver.reads_with != own:
                if resolver.name not in opened:
                    opened[resolver.name] = stack.enter_context(resolver.engine().connect(errand))
                readers[name] = opened[resolver.name]
        yield readers


def move_to(session: Session, tell: Callable[[str], None]) -> Carry:
    """Moves the needed columns of a source, of the main table only the rows of the window, to `session`."""

    def carry(question: Question, source: Source, reader: Session) -> Relation:
        tell(f"moving {source.name} to where the query runs")
        try:
            batches = reader.batches(source_query(question, source))
            place = session.receive(source.name, question.needed(source), batches)
        except DataError:
            raise_all(ResolveError, misfits(question, reader, [source]))
            raise
        return Relation(place, session.describe(place), question.relations[source.name].version)

    return carry


def named_only(question: Question, source: Source, reader: Session) -> Relation:  # noqa: ARG001
    """For a text that nobody runs: the source under its bare logical name."""
    return logical_relation(source, question.period)


def source_key(source: Source, dataset: Dataset, target: Target) -> str:
    """How a source is called in a materialization's record: `resolver/table` or `datasets/stem`."""
    if source.nested:
        return f"datasets/{source.nested.stem}"
    return f"{target.resolver_of(dataset, source.table).name}/{source.table}"
