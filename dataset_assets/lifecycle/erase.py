"""Forget the rows of a person in everything that was published, and keep them from coming back (BR-209).

An erasure is written to the warehouse's list first, with salted hashes of the values, so that every run that
begins later leaves the rows out. Then current publications are replaced, those of datasets that copied values
too; earlier ones are removed, and pinned ones rewritten; records lose the values. The same command after a
kill finishes what was begun.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.errors import Fault, PublishError
from dataset_assets.lifecycle.certificate_notes import CertificateNotes
from dataset_assets.lifecycle.dependent_plans import dependent_plans, remembered_plans
from dataset_assets.lifecycle.dependent_tables import DependentTables
from dataset_assets.lifecycle.erased_records import RecordCleaner
from dataset_assets.lifecycle.erasure_certificate import certificate, planned
from dataset_assets.lifecycle.erasure_plan import DatasetPlan
from dataset_assets.lifecycle.erasure_report import Certificate, EraseRequest
from dataset_assets.lifecycle.erasure_run import ErasureRun
from dataset_assets.lifecycle.planned_erasure import planned_datasets
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target

_PASSES = 3
"""How often an erasure looks for rows that a publication beside it has brought back."""


@dataclass(frozen=True)
class CleanedElsewhere:
    """Sentences on what was cleaned outside of the warehouse, and on what could not be."""

    cleaned: tuple[str, ...] = ()
    beyond_reach: tuple[str, ...] = ()


CleanElsewhere = Callable[[Sequence[str]], CleanedElsewhere]
"""Function that receives the names of the tables with erased rows or values, and cleans another store."""


def erase(
    target: Target,
    catalog: Catalog,
    request: EraseRequest,
    clean_elsewhere: CleanElsewhere = lambda _: CleanedElsewhere(),
) -> Certificate:
    """Erase the rows for which the condition of the request is true, and return the certificate.

    `clean_elsewhere` removes what other stores have of these tables before the erasure is finished.

    Nothing is changed if the condition does not fit a publication that has to be checked. Raises WhereError
    for the condition, NotStoredError if nothing of a dataset is published, PublishError if a publication
    cannot be rewritten, and SupersededError if another run claims a Period meanwhile: the same call again
    then finishes.
    """
    with _alone(target, request), _connected(target, request) as session:
        datasets = planned_datasets(target.warehouse, catalog, request, session)
        tables = DependentTables(catalog, target.warehouse, session)
        readers = [plan for each in datasets for plan in dependent_plans(tables, each)]
        readers += remembered_plans(tables, datasets, readers)
        notes = CertificateNotes.of(tables, datasets, readers)
        if request.dry_run:
            return planned(target, request, datasets, tables.used(readers), notes, session)
        datasets = [each.with_dependents(readers) for each in datasets]
        run = ErasureRun(target, catalog, request, datasets, session)
        for each in datasets:
            target.warehouse.begin_erasure(each.erasure, each.keys(), session)
        _erase_all(run, readers)
        readers = tables.used(readers)
        _clean_records(run, readers)
        _remove_samples(run)
        names = (*(each.plan.dataset for each in datasets), *(each.dataset for each in readers))
        cleaned = clean_elsewhere(tuple(dict.fromkeys(names)))
        return _finished(run, readers, notes, cleaned)


def _alone(target: Target, request: EraseRequest) -> AbstractContextManager[None]:
    return nullcontext() if request.dry_run else target.warehouse.erasing()


def _connected(target: Target, request: EraseRequest) -> AbstractContextManager[Session]:
    """Open a session. A claim drops what its own run stored before, so the session has another run's name."""
    return target.engine.connect(JobContext("erasure", run_id=f"{request.run_id}-rows"))


def _erase_all(run: ErasureRun, readers: Sequence[DatasetPlan]) -> None:
    """Erase until nothing is found. What a row was known by goes last: a killed erasure is finished by it.

    Dependent tables come once more after the datasets: a run beside it may have read the rows before.
    """
    plans = [each.plan for each in run.datasets]
    for _ in range(_PASSES):
        for plan in (*readers, *plans, *readers):
            run.erase_current(plan)
        for plan in (*readers, *plans):
            run.erase_earlier(plan)
        left = [plan for plan in (*plans, *readers) if plan.everywhere(run.warehouse, run.session)]
        if not left:
            return
    names = ", ".join(plan.dataset for plan in left)
    raise PublishError(
        Fault(f"rows were published again meanwhile: {names}", hint="run the same command again")
    )


def _clean_records(run: ErasureRun, readers: Sequence[DatasetPlan]) -> None:
    """Clean the records, and remove the rows that no publication has."""
    for plan in (*(each.plan for each in run.datasets), *readers):
        run.warehouse.rewrite_records(plan.dataset, RecordCleaner(plan.eraser).clean, run.session)
        run.warehouse.remove_remains(plan.dataset, run.session)


def _remove_samples(run: ErasureRun) -> None:
    """Remove all samples of the warehouse, whichever values they have: anybody can write them again."""
    for each in run.warehouse.samples(run.session):
        run.warehouse.remove_sample(each, run.session)


def _finished(
    run: ErasureRun, readers: Sequence[DatasetPlan], notes: CertificateNotes, elsewhere: CleanedElsewhere
) -> Certificate:
    """Write that the erasure is finished, with its certificate."""
    found = certificate(run.target, run.request, run.datasets, readers, notes, run.session)
    done = found.model_copy(
        update={
            "cleaned": (*found.cleaned, *elsewhere.cleaned),
            "beyond_reach": (*found.beyond_reach, *elsewhere.beyond_reach),
        }
    )
    for each in run.datasets:
        update = {"finished_at": done.finished_at, "certificate": done.model_dump(mode="json")}
        run.warehouse.finish_erasure(each.erasure.model_copy(update=update), run.session)
    return done
