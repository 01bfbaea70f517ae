"""Resolve the sources of a dataset: tables by their Resolver, nested datasets by their publication."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from dataset_assets.cached_property import cached_property
from dataset_assets.compiler.logical_relations import logical_relation
from dataset_assets.compiler.selection_input import SelectionInput, time_range_of, window_of
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.source_ranges import source_range
from dataset_assets.compiler.typing import find, mismatches
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import DELETED_MARKER, NamedDataset, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.periods.instants import AsOf
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.erasure import ErasedKeys
from dataset_assets.ports.relation import PhysicalType, Relation
from dataset_assets.ports.resolver import Resolver, TableRequest, TimeRange
from dataset_assets.ports.target import Target
from dataset_assets.publishing.erased_rows import erased_keys, erased_tables
from dataset_assets.publishing.nested_versions import nested_version
from dataset_assets.rows.visible_rows import unmarked_rows, visible_relation

TransferSource = Callable[[SelectionInput, Source, Session], Relation]
"""Receives the inputs, an external source and its session; returns a relation for the target's engine."""


@dataclass(frozen=True)
class SourceLocator:
    """Resolves the sources of one dataset in one target, for a Period and an as-of instant."""

    scope: Scope
    target: Target
    as_of: AsOf
    period: Period | None = None
    stem: str = ""
    """The name of the dataset's published table, whose erased rows are left out; empty if it has none."""
    dataset_id: str | None = None
    """The dataset's id, of its file or its lock: rows are left out that were erased under an earlier name."""

    @cached_property
    def resolvers(self) -> Mapping[str, Resolver]:
        """Map the name of each source that is a table to its Resolver."""
        sources = self.scope.sources
        return {
            each.name: self.target.resolver_of(self.scope.dataset, each.table)
            for each in sources
            if not each.nested
        }

    def relations(
        self, session: Session, job: JobContext, transfer: TransferSource
    ) -> Mapping[str, Relation]:
        """Return a relation for each source, by its name in the scope. Raises ResolveError as `resolve` does.

        `transfer` receives each source that the session cannot read.
        """
        with self.resolve(session, job) as sources:
            return sources.with_transferred(transfer).relations

    @contextmanager
    def resolve(self, session: Session, job: JobContext) -> Generator["ResolvedSources"]:
        """Resolve every source. Raises ResolveError with every fault at once.

        A source that `session` cannot read is resolved by a session that can, which remains open for the body
        of the `with` statement (BR-004).
        """
        resolvers = self.resolvers
        faults: list[Fault] = list(self.faults_of_period())
        relations: dict[str, Relation] = {}
        with _readers(resolvers, self.target.engine.dialect.name, job) as readers:
            for source in self.scope.sources:
                try:
                    reader = readers.get(source.name, session)
                    relations[source.name] = self.resolve_source(source, reader)
                except DatasetAssetsError as error:
                    faults.extend(error.faults)
            raise_all(ResolveError, faults)
            inputs = SelectionInput(
                self.scope, relations, self.as_of, self.period, erased=self._erased(session)
            )
            sources = ResolvedSources(inputs, readers)
            raise_all(ResolveError, sources.mismatches())
            yield sources

    def _erased(self, session: Session) -> tuple[ErasedKeys, ...]:
        if not self.stem:
            return ()
        tables = erased_tables(self.target.warehouse, self.stem, self.dataset_id, session)
        return erased_keys(self.target.warehouse, tables, self.scope, session)

    def resolve_source(self, source: Source, session: Session) -> Relation:
        """Return the relation of one source for a session that can read it. Raises ResolveError."""
        if source.nested:
            return self._publication(source, source.nested, session)
        resolver = self.resolvers[source.name]
        return self.table_rows(source, lambda request: resolver.resolve(request, session))

    def table_rows(self, source: Source, resolve: Callable[[TableRequest], Relation]) -> Relation:
        """Return the relation of a source that is a table, by a function that resolves requests for it.

        Of a bitemporal table with a boolean column `_deleted`, as published ones have, the deleted rows are
        left out, as they are of a nested dataset (BR-134).
        """
        request = self.table_request(source)
        if not source.is_bitemporal:
            return resolve(request)
        marker = find(resolve(replace(request, columns=())), DELETED_MARKER.name)
        if marker is None or marker.type is not PhysicalType.BOOLEAN:
            return resolve(request)
        relation = resolve(replace(request, columns=(*request.columns, DELETED_MARKER)))
        return replace(relation, source=unmarked_rows(relation.source), row_count=None, file=None)

    def table_request(self, source: Source) -> TableRequest:
        """Return the request for the Resolver of a source that is a table."""
        return TableRequest(source.table, source.stored_columns, self.time_range(source))

    def time_range(self, source: Source) -> TimeRange | None:
        """Return the time range that is read of a table or a history; None for all rows."""
        dataset = self.scope.dataset
        return source_range(dataset, source, time_range_of(dataset, self.as_of, self.period))

    def same_period(self, nested: NamedDataset) -> str | None:
        """Return the Period whose publication of a nested dataset is read (BR-122).

        The result is None for the latest one, and for a bitemporal table, which is one publication.
        """
        by_period = nested.dataset.partitions and not nested.dataset.main_table.bitemporal
        return self.period.id if self.period and by_period else None

    def _publication(self, source: Source, nested: NamedDataset, session: Session) -> Relation:
        """Return a nested dataset's publication with the version of what is read of it.

        Publishing the same rows again leaves this version unchanged. Raises ResolveError if there is none.
        """
        same, publisher = self.same_period(nested), self.target.publisher(nested.stem, session)
        warehouse = publisher.warehouse
        found = (
            warehouse.current(nested.stem, same, session) if same else warehouse.latest(nested.stem, session)
        )
        other = publisher.name if warehouse is not self.target.warehouse else ""
        if found is None:
            raise ResolveError(unpublished_fault(source, nested.stem, same, other))
        version = nested_version(found.record, source, self.time_range(source))
        return replace(visible_relation(found), version=version, read_from=other)

    def faults_of_period(self) -> Iterator[Fault]:
        """Yield a fault if neither a window nor the store says which rows belong to the Period."""
        period, table = self.period, self.scope.main.table
        if period is None or window_of(self.scope.dataset, self.as_of, period):
            return
        cadence = self.target.resolver_of(self.scope.dataset, table).cadence(table)
        if self.scope.dataset.main_table.bitemporal:
            yield from self._faults_of_snapshots(cadence)
            return
        if cadence:
            return
        message = f"nothing says which rows of {table} belong to {period.id}"
        hint = 'map a timestamp, or store the table by Period: `location: "…/{period}.parquet"` in the target'
        yield Fault(message, "dataset.partitions", hint)

    def _faults_of_snapshots(self, cadence: str | None) -> Iterator[Fault]:
        """Yield a fault unless the main table is stored as one whole snapshot for each Period (BR-121)."""
        partitions, table = self.scope.dataset.partitions, self.scope.main.table
        if partitions is None or cadence == partitions.period:
            return
        stored = f"is stored by `{cadence}`" if cadence else "is not stored by Period"
        message = f"{table} {stored}, so nothing is the snapshot of a {partitions.period}"
        hint = 'store a snapshot for each Period: `location: "…/{period}.parquet"` in the target'
        yield Fault(message, "dataset.main_table.bitemporal", hint)


@dataclass(frozen=True)
class ResolvedSources:
    """The relations of all sources in their own stores.

    `readers` holds a session for each external source, by its name: one that the target's engine cannot read.
    """

    inputs: SelectionInput
    readers: Mapping[str, Session]

    def with_transferred(self, transfer: TransferSource) -> SelectionInput:
        """Return inputs that the target's engine can read; `transfer` replaces each external source."""
        found = {each.name: transfer(self.inputs, each, self.readers[each.name]) for each in self.external}
        relations = {**self.inputs.relations, **found}
        return replace(self.inputs, relations=relations, transferred=frozenset(found))

    @property
    def external(self) -> tuple[Source, ...]:
        """The sources that the target's engine cannot read."""
        scope = self.inputs.scope
        return tuple(each for each in scope.sources if each.name in self.readers)

    @property
    def external_queries(self) -> tuple[str, ...]:
        """The generic SQL that reads each external source in its store; part of the selection's digest."""
        return tuple(source_query(self.inputs, each).sql() for each in self.external)

    def mismatches(self) -> Iterator[Fault]:
        """Yield a fault for each schema violation of an external source; the compiler checks the others."""
        inputs = self.inputs
        return (
            fault
            for each in self.external
            for fault in mismatches(each, inputs.relations[each.name], inputs.wholly_read(each))
        )


@contextmanager
def _readers(resolvers: Mapping[str, Resolver], own: str, job: JobContext) -> Generator[dict[str, Session]]:
    """Open a session for each source that engines of the dialect `own` cannot read, by the source's name."""
    with ExitStack() as stack:
        opened: dict[str, Session] = {}
        readers: dict[str, Session] = {}
        for name, resolver in resolvers.items():
            if resolver.reads_with != own:
                if resolver.name not in opened:
                    opened[resolver.name] = stack.enter_context(resolver.engine().connect(job))
                readers[name] = opened[resolver.name]
        yield readers


def as_logical(inputs: SelectionInput, source: Source, reader: Session) -> Relation:  # noqa: ARG001
    """Return a source under its logical name, for SQL that is compiled and compared, never run."""
    return replace(
        logical_relation(source, inputs.period),
        version=inputs.relations[source.name].version,
    )


def unpublished_fault(source: Source, stem: str, period: str | None, other: str = "") -> Fault:
    """Return the fault of a nested dataset without the publication that is read, here or in `other`."""
    what = f"{stem} of {period}" if period else stem
    if other:
        hint = f"materialize it there, or materialize {stem} here: then all of it is read here"
        return Fault(f"nested dataset {what} is not published in {other!r}", source.name, hint)
    return Fault(f"nested dataset {what} is not published yet", source.name, f"materialize {stem} first")


def source_key(source: Source, dataset: Dataset, target: Target) -> str:
    """Return the key of a source in a publication's record: `resolver/table` or `datasets/stem`."""
    if source.nested:
        return f"datasets/{source.nested.stem}"
    return f"{target.resolver_of(dataset, source.table).name}/{source.table}"
