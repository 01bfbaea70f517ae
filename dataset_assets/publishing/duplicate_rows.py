"""Count rows that are there twice, and rows that are in several parts of the split (BR-137).

Rows are read for it only if the answer does not follow from the definition: a row with a natural key is there
once, and rows that are equal in all columns that the split is computed from are in one part.
"""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from dataset_assets.contract.scope import Reference, Scope
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.selection.column_mapping import TRANSACTION
from dataset_assets.stats.statistics import Duplicates, Statistics
from dataset_assets.stats.tallies import CONTENTS, Tally, content_tally


def content_columns(columns: PublishedColumns) -> tuple[PublishedColumn, ...]:
    """Return the columns by which rows of different parts are compared, each source column once.

    Columns of the split are left out, and those of the natural key that only tell rows apart: that are no
    concept but that of the transaction.
    """
    only_keys = _only_keys(columns.scope)
    read = {each.name: each.reference for each in columns.outputs}
    return tuple(
        each
        for each in columns.digested
        if (reference := read[each.name]) and _name(reference) not in only_keys
    )


def duplicate_tallies(columns: PublishedColumns, rows: exp.Expr) -> Iterator[Tally]:
    """Yield the tally that counts equal rows, unless their number follows from the definition."""
    dataset, content = columns.scope.dataset, content_columns(columns)
    if dataset.main_table.bitemporal or not content:
        return
    if not dataset.natural_key_columns or (columns.split and not _is_in_one_part(columns, content)):
        yield content_tally(rows, content, columns.split)


def duplicates(columns: PublishedColumns, found: Statistics) -> Duplicates | None:
    """Return the number of duplicates; None for a bitemporal table, whose rows differ by their valid time."""
    dataset = columns.scope.dataset
    if dataset.main_table.bitemporal:
        return None
    counted = next(iter(found.tallies.get(CONTENTS, ())), None)
    rows = counted.rows if counted and not dataset.natural_key_columns else 0
    return Duplicates(rows=rows, across_splits=(counted.units if counted else 0) if columns.split else None)


def _only_keys(scope: Scope) -> frozenset[tuple[str, str]]:
    """Return the natural key columns that are no concept, or only that of the transaction."""
    mapping = scope.dataset.column_mapping
    refs = [ref for concept, ref in mapping.concepts() if concept != TRANSACTION] if mapping else []
    return _names(scope, scope.dataset.natural_key_columns) - _names(scope, refs)


def _is_in_one_part(columns: PublishedColumns, content: Iterable[PublishedColumn]) -> bool:
    """Return whether rows with equal content are in one part, because the split is computed from it."""
    read = {each.name: each.reference for each in columns.outputs}
    known = {_name(reference) for each in content if (reference := read[each.name])}
    computed_from = frozenset(map(_name, columns.scope.split_sources))
    return not columns.of_several_periods and computed_from <= known


def _names(scope: Scope, refs: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(_name(found) for found in map(scope.find, refs) if found)


def _name(reference: Reference) -> tuple[str, str]:
    return reference.source.name, reference.column.name
