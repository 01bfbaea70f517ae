"""Read sources in a query: columns cast to their declared types, rows of the window, joined lookups."""

from collections.abc import Callable, Iterator

from sqlglot import exp

from dataset_assets.compiler.lookup_joins import joined, point_in_time
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import SQL_TYPES, as_declared, is_as_declared, stored
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import alias, alias_table, boundary, column


def source_query(inputs: SelectionInput, source: Source) -> exp.Select:
    """Return a query of a source's needed columns, of the main table only the rows of window and sample."""
    query = read(inputs, source)
    if source.lookup:
        return query
    stamp = inputs.concepts.get("timestamp")
    if stamp and stamp.source is source:
        for condition in in_window(inputs):
            query = query.where(condition)
    if inputs.samples_main:
        query = query.where(in_sample(inputs, lambda reference: in_source(inputs, reference)))
    return query


def in_sample(inputs: SelectionInput, column_of: Callable[[Reference], exp.Expr]) -> exp.Expr | None:
    """Return whether a row is in the sample; None if every row is. `column_of` reads a column of the row."""
    if inputs.sample is None:
        return None
    key = row_text([(column_of(reference), reference.column.type) for reference in inputs.sample_key])
    return inputs.sample.contains(key)


def read(inputs: SelectionInput, source: Source) -> exp.Select:
    """Return a query of the needed columns of a source, cast to their declared types."""
    relation = inputs.relations[source.name]
    columns = (
        alias(as_declared(source, relation, definition, source.name), definition.name)
        for definition in inputs.needed(source)
    )
    return exp.select(*columns).from_(alias_table(relation.source, source.name))


def join_lookup(
    query: exp.Select, inputs: SelectionInput, lookup: Source, side: Callable[[Reference], exp.Expr]
) -> exp.Select:
    """LEFT JOIN a lookup: the join drops no row, and a check ensures that it adds none (BR-111)."""
    as_of = point_in_time(inputs, lookup)
    if as_of:
        return as_of.join(query, side)
    relation = inputs.relations[lookup.name]
    plain = all(is_as_declared(relation, definition) for definition in inputs.needed(lookup))
    source = relation.source if plain else read(inputs, lookup).subquery()
    conditions = (
        exp.EQ(this=side(reference), expression=column(target.column.name, lookup.name))
        for reference, target in inputs.joins(lookup)
    )
    return query.join(alias_table(source, lookup.name), on=exp.and_(*conditions), join_type="left")


def in_source(inputs: SelectionInput, reference: Reference) -> exp.Expr:
    """Return a column of a source in FROM, cast to its declared type."""
    source = reference.source
    if source.lookup:
        return joined(inputs, reference, lambda other: in_source(inputs, other))
    return as_declared(source, inputs.relations[source.name], reference.column, source.name)


def in_window(inputs: SelectionInput) -> Iterator[exp.Expr]:
    """Yield the conditions of the window and of the split's gap, on the timestamp as it is stored."""
    config = inputs.dataset.split_config
    gap = config.gap(inputs.anchor) if config else None
    if inputs.window is None and gap is None:
        return
    stamp, sql_type = _stored_timestamp(inputs)
    if inputs.window:
        yield exp.GTE(this=stamp, expression=boundary(inputs.window.start, sql_type))
        yield exp.LT(this=stamp.copy(), expression=boundary(inputs.window.end, sql_type))
    if gap:
        first, after = (boundary(inputs.moment(day), sql_type) for day in gap)
        before = exp.LT(this=stamp.copy(), expression=first)
        later = exp.GTE(this=stamp.copy(), expression=after)
        unbounded = [] if inputs.window else [stamp.copy().is_(exp.null())]
        yield exp.or_(before, later, *unbounded)


def _stored_timestamp(inputs: SelectionInput) -> tuple[exp.Expr, str]:
    """Return the stored timestamp, so that a store can skip files by its statistics, and its SQL type."""
    reference = inputs.concepts["timestamp"]
    if reference.source.lookup:
        return in_source(inputs, reference), SQL_TYPES[reference.column.type]
    return stored(inputs.relations[reference.source.name], reference.column, reference.source)
