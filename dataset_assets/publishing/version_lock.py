"""Choose the structure version of a run, and write it to the lock just before the commit (BR-115)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import UUID

import uuid6

from dataset_assets.catalog.versions import Version, lock_dataset, read_lock
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError, Fault, LockError, raise_all
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.continuity import column_conflicts, continuity_faults
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.run_context import RunContext
from dataset_assets.text.atomic_files import write_lock


def permitted_version(request: Request, dataset: Dataset) -> Version:
    """Return the version of the dataset's structure.

    Raises LockError if the request permits locked versions only and this one is not in the lock (BR-115).
    """
    version = request.entry.lock.version_of(dataset)
    if version.pending and request.locked:
        message = f"{request.entry.stem} has changed since its lock was written ({version.summary})"
        hint = "run `dataset-assets lock` and commit the lock; this target only runs locked versions"
        raise LockError(Fault(message, hint=hint))
    return version


def planned_dataset_id(context: RunContext) -> UUID:
    """Return the id of the dataset: its own, else the one in its lock, else a new one.

    A new id and a pending version are written by `lock_version`, after the audit. Raises LockError already
    here if the lock cannot be written, so that no query runs in vain.
    """
    path = context.request.entry.lock_path
    known = context.dataset.id or read_lock(path).id
    if context.version.pending or known is None:
        with write_lock(path):
            pass
    return known or uuid6.uuid7()


def lock_version(context: RunContext, run: PreparedRun) -> PreparedRun:
    """Write the run's version and dataset id to the lock, and return the run with that version (BR-115).

    Call it when only the commit is left: a run that fails before leaves the lock as it was. The number can
    differ from the pending one if another structure was locked meanwhile, or is published with it.

    Raises SupersededError, and then locks nothing, if a newer run claimed the Period, and LockError if the
    request permits locked versions only and the number is published with another structure. Raises
    ContractError if what is published cannot be continued by the file: the warehouse would refuse the run.
    """
    entry, dataset = run.request.entry, run.inputs.dataset
    if not (run.version.pending or _is_taken(run)) and read_lock(entry.lock_path).id:
        return run
    context.warehouse.confirm(context.claim, context.session)
    if run.request.locked and _is_taken(run):
        message = f"version {run.version.number} of {entry.stem} is published with another structure"
        raise LockError(Fault(message, hint="publish once where the lock may be written, and commit it"))
    new_id = None if dataset.id else run.dataset_id
    records = context.warehouse.records(entry.stem, context.session)
    raise_all(ContractError, _refusals(run, records))
    published = {record["version"]: record["sha256"] for record in records.values() if record}
    version = lock_dataset(entry.path, entry.lock_path, dataset, run.request.now, new_id, published)
    return replace(run, version=version)


def _refusals(run: PreparedRun, records: Mapping[str | None, Record]) -> Iterator[Fault]:
    """Yield why the warehouse would refuse to publish the run, by the records of all Periods."""
    dataset = run.inputs.dataset
    yield from continuity_faults(dataset, run.definitions, records)
    if not dataset.main_table.bitemporal:
        yield from column_conflicts(run.definitions, records, run.period)


def _is_taken(run: PreparedRun) -> bool:
    """Return whether the last publication has this number and another structure.

    A lock that was reverted or merged by hand can give a number twice; rows keep what was published.
    """
    record = run.previous.record if run.previous else None
    return bool(record) and record["version"] == run.version.number and record["sha256"] != run.version.sha256
