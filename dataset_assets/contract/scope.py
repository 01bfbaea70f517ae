"""Resolve names in a Dataset to columns, and list the published columns (BR-110, BR-112, BR-113, BR-122)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import (
    ColumnDef,
    ColumnType,
    Dataset,
    LookupDef,
    TableTarget,
    published_name,
)
from dataset_assets.contract.point_in_time import Knowledge, PointInTime
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.periods.cadence import Calendars
from dataset_assets.selection.splits import FOLD_COLUMN, SPLIT_COLUMN


@dataclass(frozen=True)
class NamedDataset:
    """A Dataset with the stem of its file (BR-131), and a function that finds the Datasets it nests."""

    stem: str
    dataset: Dataset
    datasets: "Datasets"

    @cached_property
    def columns(self) -> tuple[ColumnDef, ...]:
        """The published columns without system columns, which a lookup into the Dataset can read (BR-122)."""
        return tuple(output.definition for output in Scope(self.dataset, self.datasets).outputs)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The index of each column by its name in lower case."""
        return first_indexes(column.name for column in self.columns)


Datasets = Callable[[UUID], NamedDataset | None]
"""Function that finds a Dataset by id; None if no file has the id or the file is broken."""

# Names of users' columns may not begin with `_`, so that these are not validated.
_INTERVALS = tuple(
    ColumnDef.model_construct(name=name, type=kind, nullable=nullable)
    for name, kind, nullable in (
        (VALID_FROM, ColumnType.TIMESTAMP, False),
        (VALID_TO, ColumnType.TIMESTAMP, True),
        (PERIOD_FROM, ColumnType.STRING, False),
        (PERIOD_TO, ColumnType.STRING, True),
    )
)
"""The columns of a bitemporal lookup with the two intervals of a row."""
DELETED_MARKER = ColumnDef.model_construct(name="_deleted", type=ColumnType.BOOLEAN, nullable=True)
"""The column of a bitemporal table that marks deleted rows, if the table has it."""


@dataclass(frozen=True)
class Source:
    """The main table or a lookup, with the name by which the file refers to its columns.

    A nested Dataset has no `declared` columns: it has those that it publishes, which take long to find.
    """

    name: str
    declared: tuple[ColumnDef, ...] | None
    lookup: LookupDef | None = None
    nested: NamedDataset | None = None
    table: str = ""
    """The logical name of the table, which a resolver resolves; empty for a nested Dataset."""

    @property
    def columns(self) -> tuple[ColumnDef, ...]:
        """The columns that can be read of the source."""
        if self.declared is None and self.nested:
            return self.nested.columns
        return self.declared or ()

    def column(self, name: str) -> ColumnDef | None:
        """Return the column with this name, whatever its case; None if there is none."""
        number = self.numbers.get(name.lower())
        return None if number is None else self.columns[number]

    @cached_property
    def stored_columns(self) -> tuple[ColumnDef, ...]:
        """The columns that the relation of the source has: with the intervals of a bitemporal one."""
        return (*self.columns, *_INTERVALS) if self.is_bitemporal else self.columns

    @property
    def is_bitemporal(self) -> bool:
        """Whether the source is a lookup into a bitemporal table or Dataset (BR-134)."""
        target = self.lookup.target if self.lookup else None
        if isinstance(target, TableTarget):
            return target.bitemporal
        return self.nested is not None and self.nested.dataset.main_table.bitemporal

    @cached_property
    def as_of(self) -> PointInTime | None:
        """How the lookup is joined as of the time of each row; None if it has one row for a key (BR-132).

        A bitemporal lookup is read as known in the Period of that time, unless the file says otherwise.
        """
        if self.lookup is None or not self.is_bitemporal:
            return self.lookup.as_of if self.lookup else None
        return (self.lookup.as_of or PointInTime(knowledge=Knowledge.AS_KNOWN)).on_valid_time()

    @property
    def is_as_known(self) -> bool:
        """Whether a row reads what was known in the Period of its time."""
        return self.as_of is not None and self.as_of.knowledge is Knowledge.AS_KNOWN

    @property
    def grain(self) -> str | None:
        """The name of the cadence whose Periods a bitemporal lookup is loaded by; None if no file says it."""
        if self.nested:
            partitions = self.nested.dataset.partitions
            return partitions.period if partitions else None
        return self.lookup.as_of.period if self.lookup and self.lookup.as_of else None

    @property
    def reads(self) -> str:
        """The name of the source for people: the logical name of a table, or `datasets/<stem>`."""
        return f"datasets/{self.nested.stem}" if self.nested else self.table

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The index of each column by its name in lower case; of equal names the index of the first."""
        return self.nested.numbers if self.nested else first_indexes(column.name for column in self.columns)


def first_indexes(names: Iterable[str]) -> dict[str, int]:
    """Return the index of each name in lower case; of names that differ by case only, that of the first."""
    indexes: dict[str, int] = {}
    for index, name in enumerate(names):
        indexes.setdefault(name.lower(), index)
    return indexes


@dataclass(frozen=True)
class Reference:
    """A column of one of the sources."""

    source: Source
    column: ColumnDef


@dataclass(frozen=True)
class OutputColumn:
    """A published column. `reference` is the column that it is read from; None for `split` and `fold`."""

    name: str
    reference: Reference | None
    definition: ColumnDef


SPLIT = ColumnDef(
    name=SPLIT_COLUMN, type=ColumnType.INTEGER, nullable=False, description="0 train, 1 eval, 2 test"
)
FOLD = ColumnDef(
    name=FOLD_COLUMN, type=ColumnType.INTEGER, nullable=False, description="The fold for cross-validation"
)


@dataclass(frozen=True)
class Scope:
    """The sources of a Dataset and the names in it. A lookup into a Dataset that is not found is left out."""

    dataset: Dataset
    datasets: Datasets
    calendars: Calendars = field(default_factory=Calendars)
    """The calendars of the Periods by which bitemporal lookups are loaded."""

    @cached_property
    def main(self) -> Source:
        """The main table (BR-001)."""
        table = self.dataset.main_table
        return Source(table.name, table.columns, table=table.name)

    @cached_property
    def lookups(self) -> tuple[Source, ...]:
        """The lookups in the order of the file, in which they are joined."""
        sources = (_lookup_source(lookup, self.datasets) for lookup in self.dataset.lookups)
        return tuple(source for source in sources if source)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The main table, then the lookups in the order of the file."""
        return (self.main, *self.lookups)

    def find(self, ref: str) -> Reference | None:
        """Return the column that `column` or `alias.column` refers to; None if there is none."""
        source_name, _, name = ref.rpartition(".")
        source = self._by_name.get(source_name.lower()) if source_name else self.main
        column = source.column(name) if source else None
        return Reference(source, column) if source and column else None

    @cached_property
    def _by_name(self) -> Mapping[str, Source]:
        """The lookups by name in lower case; of equal names the first."""
        indexes = first_indexes(source.name for source in self.lookups)
        return {name: self.lookups[index] for name, index in indexes.items()}

    @property
    def output_count(self) -> int:
        """The number of published columns without those of the split, computed without listing them."""
        mapping = self.dataset.column_mapping
        if mapping is None:
            return len(self.main_outputs) + sum(len(lookup.columns) for lookup in self.lookups)
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
            yield from self._output(published_name(ref), ref)
        yield from (OutputColumn(each.name, None, each) for each in self.split_columns)

    @property
    def split_columns(self) -> tuple[ColumnDef, ...]:
        """The columns that the split publishes."""
        config = self.dataset.split_config
        if config is None:
            return ()
        return (SPLIT, FOLD) if config.fold_count else (SPLIT,)

    def _every_ref(self) -> Iterator[str]:
        yield from self.main_outputs
        for lookup in self.lookups:
            yield from (f"{lookup.name}.{column.name}" for column in lookup.columns)

    @property
    def main_outputs(self) -> list[str]:
        """The columns of the main table that are published without a mapping.

        Those of its valid time are left out: `_valid_from` and `_valid_to` have their values.
        """
        times = {name.lower() for name in self.dataset.main_table.validity_columns}
        return [column.name for column in self.main.columns if column.name.lower() not in times]

    @cached_property
    def row_key(self) -> tuple[Reference, ...]:
        """The columns whose values identify a row of the main table, in the order in which they are hashed.

        They are the natural key; without one, the published columns of the main table; if all published
        columns are of lookups, every declared column of the main table. A change of these columns
        moves rows between train and eval, so it is a breaking change (contract/structural_diff.py).
        """
        if self.dataset.natural_key_columns:
            return tuple(filter(None, map(self.find, self.dataset.natural_key_columns)))
        outputs = (output.reference for output in self.outputs)
        found = tuple(reference for reference in outputs if reference and reference.source.lookup is None)
        return found or tuple(Reference(self.main, column) for column in self.main.columns)

    @property
    def split_sources(self) -> tuple[Reference, ...]:
        """The columns that the split is computed from; none if the rows are not split."""
        config = self.dataset.split_config
        if config is None:
            return ()
        names = {name.lower() for name in (("timestamp",) if config.by_day else config.unit_columns)}
        unit = (each.reference for each in self.outputs if each.reference and each.name.lower() in names)
        is_by_row = not names or config.null_is_row
        return tuple(dict.fromkeys((*unit, *(self.row_key if is_by_row else ()))))

    def _output(self, name: str, ref: str) -> Iterator[OutputColumn]:
        reference = self.find(ref)
        if reference:
            column = reference.column
            nullable = column.nullable or reference.source.lookup is not None
            if (name, nullable) != (column.name, column.nullable):
                column = column.model_copy(update={"name": name, "nullable": nullable})
            yield OutputColumn(name, reference, column)


def sensitive_names(scopes: Iterable[Scope], columns: Iterable[str]) -> frozenset[str]:
    """Return the published columns that any of these definitions marks as sensitive (BR-206).

    A user column that no definition has counts as sensitive too.
    """
    is_sensitive: dict[str, bool] = {}
    for scope in scopes:
        for output in scope.outputs:
            name = output.name.lower()
            is_sensitive[name] = output.definition.sensitive or is_sensitive.get(name, False)
    return frozenset(name for name in columns if is_sensitive.get(name.lower(), not name.startswith("_")))


def _lookup_source(lookup: LookupDef, datasets: Datasets) -> Source | None:
    if isinstance(lookup.target, TableTarget):
        table = lookup.target
        return Source(lookup.alias or table.name, table.columns, lookup, table=table.name)
    nested = datasets(lookup.target.id)
    if nested is None:
        return None
    return Source(lookup.alias or nested.stem, None, lookup, nested)
