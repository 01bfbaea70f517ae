"""Find by which columns of the sources the rows of a dataset are erased, in all its publications."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.scope import Scope
from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, raise_all
from dataset_assets.lifecycle.erasure_plan import Matching
from dataset_assets.lifecycle.row_erasers import WhereEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import ErasedColumn
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.recorded_columns import recorded_scope

_HINT = "publish it again, or restore its file as it was then, and erase again"


@dataclass(frozen=True)
class ErasedColumns:
    """Finds the columns of the sources that the condition of an erasure reads, for one dataset."""

    catalog: Catalog
    warehouse: Warehouse
    session: Session
    stem: str
    eraser: WhereEraser

    def of(self, record: Record) -> tuple[ErasedColumn, ...]:
        """Return the columns of a publication that the condition reads, by name."""
        scope = recorded_scope(self.catalog, self.warehouse, record, self.session)
        names = self.eraser.parsed(record).columns
        return tuple(each for each in _references(scope) if each.name in names)

    def of_all(self, records: Sequence[Record]) -> tuple[ErasedColumn, ...]:
        """Return the columns that all current publications and today's file agree on.

        Raises PublishError if they do not: rows of one would come back, or rows of others would not.
        """
        definitions = {json.dumps(each["definition"], sort_keys=True): each for each in records}
        first, *others = definitions.values()
        columns = self.of(first)
        raise_all(PublishError, [*self._other(columns, others), *self._other_today(columns)])
        return columns

    def keyed(self, columns: Sequence[ErasedColumn], matching: Sequence[Matching]) -> Iterator[Matching]:
        """Yield the publications whose values are values of these columns of the sources."""
        for each in matching:
            with suppress(DatasetAssetsError):
                if each.condition is not None and self.of(each.publication.record) == tuple(columns):
                    yield each

    def _other(self, columns: Sequence[ErasedColumn], records: Sequence[Record]) -> Iterator[Fault]:
        for record in records:
            for before, here in zip(columns, self.of(record), strict=True):
                if here != before:
                    of = f" of {record['period']}" if record["period"] else ""
                    message = (
                        f"the publication of {self.stem}{of} has {here.name} from {_told(here)}, "
                        f"another one from {_told(before)}"
                    )
                    yield Fault(message, hint=_HINT)

    def _other_today(self, columns: Sequence[ErasedColumn]) -> Iterator[Fault]:
        entry = self.catalog.entries.get(self.stem)
        if entry is None or not entry.ok or entry.dataset is None:
            return
        today = {each.name: each for each in _references(self.catalog.scope(entry))}
        for each in columns:
            if (now := today.get(each.name, each)) != each:
                message = f"{self.stem} is published with {each.name} from {_told(each)}"
                yield Fault(f"{message}, its file has it from {_told(now)}", hint=_HINT)


def _references(scope: Scope) -> list[ErasedColumn]:
    """Return the published columns that come from a source, by name."""
    found = []
    for each in scope.outputs:
        if each.reference:
            source, there = each.reference.source, each.reference.column
            reference = f"{source.name}.{there.name}" if source.lookup else there.name
            found.append(ErasedColumn(name=each.name, reference=reference, type=there.type))
    return sorted(found, key=lambda each: each.name)


def _told(each: ErasedColumn) -> str:
    return f"{each.reference} ({each.type})"
