"""Find the source columns of a publication's columns and rows, by its definition (BR-145)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import OutputColumn, Reference, Scope


class Influence(StrEnum):
    """How a source column influences a publication, by the subtypes of OpenLineage."""

    IDENTITY = "IDENTITY"
    """The value is published."""
    TRANSFORMATION = "TRANSFORMATION"
    """A value is computed from it."""
    FILTER = "FILTER"
    """It decides which rows are published."""
    JOIN = "JOIN"
    """Rows are joined by it."""

    @property
    def is_direct(self) -> bool:
        """Whether a published value is computed from the column."""
        return self in (Influence.IDENTITY, Influence.TRANSFORMATION)


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source that has an influence. `source` is the table, or `datasets/<stem>`."""

    source: str
    column: str
    influence: Influence


@dataclass(frozen=True)
class Lineage:
    """The source columns of each published column, and those that influence all rows."""

    columns: Mapping[str, tuple[SourceColumn, ...]]
    rows: tuple[SourceColumn, ...]


def lineage_of(scope: Scope) -> Lineage:
    """Return the lineage of a dataset. System columns have none."""
    columns = {output.name: tuple(_sources_of(output, scope)) for output in scope.outputs}
    filters = _read(_concepts(scope.dataset, scope.dataset.filters.needs()), scope, Influence.FILTER)
    return Lineage(columns, tuple(dict.fromkeys([*filters, *_joined(scope)])))


def _sources_of(output: OutputColumn, scope: Scope) -> Iterator[SourceColumn]:
    if output.reference:
        yield _source(output.reference, Influence.IDENTITY)
    else:
        yield from (_source(each, Influence.TRANSFORMATION) for each in scope.split_sources)


def _concepts(dataset: Dataset, needed: Iterable[str]) -> Iterator[str]:
    """Yield the columns that are mapped to some concepts."""
    mapped = dict(dataset.column_mapping.concepts()) if dataset.column_mapping else {}
    yield from (mapped[concept] for concept in sorted(needed) if concept in mapped)


def _read(columns: Iterable[str], scope: Scope, influence: Influence) -> Iterator[SourceColumn]:
    yield from (_source(found, influence) for name in columns if (found := scope.find(name)))


def _joined(scope: Scope) -> Iterator[SourceColumn]:
    for source in scope.lookups:
        for each in source.lookup.join_conditions if source.lookup else ():
            left, right = scope.find(each.source_column), source.column(each.target_column)
            if left and right:
                yield _source(left, Influence.JOIN)
                yield _source(Reference(source, right), Influence.JOIN)


def _source(reference: Reference, influence: Influence) -> SourceColumn:
    return SourceColumn(reference.source.reads, reference.column.name, influence)
