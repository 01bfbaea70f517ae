"""Plan what is erased of tables that have rows or values of an erased dataset: outputs, and who nests it."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.nested_copies import NestedCopies
from dataset_assets.lifecycle.planned_erasure import PlannedDataset
from dataset_assets.lifecycle.row_erasers import (
    ChangedEraser,
    CopyEraser,
    OutputEraser,
    RowEraser,
    WhereEraser,
)
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Warehouse
from dataset_assets.rows.erased_keys import stored_union
from dataset_assets.sql.build import column


def reader_plans(
    catalog: Catalog,
    warehouse: Warehouse,
    plan: DatasetPlan,
    erased: Sequence[Matching],
    salt: str,
    session: Session,
) -> Iterator[DatasetPlan]:
    """Yield a plan for each published dataset that copied of erased rows, and for those that nest it."""
    if not erased:
        return
    emptied = None
    if isinstance(plan.eraser, CopyEraser):
        emptied = frozenset(
            name
            for each in erased
            for copies in plan.eraser.find(each.publication.record)
            for name in copies.copied
        )
    entry = catalog.entries.get(plan.dataset)
    for stem, each in catalog.entries.items() if entry and entry.dataset else ():
        lookups = catalog.scope(each).lookups if each.dataset else ()
        nests = any(lookup.nested and lookup.nested.stem == plan.dataset for lookup in lookups)
        if nests and _is_used(warehouse, stem, session):
            copies = NestedCopies(catalog, warehouse, session, plan.dataset, erased, salt, emptied)
            reader = DatasetPlan(stem, CopyEraser(copies), plan.dataset)
            yield reader
            matching = [*reader.current(warehouse, session), *reader.earlier(warehouse, session)]
            yield from output_plans(catalog, warehouse, reader, matching, session)
            yield from reader_plans(catalog, warehouse, reader, matching, salt, session)


def remembered_plans(
    datasets: Sequence[PlannedDataset], derived: Sequence[DatasetPlan]
) -> Iterator[DatasetPlan]:
    """Yield the tables that an interrupted erasure had listed and that the rows that are left do not tell.

    Their rows were changed before those of the datasets; records remain, and runs that began before.
    """
    known = {each.dataset for each in derived}
    listed = {table.dataset: table for each in datasets for table in each.erasure.dependents}
    for stem, table in listed.items():
        if stem not in known:
            yield DatasetPlan(stem, ChangedEraser(), table.nests, table.output_of)


def _is_used(warehouse: Warehouse, stem: str, session: Session) -> bool:
    """Return whether a table is published, or a run may be publishing it for the first time."""
    return bool(warehouse.periods(stem, session) or warehouse.claimed_periods(stem, session))


def output_plans(
    catalog: Catalog, warehouse: Warehouse, plan: DatasetPlan, erased: Sequence[Matching], session: Session
) -> Iterator[DatasetPlan]:
    """Yield a plan for each published output of the dataset: its rows have the ids of the dataset's rows."""
    stems = [stem for stem, each in catalog.outputs.items() if each.dataset == plan.dataset]
    published = [stem for stem in stems if _is_used(warehouse, stem, session)]
    if not published:
        return
    if isinstance(plan.eraser, WhereEraser):
        eraser: RowEraser = OutputEraser(_row_ids(erased, session), plan.eraser)
    else:
        eraser = plan.eraser
    yield from (DatasetPlan(stem, eraser, plan.nests, output_of=plan.dataset) for stem in published)


def _row_ids(erased: Sequence[Matching], session: Session) -> exp.Query | None:
    """Return the ids of the erased rows, stored for the session; None if there are none."""
    queries = [
        exp.select(column("_row_id"))
        .distinct()
        .from_(each.publication.source.copy())
        .where(each.condition.copy())
        for each in erased
        if each.condition is not None
    ]
    return stored_union("erased_ids", queries, session) if queries else None
