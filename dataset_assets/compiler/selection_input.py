"""The compiler's input: a dataset in its scope, the relations of its sources, and the as-of instant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.periods.instants import AsOf, Moment, Window
from dataset_assets.periods.period import Period
from dataset_assets.ports.erasure import ErasedKeys
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.resolver import TimeRange
from dataset_assets.selection.sample import Sample
from dataset_assets.sql.internal_names import Names


def window_of(dataset: Dataset, as_of: AsOf, period: Period | None) -> Window | None:
    """Return the time window that a dataset selects: its `date_range`, else the Period of the publication.

    The result is None if there is neither: then every row of the main table is selected. With a time-based
    split a rolling window ends at the begin of the as-of day, because splits consist of whole days. The
    load of a bitemporal table is a whole snapshot, whatever the times of its rows are (BR-121).
    """
    date_range, config = dataset.filters.date_range, dataset.split_config
    if date_range:
        window = date_range.window(as_of)
        return window.until(as_of, date_range.eval_anchor(as_of)) if config and config.by_day else window
    if period and dataset.column_mapping and not dataset.main_table.bitemporal:
        return Window(Moment(period.start, period.start_date), Moment(period.end, period.end_date))
    return None


def time_range_of(dataset: Dataset, as_of: AsOf, period: Period | None) -> TimeRange | None:
    """Return the time range that is read of a table that is stored by Period; None for all rows."""
    window = window_of(dataset, as_of, period)
    if window:
        return TimeRange(window.start.instant, window.end.instant)
    return TimeRange(period.start, period.end) if period else None


@dataclass(frozen=True)
class SelectionInput:
    """The input of the compiler. `relations` has one for each source, by the source's name in the scope."""

    scope: Scope
    relations: Mapping[str, Relation]
    as_of: AsOf
    period: Period | None = None
    transferred: frozenset[str] = frozenset()
    """Names of the transferred sources; their relations hold only the needed columns."""
    erased: tuple[ErasedKeys, ...] = ()
    """Keys of erased rows, which are not selected (BR-209); their columns are columns of the sources."""
    sample: Sample | None = None
    """The sample that is selected instead of all rows (BR-138)."""

    @property
    def dataset(self) -> Dataset:
        """The dataset that is compiled."""
        return self.scope.dataset

    def sampled(self, sample: Sample) -> "SelectionInput":
        """Return inputs of which a sample is selected; for the one without rows the sources have none."""
        if not sample.is_empty:
            return replace(self, sample=sample)
        return replace(self, relations={name: each.empty() for name, each in self.relations.items()})

    @cached_property
    def window(self) -> Window | None:
        """The time window that is selected; None for all rows."""
        return window_of(self.dataset, self.as_of, self.period)

    @cached_property
    def concepts(self) -> Mapping[str, Reference]:
        """Map each concept of the column mapping to its column."""
        mapping = self.dataset.column_mapping
        return {name: self.reference(ref) for name, ref in mapping.concepts()} if mapping else {}

    @cached_property
    def names(self) -> Names:
        """Generator of internal names that differ from every name in the file and the sources."""
        return Names.beside(self._identifiers())

    def _identifiers(self) -> Iterator[str]:
        yield from (output.name for output in self.scope.outputs)
        yield from self.joined_columns.values()
        for source in self.scope.sources:
            relation = self.relations[source.name]
            yield from (source.name, source.table, source.nested.stem if source.nested else "")
            yield from (column.name for column in (*source.columns, *relation.columns))
            yield from (found.name for found in relation.source.find_all(exp.Identifier))

    @cached_property
    def joined_columns(self) -> Mapping[tuple[str, str], str]:
        """Map (lookup, column) to the column's name in the joined rows.

        That is `alias__column`, unless the main table or another lookup has a column of this name.
        """
        names = Names.beside(column.name for column in self.scope.main.columns)
        found = {}
        for lookup in self.scope.lookups:
            for column in self.needed(lookup):
                name = names.free(f"{lookup.name}__{column.name}")
                names = names.and_beside([name])
                found[lookup.name, column.name] = name
        return found

    @property
    def anchor(self) -> date:
        """The day from which a time-based split counts back (BR-106, BR-107)."""
        date_range = self.dataset.filters.date_range
        return date_range.eval_anchor(self.as_of) if date_range else self.as_of.day

    def moment(self, day: date) -> Moment:
        """Return the first instant of a day, in the zone of the as-of instant."""
        return Moment(self.as_of.midnight(day), day)

    def filter_columns(self) -> Iterator[Reference]:
        """Yield the columns that the window, the filters, the split and the sample read."""
        dataset = self.dataset
        names = set(dataset.filters.needs())
        names |= {"timestamp"} if self.window else set()
        names |= {"transaction_id"} if "user_id" in names else set()
        config = dataset.split_config
        if config and (config.by_day or dataset.filters.fitted_on_train):
            names |= config.needs
            yield from self.published(config.unit_columns)
        yield from (reference for name, reference in self.concepts.items() if name in names)
        yield from self.sample_key if self.sample else ()

    def published(self, names: Sequence[str]) -> tuple[Reference, ...]:
        """Return the columns that are published under these names, whatever their case."""
        found = {each.name.lower(): each.reference for each in self.scope.outputs}
        return tuple(_checked(found.get(name.lower()), name) for name in names)

    @cached_property
    def valid_times(self) -> Mapping[str, Reference]:
        """Map internal names to the columns with the begin and the end of a row's valid time (BR-121).

        It is empty unless the main table is bitemporal and names such columns.
        """
        columns = self.dataset.main_table.validity_columns
        names = zip(("_true_from", "_true_to"), columns, strict=False)
        return {self.names.free(name): self.reference(column) for name, column in names}

    @property
    def row_key(self) -> tuple[Reference, ...]:
        """The columns whose values identify a row of the main table."""
        return self.scope.row_key

    @property
    def sample_key(self) -> tuple[Reference, ...]:
        """The columns that a sample is drawn by: the user, so that users are whole, else the row's key."""
        user = self.concepts.get("user_id")
        return (user,) if user else self.row_key

    @property
    def samples_sources(self) -> bool:
        """Whether a sample can be cut out of the main table as it is read.

        A product filter that is fitted on rows ranks the products of all users, so it has to read all rows.
        """
        return self.sample is not None and not self.dataset.filters.product_filter.kept_in

    @property
    def samples_main(self) -> bool:
        """Whether the columns of the main table suffice to decide which of its rows are in the sample."""
        return self.samples_sources and all(each.source is self.scope.main for each in self.sample_key)

    def joins(self, lookup: Source) -> Iterator[tuple[Reference, Reference]]:
        """Yield the column that a lookup is joined on and the lookup's own one, for each condition."""
        definition = lookup.lookup
        for condition in definition.join_conditions if definition else ():
            yield self.reference(condition.source_column), self.own(lookup, condition.target_column)

    def row_time(self, lookup: Source) -> Reference | None:
        """Return the column with the time as of which a row reads the lookup; None without `as_of`."""
        definition = lookup.lookup
        named = self.dataset.row_time(definition) if definition and lookup.as_of else None
        return self.reference(named) if named else None

    def joined_on(self, lookup: Source) -> tuple[Reference, ...]:
        """Return the columns that a lookup is joined on, and with `as_of` the time of the row."""
        row_time = self.row_time(lookup)
        found = tuple(reference for reference, _ in self.joins(lookup))
        return (*found, row_time) if row_time else found

    def own(self, lookup: Source, name: str) -> Reference:
        """Return the column of a lookup with this name, which may be that of an interval."""
        found = lookup.column(name) or next((c for c in lookup.stored_columns if c.name == name), None)
        return _checked(Reference(lookup, found) if found else None, name)

    def wholly_read(self, source: Source) -> tuple[ColumnDef, ...]:
        """Return the columns of a source that are read in every row; none of a main table with a window.

        In columns that are read in some rows only, the audit checks the NULLs of the published rows.
        """
        filters, is_main = self.dataset.filters, source.lookup is None
        return () if is_main and (self.window or filters.needs()) else self.needed(source)

    def declared(self, source: Source) -> Source:
        """Return the source with the columns that its relation must have: the needed ones if transferred."""
        if source.name not in self.transferred:
            return source
        return replace(source, declared=tuple(each for each in self.needed(source) if each in source.columns))

    def needed(self, source: Source) -> tuple[ColumnDef, ...]:
        """Return the columns of a source that the query reads, in their declared order."""
        return tuple(column for column in source.stored_columns if (source.name, column.name) in self._needed)

    @cached_property
    def _needed(self) -> frozenset[tuple[str, str]]:
        return frozenset((ref.source.name, ref.column.name) for ref in self._read())

    def _read(self) -> Iterator[Reference]:
        yield from (output.reference for output in self.scope.outputs if output.reference)
        yield from self.concepts.values()
        yield from self.row_key
        yield from map(self.reference, self.dataset.main_table.validity_columns)
        yield from (self.reference(each.reference) for keys in self.erased for each in keys.columns)
        for lookup in self.scope.lookups:
            for sides in self.joins(lookup):
                yield from sides
            row_time, as_of = self.row_time(lookup), lookup.as_of
            if row_time and as_of:
                yield row_time
                yield from (self.own(lookup, name) for name in as_of.columns)

    def reference(self, ref: str) -> Reference:
        """Return the column that a name refers to; the rules of the catalog have checked that it exists."""
        return _checked(self.scope.find(ref), ref)


def _checked(found: Reference | None, ref: str) -> Reference:
    if found is None:
        raise LookupError(f"{ref!r} was not checked before it was compiled")
    return found
