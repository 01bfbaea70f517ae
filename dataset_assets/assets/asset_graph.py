"""Describe the asset graph as plain data: all datasets and source tables, with the faults of invalid ones."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from dataset_assets.assets.asset_keys import table_key
from dataset_assets.assets.partitions import Partitioning, first_needed
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import ColumnDef, Dataset, Status
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.cadence import Cadence
from dataset_assets.ports.target import Target


@dataclass(frozen=True)
class InvalidDataset:
    """A dataset that cannot be used: its asset fails with the faults (BR-203)."""

    entry: Entry
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class ValidDataset:
    """A dataset without faults, as far as they can be detected before a run."""

    entry: Entry
    dataset: Dataset
    target: Target
    partitioning: Partitioning | None

    def table(self, name: str) -> tuple[str, str]:
        """Return the names of the resolver and of a table that the dataset reads."""
        return self.target.resolver_of(self.dataset, name).name, name

    def tables(self) -> Iterator[tuple[str, str]]:
        """Yield the names of the resolver and of the table for each physical table that the dataset reads."""
        return (self.table(table.name) for table in self.dataset.tables())


@dataclass(frozen=True)
class Table:
    """A physical table with the columns that datasets declare, and its Periods from the first needed one on.

    `produced_by` is the key of the asset that writes the table, if it belongs to the same code location.
    """

    resolver: str
    name: str
    columns: tuple[ColumnDef, ...]
    partitioning: Partitioning | None
    produced_by: dg.AssetKey | None = None

    @property
    def key(self) -> dg.AssetKey:
        """Key of the table's asset."""
        return self.produced_by or table_key(self.resolver, self.name)


@dataclass(frozen=True)
class Graph:
    """All datasets and tables of a catalog. The instant `now` decides only which Periods are complete.

    `pages` is the address of the pages that assets link to; empty if there are none.
    """

    catalog: Catalog
    binding: TargetBinding
    now: datetime
    pages: str = ""

    @cached_property
    def datasets(self) -> Mapping[str, ValidDataset | InvalidDataset]:
        """The datasets by stem.

        Archived ones are left out (BR-101), unless another dataset or an output reads them.
        """
        shown = set[str]()
        pending = [output.dataset for output in self.catalog.outputs.values()]
        pending += [stem for stem, entry in self.catalog.entries.items() if not _is_archived(entry)]
        while pending:
            stem = pending.pop()
            if stem not in shown:
                shown.add(stem)
                pending += self._nested(self.catalog.entries[stem])
        return {stem: self._dataset(entry) for stem, entry in self.catalog.entries.items() if stem in shown}

    @cached_property
    def tables(self) -> Mapping[tuple[str, str], Table]:
        """The physical tables by (resolver, table), each once however many datasets read it."""
        readers: dict[tuple[str, str], list[ValidDataset]] = {}
        for dataset in self.datasets.values():
            if isinstance(dataset, ValidDataset):
                for key in dict.fromkeys(dataset.tables()):
                    readers.setdefault(key, []).append(dataset)
        return {key: self._table(*key, datasets) for key, datasets in readers.items()}

    @cached_property
    def sources(self) -> Mapping[tuple[str, str], Table]:
        """The tables that no asset of the code location writes."""
        return {key: table for key, table in self.tables.items() if table.produced_by is None}

    def partitioning(self, stem: str) -> Partitioning | None:
        """Return the partitioning of a dataset; None if it is unpartitioned or invalid."""
        return getattr(self.datasets.get(stem), "partitioning", None)

    def _nested(self, entry: Entry) -> list[str]:
        nested_ids = entry.dataset.nested_ids() if entry.dataset else ()
        datasets = (self.catalog.find(id_) for id_ in nested_ids)
        return [nested.stem for nested in datasets if nested]

    def _dataset(self, entry: Entry) -> ValidDataset | InvalidDataset:
        target = self.binding.target
        if entry.faults or target is None:
            return InvalidDataset(entry, entry.faults or self.binding.faults)
        try:
            dataset = self.catalog.checked(entry)
            valid = ValidDataset(entry, dataset, target, self._partitioning(entry))
            for resolver, table in valid.tables():
                self._cadence(target, resolver, table)
        except DatasetAssetsError as error:
            return InvalidDataset(entry, error.faults)
        return valid

    def _partitioning(self, entry: Entry) -> Partitioning | None:
        schedule = schedule_of(self.catalog, entry)
        return Partitioning(schedule.cadence, schedule.first, self.now, schedule.last) if schedule else None

    def _table(self, resolver: str, name: str, readers: list[ValidDataset]) -> Table:
        cadence = self._cadence(readers[0].target, resolver, name)
        since = [first for reader in readers if (first := first_needed(reader.dataset, reader.partitioning))]
        partitioning = None
        if cadence and since:
            partitioning = Partitioning(cadence, cadence.containing(min(since)), self.now)
        produced_by = self.binding.upstream_assets.get(name)
        return Table(resolver, name, tuple(_declared(readers, name)), partitioning, produced_by)

    def _cadence(self, target: Target, resolver: str, table: str) -> Cadence | None:
        name = target.resolver(resolver).cadence(table)
        return self.catalog.calendars.cadence(name) if name else None


def _is_archived(entry: Entry) -> bool:
    return entry.ok and entry.dataset is not None and entry.dataset.status is Status.ARCHIVED


def _declared(readers: Iterable[ValidDataset], name: str) -> Iterable[ColumnDef]:
    """Return all columns that datasets declare of a table, each as the first dataset declares it."""
    columns: dict[str, ColumnDef] = {}
    for reader in readers:
        for table in reader.dataset.tables():
            if table.name == name:
                for column in table.columns:
                    columns.setdefault(column.name.lower(), column)
    return columns.values()
