"""Keep the inputs that all publications of one dataset share: its scope, version and sources."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.ports.resolver import Resolver
from dataset_assets.ports.target import Target
from dataset_assets.publishing.source_locator import source_key
from dataset_assets.staleness.lookback import DatasetLookbacks


@dataclass(frozen=True)
class DatasetInputs:
    """The inputs of a dataset that do not depend on the Period; each is computed once.

    Properties that need a Resolver raise ResolveError if the target has none of that name.
    """

    entry: Entry
    scope: Scope
    target: Target
    lookbacks: DatasetLookbacks

    @cached_property
    def dataset(self) -> Dataset:
        """The definition of the dataset."""
        return self.scope.dataset

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The main table, then the lookups."""
        return self.scope.sources

    @cached_property
    def version(self) -> Version:
        """The version of the dataset's structure today."""
        return self.entry.lock.version_of(self.dataset)

    @cached_property
    def sensitive_columns(self) -> tuple[ColumnDef, ...]:
        """The published columns whose values must not be shown."""
        columns = (output.definition for output in self.scope.outputs)
        return tuple(column for column in columns if column.sensitive)

    @cached_property
    def sources_by_key(self) -> Mapping[str, Source]:
        """The sources by their key in a record; two sources that are one table have one key."""
        return {source_key(each, self.dataset, self.target): each for each in self.sources}

    @cached_property
    def has_window(self) -> bool:
        """Whether the publication of a Period selects a time window."""
        dataset = self.dataset
        has_times = dataset.column_mapping and not dataset.main_table.bitemporal
        return bool(dataset.filters.date_range or has_times)

    @cached_property
    def filters_rows(self) -> bool:
        """Whether a filter leaves out rows of the window."""
        filters = self.dataset.filters
        return bool(filters.product_filter.needs or filters.customer_filter.needs)

    @cached_property
    def counts_window(self) -> bool:
        """Whether metadata counts the rows of the window alone: by Period, or without a window."""
        main = self.scope.main.table
        if self.resolver(main).cadence(main):
            return True
        return not (self.dataset.filters.date_range or self.dataset.partitions)

    @cached_property
    def stored_by_period(self) -> Mapping[str, tuple[Resolver, str]]:
        """The Resolver and the table of each source that is stored by Period, by the key in a record."""
        tables = {key: each.table for key, each in self.sources_by_key.items() if not each.nested}
        found = {key: (self.resolver(table), table) for key, table in tables.items()}
        return {key: (resolver, table) for key, (resolver, table) in found.items() if resolver.cadence(table)}

    @cached_property
    def _resolvers(self) -> dict[str, Resolver]:
        return {}

    def resolver(self, table: str) -> Resolver:
        """Return the Resolver of a table; each Period asks for it."""
        if table not in self._resolvers:
            self._resolvers[table] = self.target.resolver_of(self.dataset, table)
        return self._resolvers[table]
