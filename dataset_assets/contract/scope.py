"""What the names in a Dataset refer to, and which columns it publishes (BR-110, BR-112, BR-113, BR-122)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from dataset_assets.contract.model import ColumnDef, ColumnType, Dataset, LookupDef, TableTarget


@dataclass(frozen=True)
class Named:
    """A Dataset with the stem of its file, its name for machines (BR-131), among others."""

    stem: str
    dataset: Dataset
    datasets: "Datasets"

    @cached_property
    def columns(self) -> tuple[ColumnDef, ...]:
        """What it publishes, and a lookup into it can read: no system columns (BR-122)."""
        return tuple(output.definition for output in Scope(self.dataset, self.datasets).outputs)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The place of each of the columns, by its name in small letters."""
        return first_places(column.name for column in self.columns)


Datasets = Callable[[UUID], Named | None]
"""Finds a Dataset by id; None for one that is not there, or whose file is broken."""


@dataclass(frozen=True)
class Source:
    """The main table or a lookup, under the name by which the file refers to its columns."""

    name: str
    columns: tuple[ColumnDef, ...]
    lookup: LookupDef | None = None
    nested: Named | None = None
    table: str = ""
    """The table's logical name, by which a Resolver knows it; empty for a nested Dataset."""

    def column(self, name: str) -> ColumnDef | None:
        """The column of that name, whatever its case."""
        number = self.numbers.get(name.lower())
        return None if number is None else self.columns[number]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The place of each column, by its name in small letters; of two alike that of the first."""
        return self.nested.numbers if self.nested else first_places(column.name for column in self.columns)


def first_places(names: Iterable[str]) -> dict[str, int]:
    """The place of each name, in small letters; of names that differ by case alone that of the first."""
    places: dict[str, int] = {}
    for number, name in enumerate(names):
        places.setdefault(name.lower(), number)
    return places


@dataclass(frozen=True)
class Reference:
    """A column somewhere in the sources."""

    source: Source
    column: ColumnDef


@dataclass(frozen=True)
class OutputColumn:
    """A column that the Dataset publishes. `reference` is None for `split`."""

    name: str
    reference: Reference | None
    definition: ColumnDef


SPLIT = ColumnDef(
    name="split", type=ColumnType.INTEGER, nullable=False, description="0 train, 1 eval, 2 test"
)


@dataclass(frozen=True)
class Scope:
    """A Dataset among others, as far as names go. A lookup that refers to nothing is left out."""

    dataset: Dataset
    datasets: Datasets

    @cached_property
    def main(self) -> Source:
        """The main table (BR-001)."""
        table = self.dataset.main_table
        return Source(table.name, table.columns, table=table.name)

    @cached_property
    def lookups(self) -> tuple[Source, ...]:
        """The lookups in the order of the file, the order in which they are joined."""
        found = (_lookup_source(lookup, self.datasets) for lookup in self.dataset.lookups)
        return tuple(source for source in found if source)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The main table, then the lookups in the order of the file."""
        return (self.main, *self.lookups)

    def find(self, ref: str) -> Reference | None:
        """The column that `column` (main table) or `alias.column` (lookup) refers to."""
        source_name, _, name = ref.rpartition(".")
        source = self._by_name.get(source_name.lower()) if source_name else self.main
        column = source.column(name) if source else None
        return Reference(source, column) if source and column else None

    @cached_property
    def _by_name(self) -> Mapping[str, Source]:
        """The lookups by name, in small letters; of two alike the first."""
        places = first_places(source.name for source in self.lookups)
        return {name: self.lookups[number] for name, number in places.items()}

    @property
    def output_count(self) -> int:
        """How many columns would be published, counted without making them: `split` is not among them."""
        mapping = self.dataset.column_mapping
        if mapping is None:
            return len(self.main.columns) + sum(len(lookup.columns) for lookup in self.lookups)
        return sum(
            map(len, (list(mapping.concepts()), self.dataset.natural_key_columns, self.dataset.extra_columns))
        )

    @cached_property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """The published columns, in order (BR-113)."""
        by_name: dict[str, OutputColumn] = {}
        for column in self._outputs():
            by_name.setdefault(column.name.lower(), column)
        return tuple(by_name.values())

    def _outputs(self) -> Iterator[OutputColumn]:
        mapping = self.dataset.column_mapping
        concepts = mapping.concepts() if mapping else ()
        for concept, ref in concepts:
            yield from self._output(concept, ref)
        keys = self.dataset.natural_key_columns if mapping else ()
        for name in keys:
            yield from self._output(name, name)
        for ref in self.dataset.extra_columns if mapping else self._every_ref():
            yield from self._output(ref.replace(".", "__"), ref)
        if self.dataset.split_config:
            yield OutputColumn("split", None, SPLIT)

    def _every_ref(self) -> Iterator[str]:
        yield from (column.name for column in self.main.columns)
        for lookup in self.lookups:
            yield from (f"{lookup.name}.{column.name}" for column in lookup.columns)

    def _output(self, name: str, ref: str) -> Iterator[OutputColumn]:
        reference = self.find(ref)
        if reference:
            column = reference.column
            nullable = column.nullable or reference.source.lookup is not None
            if (name, nullable) != (column.name, column.nullable):
                column = column.model_copy(update={"name": name, "nullable": nullable})
            yield OutputColumn(name, reference, column)


def _lookup_source(lookup: LookupDef, datasets: Datasets) -> Source | None:
    if isinstance(lookup.target, TableTarget):
        table = lookup.target
        return Source(lookup.alias or table.name, table.columns, lookup, table=table.name)
    nested = datasets(lookup.target.id)
    if nested is None:
        return None
    return Source(lookup.alias or nested.stem, nested.columns, lookup, nested)
