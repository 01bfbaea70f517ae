"""Plan an erasure: what each dataset has of the rows, its entry for the list, and the keys of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from secrets import token_hex
from uuid import uuid4

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erased_columns import ErasedColumns
from dataset_assets.lifecycle.erasure_choice import chosen_plans
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.row_erasers import WhereEraser, named_rows
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import DependentTable, Erasure
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.rows.erased_keys import key_query, row_key
from dataset_assets.sql.build import column


@dataclass(frozen=True)
class PlannedDataset:
    """A dataset whose rows are erased: its plan, its entry for the list, and the publications with rows.

    `columns` finds which columns of the sources the columns of a publication come from.
    """

    plan: DatasetPlan
    eraser: WhereEraser
    erasure: Erasure
    current: Sequence[Matching]
    earlier: Sequence[Matching]
    columns: ErasedColumns
    record: Record

    @property
    def matching(self) -> list[Matching]:
        """All publications that have such rows."""
        return [*self.current, *self.earlier]

    def keys_of(self, matching: Sequence[Matching]) -> list[exp.Query]:
        """Return queries of the keys of rows, for publications whose columns come from those of the entry."""
        return [
            key_query(self._key, one.publication.source, one.condition.copy())
            for one in self.columns.keyed(self.erasure.columns, matching)
            if one.condition is not None
        ]

    def keys(self) -> list[exp.Query]:
        """Return queries of the keys of all rows, and of the values that the condition names by `=` or IN."""
        where = self.eraser.parsed(self.record)
        named = named_rows(where, {one.name: one.type for one in self.erasure.columns})
        by_name = [key_query(self._key, named, where.condition())] if named is not None else []
        return [*self.keys_of(self.matching), *by_name]

    def is_planned(self, record: Record) -> bool:
        """Return whether a current publication is one whose rows have given keys."""
        known = {_instant(each.publication.record) for each in self.current}
        return _instant(record) in known

    @property
    def _key(self) -> exp.Expr:
        return row_key(self.erasure.salt, [(column(one.name), one.type) for one in self.erasure.columns])

    def with_dependents(self, plans: Sequence[DatasetPlan]) -> "PlannedDataset":
        """Return the dataset with the tables of these plans in its entry."""
        tables = tuple(
            DependentTable(dataset=each.dataset, nests=each.nests, output_of=each.output_of) for each in plans
        )
        return replace(self, erasure=self.erasure.model_copy(update={"dependents": tables}))


def _instant(record: Record) -> tuple[str | None, str]:
    return record["period"], record["published_at"]


def planned_datasets(
    warehouse: Warehouse, catalog: Catalog, request: EraseRequest, session: Session
) -> list[PlannedDataset]:
    """Return the datasets of a request, all by one erasure: a new one, or one that was begun before."""
    found = chosen_plans(warehouse, catalog, request, session)
    begun = [each for stem in found for each in warehouse.erasures(stem, session) if not each.finished_at]
    resumed = next((each.id for each in begun if each.request == _request_hash(each.salt, request)), None)
    erasure_id = resumed or str(uuid4())
    datasets = []
    for stem, eraser in found.items():
        plan = DatasetPlan(stem, eraser)
        records = [record for record in warehouse.records(stem, session).values() if record]
        columns = ErasedColumns(catalog, warehouse, session, stem, eraser)
        erasure = _erasure(request, columns, records, erasure_id)
        current, earlier = plan.current(warehouse, session), plan.earlier(warehouse, session)
        datasets.append(PlannedDataset(plan, eraser, erasure, current, earlier, columns, records[0]))
    return datasets


def _erasure(
    request: EraseRequest,
    found: ErasedColumns,
    records: Sequence[Record],
    erasure_id: str,
) -> Erasure:
    """Return the entry of a dataset for the list; the one that it has already if the erasure was begun."""
    known = found.warehouse.erasures(found.stem, found.session)
    begun = next((each for each in known if each.id == erasure_id), None)
    if begun:
        return begun
    salt = known[0].salt if known else token_hex(16)
    return Erasure(
        id=erasure_id,
        dataset=found.stem,
        request=_request_hash(salt, request),
        salt=salt,
        columns=found.of_all(records),
        begun_at=request.now,
        by=request.by,
    )


def _request_hash(salt: str, request: EraseRequest) -> str:
    """Return the salted hash of a condition, by which the same command finds what it began."""
    return sha256(f"{salt}:{request.where}".encode()).hexdigest()
