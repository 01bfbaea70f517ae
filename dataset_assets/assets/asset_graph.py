"""The asset graph as plain data: which datasets and tables there are, and what is wrong with which."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import dagster as dg

from dataset_assets.assets.asset_keys import table_key
from dataset_assets.assets.partitions import Partitioning, first_needed
from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import ColumnDef, Dataset, Status
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.periods.calendar import Cadence
from dataset_assets.ports.target import Target


@dataclass(frozen=True)
class InvalidDataset:
    """A dataset that becomes an asset which fails with what is wrong (BR-203)."""

    entry: Entry
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class ValidDataset:
    """A dataset with which nothing is wrong, so far as that can be known before it runs."""

    entry: Entry
    dataset: Dataset
    target: Target
    partitioning: Partitioning | None

    def table(self, name: str) -> tuple[str, str]:
        """(resolver, table) of a table that it reads."""
        return self.target.resolver_of(self.dataset, name).name, name

    def tables(self) -> Iterator[tuple[str, str]]:
        """(resolver, table) of each physical table that it reads."""
        return (self.table(table.name) for table in self.dataset.tables())


@dataclass(frozen=True)
class Table:
    """A physical table: the columns that datasets declare of it, and its Periods from the first needed on.

    `made_by`: the asset of the same code location that makes it, and tells Dagster of it.
    """

    resolver: str
    name: str
    columns: tuple[ColumnDef, ...]
    partitioning: Partitioning | None
    made_by: dg.AssetKey | None = None

    @property
    def key(self) -> dg.AssetKey:
        """The asset that it is."""
        return self.made_by or table_key(self.resolver, self.name)


@dataclass(frozen=True)
class Graph:
    """Everything there is, as of the instant `now`, which decides only which Periods are complete."""

    catalog: Catalog
    binding: TargetBinding
    now: datetime

    @cached_property
    def datasets(self) -> Mapping[str, ValidDataset | InvalidDataset]:
        """By stem. Archived ones are left out (BR-101), unless one that is shown reads them."""
        shown = set[str]()
        waiting = [stem for stem, entry in self.catalog.entries.items() if not _is_archived(entry)]
        while waiting:
            stem = waiting.pop()
            if stem not in shown:
                shown.add(stem)
                waiting += self._nested(self.catalog.entries[stem])
        return {stem: self._dataset(entry) for stem, entry in self.catalog.entries.items() if stem in shown}

    @cached_property
    def tables(self) -> Mapping[tuple[str, str], Table]:
        """Each physical table once, however many datasets read it."""
        readers: dict[tuple[str, str], list[ValidDataset]] = {}
        for dataset in self.datasets.values():
            if isinstance(dataset, ValidDataset):
                for key in dict.fromkeys(dataset.tables()):
                    readers.setdefault(key, []).append(dataset)
        return {key: self._table(*key, found) for key, found in readers.items()}

    @cached_property
    def sources(self) -> Mapping[tuple[str, str], Table]:
        """The tables that nobody in the code location makes."""
        return {key: table for key, table in self.tables.items() if table.made_by is None}

    def partitioning(self, stem: str) -> Partitioning | None:
        """That of a dataset; None for one that is unpartitioned or broken."""
        return getattr(self.datasets.get(stem), "partitioning", None)

    def _nested(self, entry: Entry) -> list[str]:
        found = (self.catalog.find(id_) for id_ in (entry.dataset.nested_ids() if entry.dataset else ()))
        return [nested.stem for nested in found if nested]

    def _dataset(self, entry: Entry) -> ValidDataset | InvalidDataset:
        target = self.binding.target
        if entry.faults or target is None:
            return InvalidDataset(entry, entry.faults or self.binding.faults)
        try:
            dataset = self.catalog.checked(entry)
            sound = ValidDataset(entry, dataset, target, self._partitioning(entry))
            for resolver, table in sound.tables():
                self._cadence(target, resolver, table)
        except DatasetAssetsError as error:
            return InvalidDataset(entry, error.faults)
        return sound

    def _partitioning(self, entry: Entry) -> Partitioning | None:
        schedule = schedule_of(self.catalog, entry)
        return Partitioning(schedule.cadence, schedule.first, self.now, schedule.last) if schedule else None

    def _table(self, resolver: str, name: str, readers: list[ValidDataset]) -> Table:
        cadence = self._cadence(readers[0].target, resolver, name)
        since = [first for reader in readers if (first := first_needed(reader.dataset, reader.partitioning))]
        partitioning = None
        if cadence and since:
            partitioning = Partitioning(cadence, cadence.containing(min(since)), self.now)
        made_by = self.binding.made_here.get(name)
        return Table(resolver, name, tuple(_declared(readers, name)), partitioning, made_by)

    def _cadence(self, target: Target, resolver: str, table: str) -> Cadence | None:
        name = target.resolver(resolver).cadence(table)
        return self.catalog.calendars.cadence(name) if name else None


def _is_archived(entry: Entry) -> bool:
    return entry.ok and entry.dataset is not None and entry.dataset.status is Status.ARCHIVED


def _declared(readers: Iterable[ValidDataset], name: str) -> Iterable[ColumnDef]:
    """The columns of a table that any dataset declares, each as the first of them does."""
    columns: dict[str, ColumnDef] = {}
    for reader in readers:
        for table in reader.dataset.tables():
            if table.name == name:
                for column in table.columns:
                    columns.setdefault(column.name.lower(), column)
    return columns.values()
