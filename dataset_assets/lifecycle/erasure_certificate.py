"""Write the certificate of an erasure from what records say, so that one that was killed has it whole."""

from collections.abc import Iterator, Sequence

from dataset_assets.lifecycle.certificate_notes import CertificateNotes
from dataset_assets.lifecycle.erased_records import marks_of
from dataset_assets.lifecycle.erasure_plan import DatasetPlan, Matching
from dataset_assets.lifecycle.erasure_report import (
    Certificate,
    ErasedDataset,
    ErasedPublication,
    EraseRequest,
)
from dataset_assets.lifecycle.erasure_run import KIND
from dataset_assets.lifecycle.planned_erasure import PlannedDataset
from dataset_assets.ports.engine import Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record

CLEANED = (
    "current publications, with deleted rows",
    "earlier publications, pinned ones too",
    "statistics and changes by hand in records",
    "rows that unfinished runs left",
    "samples, all of the warehouse",
)


def planned(
    target: Target,
    request: EraseRequest,
    datasets: Sequence[PlannedDataset],
    readers: Sequence[DatasetPlan],
    notes: CertificateNotes,
    session: Session,
) -> Certificate:
    """Return what an erasure would do."""
    warehouse = target.warehouse
    found = [(each.plan, each.current, each.earlier) for each in datasets]
    found += [(each, each.current(warehouse, session), each.earlier(warehouse, session)) for each in readers]
    told = tuple(_planned_dataset(*each) for each in found)
    return _certificate(target, request, datasets, told, notes, dry_run=True)


def _planned_dataset(
    plan: DatasetPlan, current: Sequence[Matching], earlier: Sequence[Matching]
) -> ErasedDataset:
    publications = [_planned_publication(each, "replaced") for each in current]
    publications += [
        _planned_publication(each, "rewritten" if each.publication.pinned else "removed") for each in earlier
    ]
    return ErasedDataset(
        dataset=plan.dataset,
        nests=plan.nests,
        output_of=plan.output_of,
        rows=sum(each.rows for each in current),
        publications=tuple(publications),
    )


def _planned_publication(each: Matching, outcome: str) -> ErasedPublication:
    publication = each.publication
    return ErasedPublication(
        period=publication.period, version=publication.table_version, rows=each.rows, outcome=outcome
    )


def certificate(
    target: Target,
    request: EraseRequest,
    datasets: Sequence[PlannedDataset],
    readers: Sequence[DatasetPlan],
    notes: CertificateNotes,
    session: Session,
) -> Certificate:
    """Return the certificate of an erasure that has done everything; each table is in it once."""
    plans = {plan.dataset: plan for plan in (*reversed(readers), *(each.plan for each in datasets))}
    order = dict.fromkeys([*(each.plan.dataset for each in datasets), *(each.dataset for each in readers)])
    told = tuple(_erased_dataset(target, plans[name], datasets[0].erasure.id, session) for name in order)
    return _certificate(target, request, datasets, told, notes, dry_run=False)


def _erased_dataset(target: Target, plan: DatasetPlan, erasure: str, session: Session) -> ErasedDataset:
    """Return what records say of an erasure: changes of current rows, marks of earlier publications."""
    records = target.warehouse.all_records(plan.dataset, session)
    changes = [each for each in records if _is_change_by(each, erasure)]
    publications = [
        ErasedPublication(
            period=each["period"],
            version=each["replaces"],
            rows=each["operation"]["rows"],
            outcome="replaced",
        )
        for each in changes
    ]
    publications += [
        ErasedPublication(
            period=each["period"], version=mark["version"], rows=mark["rows"], outcome=mark["outcome"]
        )
        for each, mark in marks_of(erasure, records)
    ]
    return ErasedDataset(
        dataset=plan.dataset,
        nests=plan.nests,
        output_of=plan.output_of,
        rows=sum(each["operation"]["rows"] for each in changes),
        publications=tuple(
            sorted(publications, key=lambda each: (each.period or "", each.version, each.outcome))
        ),
    )


def _is_change_by(record: Record, erasure: str) -> bool:
    operation = record.get("operation") or {}
    return operation.get("kind") == KIND and operation.get("erasure") == erasure


def _certificate(
    target: Target,
    request: EraseRequest,
    datasets: Sequence[PlannedDataset],
    told: tuple[ErasedDataset, ...],
    notes: CertificateNotes,
    *,
    dry_run: bool,
) -> Certificate:
    erasure = datasets[0].erasure
    return Certificate(
        id=erasure.id,
        dry_run=dry_run,
        begun_at=erasure.begun_at,
        finished_at=None if dry_run else max(request.now, erasure.begun_at),
        by=request.by,
        columns=tuple(
            dict.fromkeys(f"{e.plan.dataset}.{c.name}" for e in datasets for c in e.erasure.columns)
        ),
        datasets=told,
        cleaned=CLEANED,
        beyond_reach=tuple(dict.fromkeys([*_beyond_reach(target, datasets, told), *notes.beyond_reach])),
        remarks=tuple(_remarks(told)),
    )


def _beyond_reach(
    target: Target, datasets: Sequence[PlannedDataset], told: Sequence[ErasedDataset]
) -> Iterator[str]:
    """Yield the places that this library cannot clean: sources first, as the rows come from there."""
    for each in datasets:
        for key in each.record.get("sources", {}):
            if not key.startswith("datasets/"):
                resolver, _, table = key.partition("/")
                yield f"source table {table} of resolver {resolver}: remove the rows there"
    for one in told:
        if one.output_of:
            yield f"the project's file of {one.dataset}: its operations are what somebody wrote there"
        yield from target.warehouse.beyond_reach(one.dataset)
    yield "files that `read` and `rebuild` wrote, models that were trained, and copies that others made"


def _remarks(told: Sequence[ErasedDataset]) -> Iterator[str]:
    """Yield a sentence for each dataset that nests an erased one and was not erased by columns of its own."""
    for each in told:
        if each.nests and each.dataset not in {one.dataset for one in told if not one.nests}:
            message = f"{each.dataset} nests {each.nests}: copied values were emptied"
            yield f"{message}; rows with the person's own columns need `erase {each.dataset}`"
