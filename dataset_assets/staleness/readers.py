"""Which datasets read which tables and which nested datasets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dataset_assets.catalog.build_order import Schedule, nested_first, schedule_of
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.ports.target import Target

TableKey = tuple[str, str]
"""The name of a resolver, and the name of a table."""


@dataclass(frozen=True)
class Readers:
    """The readers of tables and datasets, by what they read.

    `order` has all datasets and those nested in them, nested ones first. `nested` are those that a dataset
    reads itself, `schedules` its Periods. `bitemporal` are those with one table for all Periods.
    """

    order: Sequence[str]
    schedules: Mapping[str, Schedule | None]
    nested: Mapping[str, Sequence[str]]
    of_dataset: Mapping[str, Sequence[str]]
    of_table: Mapping[TableKey, Sequence[str]]
    bitemporal: frozenset[str] = frozenset()


def readers_of(catalog: Catalog, target: Target, stems: Iterable[str]) -> Readers:
    """Return the readers among these datasets and those nested in them. All must be free of faults."""
    nested: dict[str, list[str]] = {}
    of_dataset: dict[str, list[str]] = {}
    of_table: dict[TableKey, list[str]] = {}
    schedules: dict[str, Schedule | None] = {}
    bitemporal: set[str] = set()
    pending = list(stems)
    while pending:
        stem = pending.pop()
        if stem in nested:
            continue
        entry = catalog.entry(stem)
        scope, schedules[stem] = catalog.scope(entry), schedule_of(catalog, entry)
        nested[stem] = list(dict.fromkeys(each.nested.stem for each in scope.sources if each.nested))
        pending += nested[stem]
        bitemporal |= {stem} if scope.dataset.main_table.bitemporal else set()
        for each in nested[stem]:
            of_dataset.setdefault(each, []).append(stem)
        for table in dict.fromkeys(each.table for each in scope.sources if not each.nested):
            key = target.resolver_of(scope.dataset, table).name, table
            of_table.setdefault(key, []).append(stem)
    order = nested_first(catalog, nested)
    return Readers(order, schedules, nested, of_dataset, of_table, frozenset(bitemporal))
