"""Plan what is erased of tables that have rows or values of an erased dataset: outputs, and who nests it."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dataset_assets.lifecycle.dependent_tables import DependentTables
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.nested_copies import NestedCopies, NestedTable
from dataset_assets.lifecycle.planned_erasure import PlannedDataset
from dataset_assets.lifecycle.row_erasers import CopyEraser, OutputEraser, RowEraser, WhereEraser
from dataset_assets.lifecycle.unknown_copies import UnknownCopies
from dataset_assets.ports.engine import Session
from dataset_assets.rows.erased_keys import stored_union
from dataset_assets.sql.build import column


def dependent_plans(tables: DependentTables, each: PlannedDataset) -> Iterator[DatasetPlan]:
    """Yield the plans of the outputs of a dataset, and of the datasets that copied values of its rows."""
    yield from _output_plans(tables, each.plan, each.matching)
    yield from _reader_plans(tables, each.plan, each.matching, each.erasure.salt)


def _reader_plans(
    tables: DependentTables,
    plan: DatasetPlan,
    erased: Sequence[Matching],
    salt: str,
    above: frozenset[str] = frozenset(),
) -> Iterator[DatasetPlan]:
    """Yield a plan for each dataset that copied of erased rows, and for those that nest it.

    `above` are the tables that led here: records of different times can name each other.
    """
    if not erased:
        return
    emptied = None
    if isinstance(plan.eraser, CopyEraser):
        emptied = frozenset(plan.eraser.columns(each.publication.record for each in erased))
    dataset_id = erased[0].publication.record.get("dataset_id")
    for stem in tables.readers(plan.dataset, dataset_id):
        if stem in (above | {plan.dataset}):
            continue
        nested = NestedTable(plan.dataset, dataset_id)
        copies = NestedCopies(tables.catalog, tables.warehouse, tables.session, nested, erased, salt, emptied)
        reader = DatasetPlan(stem, CopyEraser(copies), plan.dataset)
        yield reader
        matching = reader.everywhere(tables.warehouse, tables.session)
        yield from _output_plans(tables, reader, matching)
        yield from _reader_plans(tables, reader, matching, salt, above | {plan.dataset})


def remembered_plans(
    tables: DependentTables, datasets: Sequence[PlannedDataset], derived: Sequence[DatasetPlan]
) -> Iterator[DatasetPlan]:
    """Yield the tables that an interrupted erasure had listed and the rows that are left do not name.

    Their rows were changed before those of the datasets; records remain, and runs that began before.
    """
    known = {each.dataset for each in derived}
    listed = {table.dataset: (table, each.erasure) for each in datasets for table in each.erasure.dependents}
    for stem, (table, erasure) in listed.items():
        if stem not in known:
            eraser = UnknownCopies(tables.warehouse, tables.session, table, erasure)
            yield DatasetPlan(stem, eraser, table.nests, table.output_of)


def _output_plans(
    tables: DependentTables, plan: DatasetPlan, erased: Sequence[Matching]
) -> Iterator[DatasetPlan]:
    """Yield a plan for each output of the dataset: its rows have the ids of the dataset's rows."""
    stems = tables.outputs(plan.dataset)
    if not stems:
        return
    if isinstance(plan.eraser, WhereEraser):
        eraser: RowEraser = OutputEraser(_row_ids(erased, tables.session), plan.eraser)
    else:
        eraser = plan.eraser
    yield from (DatasetPlan(stem, eraser, plan.nests, output_of=plan.dataset) for stem in stems)


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
