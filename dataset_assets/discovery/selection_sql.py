"""Render the selection query of a dataset as SQL text, without running it."""

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.run_preview import open_preview, preview_request, preview_run
from dataset_assets.publishing.source_locator import as_logical
from dataset_assets.selection.split_config import split_value
from dataset_assets.sql.build import assemble, column, number
from dataset_assets.sql.dialect import DIALECTS, Dialect
from dataset_assets.text.wording import nearest_first, shown


def selection_sql(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    dialect: str | None = None,
    split: str | None = None,
    *,
    with_metadata: bool = False,
) -> str:
    """Return the query with which a run selects its rows; `with_metadata` adds system columns.

    In the target's own dialect, tables are resolved as in a run. In any other dialect, the query uses the
    logical names of the tables and their declared schemas. Raises UnsupportedError for an unknown dialect or
    split, and ResolveError if a table cannot be resolved.
    """
    dataset = catalog.checked(entry)
    own = target.engine.dialect
    chosen = _dialect(dialect) if dialect else own
    chosen_split = split_value(dataset.split_config, split) if split else None
    scope, request = catalog.scope(entry), preview_request(entry, at)
    if chosen.name != own.name:
        prepared = preview_run(
            request,
            SelectionInput(scope, logical_relations(scope, at.period), request.looks_back_from, at.period),
        )
        return _render(prepared, chosen, chosen_split, with_metadata)
    with open_preview(catalog, target, entry, at, as_refresh=with_metadata) as preview:
        prepared = preview.prepare(preview.sources.with_transferred(as_logical))
        return _render(prepared, own, chosen_split, with_metadata)


def _render(prepared: PreparedRun, dialect: Dialect, split: int | None, with_metadata: bool) -> str:
    query = assemble(prepared.selection)
    if with_metadata:
        query = prepared.query(bucketed=dialect.sorts_in_one_place)
    if split is not None:
        query = query.where(exp.EQ(this=column("split"), expression=number(split)))
    return dialect.render(query)


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        hint = nearest_first(name, DIALECTS, f"known: {', '.join(DIALECTS)}")
        raise UnsupportedError(Fault(f"there is no dialect {shown(name)}", hint=hint))
    return DIALECTS[name]
