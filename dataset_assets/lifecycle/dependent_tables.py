"""Find the tables that depend on a table, by what their records say and by the files of today.

A record names what its publication was made of. So tables are found whose file is gone, broken, or no longer
names the dataset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erasure_plan import DatasetPlan
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.recorded_columns import NESTED


@dataclass(frozen=True)
class RecordedSources:
    """The sources that the records of a table name; of an output also the datasets that it was made from."""

    keys: frozenset[str]
    output_of: frozenset[str]

    @classmethod
    def of(cls, records: Iterable[Record]) -> "RecordedSources":
        """Return what these records name."""
        keys: set[str] = set()
        output_of: set[str] = set()
        for each in filter(None, records):
            if OUTPUT in each:
                output_of.add(each[OUTPUT]["dataset"])
            else:
                keys.update(each.get("sources", ()))
        return cls(frozenset(keys), frozenset(output_of))


@dataclass(frozen=True)
class DependentTables:
    """Finds outputs and readers of tables. Tables without a publication are among them: a run may begin."""

    catalog: Catalog
    warehouse: Warehouse
    session: Session

    @cached_property
    def recorded(self) -> Mapping[str, RecordedSources]:
        """The sources that records name, by published table."""
        return {
            table: RecordedSources.of(self.warehouse.all_records(table, self.session))
            for table in self.warehouse.published_tables(self.session)
        }

    def outputs(self, table: str) -> list[str]:
        """Return the outputs of a dataset."""
        today = (stem for stem, each in self.catalog.outputs.items() if each.dataset == table)
        recorded = (stem for stem, each in self.recorded.items() if table in each.output_of)
        return list(dict.fromkeys([*today, *recorded]))

    def readers(self, table: str, dataset_id: str | None) -> list[str]:
        """Return the datasets that nest the dataset with this table and id, or did so."""
        recorded = (stem for stem, each in self.recorded.items() if f"{NESTED}{table}" in each.keys)
        return list(dict.fromkeys([*self._nesting(dataset_id), *recorded]))

    def used(self, plans: Sequence[DatasetPlan]) -> list[DatasetPlan]:
        """Return the plans of tables that are published, or that a run may be publishing first."""
        warehouse, session = self.warehouse, self.session
        return [
            each
            for each in plans
            if warehouse.periods(each.dataset, session) or warehouse.claimed_periods(each.dataset, session)
        ]

    def _nesting(self, dataset_id: str | None) -> Iterator[str]:
        """Yield the datasets whose files of today nest a dataset, if their files can be read."""
        nested = UUID(dataset_id) if dataset_id else None
        for stem, each in self.catalog.entries.items():
            if each.dataset and nested in each.dataset.nested_ids():
                yield stem
