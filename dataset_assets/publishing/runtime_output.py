"""Join the lookups of an output when somebody reads it, as they are then (`joins: runtime`, BR-009)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlglot import exp
from typing_extensions import override

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.compiler.lookup_joins import joined
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import join_lookup
from dataset_assets.compiler.typing import mismatches
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.project import Joins
from dataset_assets.contract.runtime_joins import stored_names
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import Resolver
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.prepared_run import as_of_instant
from dataset_assets.publishing.source_locator import SourceLocator
from dataset_assets.publishing.transfer import SourceTransfer
from dataset_assets.sql.build import alias, alias_table, column


def is_joined_at_runtime(record: Record) -> bool:
    """Return whether the publication with this record has to be joined with its lookups by who reads it."""
    return record.get(OUTPUT, {}).get("joins") == Joins.RUNTIME


def with_lookups(
    publication: Publication, catalog: Catalog, target: Target, session: Session, now: datetime
) -> Publication:
    """Return a publication whose relation and record have the columns of lookups as they are now.

    Of a lookup that is stored by Period, the snapshot of the publication's Period is read. Raises
    ResolveError if a lookup cannot be read, or has several rows for a key.
    """
    return _RuntimeOutput(publication, catalog, target, session, now).joined()


@dataclass(frozen=True, kw_only=True)
class LookupLocator(SourceLocator):
    """Locates lookups; the main table is the stored rows of the output."""

    stored: Relation

    @cached_property
    @override
    def resolvers(self) -> Mapping[str, Resolver]:
        resolver_of, dataset = self.target.resolver_of, self.scope.dataset
        return {each.name: resolver_of(dataset, each.table) for each in self.scope.lookups if not each.nested}

    @override
    def resolve_source(self, source: Source, session: Session) -> Relation:
        return super().resolve_source(source, session) if source.lookup else self.stored

    @override
    def faults_of_period(self) -> Iterator[Fault]:
        yield from ()


@dataclass(frozen=True)
class _RuntimeOutput:
    """One reading of one publication."""

    publication: Publication
    catalog: Catalog
    target: Target
    session: Session
    now: datetime

    @cached_property
    def scope(self) -> Scope:
        """The names of the published definition, with nested datasets as they are today."""
        return Scope(
            Dataset.model_validate(self.publication.record["definition"]),
            self.catalog.find,
            self.catalog.calendars,
        )

    @property
    def period(self) -> Period | None:
        """The Period of the publication; None if it is unpartitioned."""
        partitions, period = self.scope.dataset.partitions, self.publication.period
        if partitions is None or period is None:
            return None
        return self.catalog.calendars.cadence(partitions.period).parse(period)

    def joined(self) -> Publication:
        """Return the publication with its lookups."""
        inputs = self._inputs()
        raise_all(ResolveError, self._mismatches(inputs))
        unique = lookups_unique(inputs, self.session)
        if not unique.passed:
            raise ResolveError(Fault(unique.message))
        source = joined_rows(inputs, self.publication.relation.source).subquery()
        definitions = [each.definition for each in self.scope.outputs]
        columns = [{"name": c.name, "type": c.type.value, "nullable": c.nullable} for c in definitions]
        relation = replace(
            self.publication.relation, source=source, columns=self.session.describe(source), row_count=None
        )
        record = {**self.publication.record, "columns": columns}
        return replace(self.publication, record=record, relation=relation)

    def _mismatches(self, inputs: SelectionInput) -> Iterator[Fault]:
        for each in map(inputs.declared, self.scope.lookups):
            yield from mismatches(each, inputs.relations[each.name], inputs.wholly_read(each))

    def _inputs(self) -> SelectionInput:
        """Resolve the lookups; those that the target's engine cannot read are transferred (BR-004)."""
        as_of = as_of_instant(self.period, self.now)
        stored = self.publication.relation
        locator = LookupLocator(self.scope, self.target, as_of, self.period, stored=stored)
        job = JobContext(self.publication.dataset, self.publication.period)
        with locator.resolve(self.session, job) as sources:
            return sources.with_transferred(SourceTransfer(self.session, lambda _: None))


def joined_rows(inputs: SelectionInput, stored: exp.Expr) -> exp.Select:
    """Return stored rows with the published columns in their order, and the system columns."""
    scope, rows = inputs.scope, inputs.names.free("stored_rows")
    names = stored_names(scope)

    def side(reference: Reference) -> exp.Expr:
        if reference.source.lookup:
            return joined(inputs, reference, side)
        return column(names[reference.column.name.lower()], rows)

    shown = [
        alias(joined(inputs, each.reference, side), each.name)
        if each.reference and each.reference.source.lookup
        else column(each.name, rows)
        for each in scope.outputs
    ]
    system = (column(each.name, rows) for each in SYSTEM_COLUMNS)
    query = exp.select(*shown, *system).from_(alias_table(stored.copy(), rows))
    for lookup in scope.lookups:
        query = join_lookup(query, inputs, lookup, side)
    return query
