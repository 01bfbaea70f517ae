"""Create the view of an output whose lookups are joined when it is read, where there are views (BR-009).

The view has the rows of all Periods that are not deleted, with the columns of lookups as they are now.
"""

from dataclasses import dataclass, replace

from sqlglot import exp
from typing_extensions import override

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.project import Joins, view_name
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.target import Target
from dataset_assets.publishing.output_sources import OutputSources
from dataset_assets.publishing.prepared_run import as_of_instant
from dataset_assets.publishing.runtime_output import LookupLocator, joined_rows
from dataset_assets.rows.visible_rows import visible_rows
from dataset_assets.sql.build import column

_PERIOD = "_period"


def create_view(target: Target, sources: OutputSources, session: Session) -> str:
    """Create the view of an output, or replace one of another query; return a remark, empty without one.

    Nothing is done for an output that stores the values of lookups, or in a warehouse without views.
    """
    output, warehouse = sources.request.output, target.warehouse
    if output.step.joins is not Joins.RUNTIME or not warehouse.has_views:
        return ""
    if reason := _obstacle(target, sources.columns.scope):
        return f"there is no view of {output.stem}: {reason}"
    warehouse.create_view(view_name(output.stem), _query(target, sources, session), session)
    return ""


def _obstacle(target: Target, scope: Scope) -> str:
    """Return why a view cannot read the lookups as a reader would; empty if it can."""
    for lookup in scope.lookups:
        if lookup.nested:
            if lookup.nested.dataset.partitions and not scope.dataset.partitions:
                return f"the lookup {lookup.name} is that of the latest Period"
            continue
        resolver = target.resolver_of(scope.dataset, lookup.table)
        if resolver.reads_with != target.engine.dialect.name:
            return f"the warehouse cannot read the lookup {lookup.name}"
        if resolver.cadence(lookup.table):
            return f"the lookup {lookup.name} is stored by Period"
    return ""


@dataclass(frozen=True, kw_only=True)
class _WholeTables(LookupLocator):
    """Locates lookups; nested datasets with the rows of all Periods."""

    @override
    def resolve_source(self, source: Source, session: Session) -> Relation:
        relation = super().resolve_source(source, session)
        if source.nested is None:
            return relation
        publisher = self.target.publisher(source.nested.stem, session)
        return replace(relation, source=visible_rows(publisher.warehouse.whole_table(source.nested.stem)))


def _query(target: Target, sources: OutputSources, session: Session) -> exp.Query:
    request, scope = sources.request, sources.columns.scope
    rows = visible_rows(target.warehouse.whole_table(request.output.stem))
    stored = Relation(rows, session.describe(rows), version="")
    as_of = as_of_instant(request.period, request.now)
    locator = _WholeTables(scope, target, as_of, request.period, stored=stored)
    with locator.resolve(session, JobContext(request.output.stem, request.period_id)) as found:
        return _same_period(joined_rows(found.inputs, rows), found.inputs)


def _same_period(query: exp.Select, inputs: SelectionInput) -> exp.Select:
    """Join nested datasets that are published by Period with the rows of the same Period (BR-122)."""
    rows = query.args["from_"].this.alias
    for lookup, join in zip(inputs.scope.lookups, query.args.get("joins") or (), strict=True):
        if lookup.nested and lookup.nested.dataset.partitions:
            same = exp.EQ(this=column(_PERIOD, lookup.name), expression=column(_PERIOD, rows))
            join.set("on", exp.and_(join.args["on"], same))
    return query
