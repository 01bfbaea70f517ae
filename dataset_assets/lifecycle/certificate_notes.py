"""Name the tables that have to be erased by themselves, and the values that cannot be attributed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from dataset_assets.lifecycle.dependent_tables import DependentTables
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.planned_erasure import PlannedDataset
from dataset_assets.lifecycle.row_erasers import CopyEraser, SharedValues
from dataset_assets.lifecycle.unknown_copies import UnknownCopies
from dataset_assets.publishing.recorded_columns import NESTED


@dataclass(frozen=True)
class CertificateNotes:
    """Sentences for a certificate that are known before the rows go."""

    beyond_reach: tuple[str, ...]

    @classmethod
    def of(
        cls, tables: DependentTables, datasets: Sequence[PlannedDataset], readers: Sequence[DatasetPlan]
    ) -> Self:
        """Return the notes on an erasure of datasets and of the tables that depend on them."""
        names = frozenset([*(each.plan.dataset for each in datasets), *(each.dataset for each in readers)])
        found = [
            *_former_names(tables, datasets),
            *_readers_of_sources(tables, datasets, names),
            *(sentence for each in readers for sentence in _shared_values(tables, each)),
        ]
        return cls(tuple(dict.fromkeys(found)))


def _former_names(tables: DependentTables, datasets: Sequence[PlannedDataset]) -> Iterator[str]:
    """Yield a sentence for each table of a dataset's former name that the condition does not fit."""
    names = {each.plan.dataset for each in datasets}
    for each in datasets:
        dataset_id = each.record.get("dataset_id")
        published = tables.warehouse.published_by(dataset_id, tables.session) if dataset_id else ()
        for name in published:
            if name not in names:
                yield (
                    f"table {name}, which {each.plan.dataset} published under another name and which lacks "
                    f"a column of the condition: remove it, or erase it by a condition of its own"
                )


def _readers_of_sources(
    tables: DependentTables, datasets: Sequence[PlannedDataset], names: frozenset[str]
) -> Iterator[str]:
    """Yield a sentence for each other table that was made of the same sources, or of a table as a source."""
    keys = {key for each in datasets for key in each.record.get("sources", {}) if not key.startswith(NESTED)}
    for table, recorded in sorted(tables.recorded.items()):
        if table in names:
            continue
        shared = sorted(
            key
            for key in recorded.keys
            if key in keys or (not key.startswith(NESTED) and key.partition("/")[2] in names)
        )
        for key in shared:
            yield f"table {table}, which was made of {key} too: erase its rows as well, if it has the person"


def _shared_values(tables: DependentTables, plan: DatasetPlan) -> Iterator[str]:
    """Yield a sentence for each publication with values that erased rows and others had.

    They are known only if the table does not publish what joins it to the erased dataset.
    """
    if isinstance(plan.eraser, UnknownCopies) and plan.nests:
        yield (
            f"values of {plan.nests} in {plan.dataset} that other rows have too, if {plan.dataset} does not "
            f"publish what joins it to {plan.nests}: refresh it"
        )
    if isinstance(plan.eraser, CopyEraser):
        counted = DatasetPlan(plan.dataset, SharedValues(plan.eraser.find), plan.nests, plan.output_of)
        for each in counted.current(tables.warehouse, tables.session):
            yield f"{_values(plan, each)}: refresh it"
        for each in counted.earlier(tables.warehouse, tables.session):
            version = f"in table version {each.publication.table_version}"
            advice = "unpin it" if each.publication.pinned else "retention removes it"
            yield f"{_values(plan, each)}, {version}: {advice}"


def _values(plan: DatasetPlan, each: Matching) -> str:
    of = f" of {each.publication.period}" if each.publication.period else ""
    rows = f"{each.rows:,} row{'s' * (each.rows != 1)}"
    return f"{rows} of {plan.dataset}{of} with values of {plan.nests} that erased rows and others had"
