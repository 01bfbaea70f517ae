"""Lock a file (`dataset-assets lock`), and check whether it is locked (`lock --check`) (BR-115).

To lock a file is to repair the numbers after a merge, append a new version to the lock, and write the system
fields of the lock into the YAML. It is idempotent.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.project_versions import lock_project, read_project_lock
from dataset_assets.catalog.projects import ROOT as PROJECT
from dataset_assets.catalog.rules import ROOT
from dataset_assets.catalog.versions import Line, Lock, append_version, read_lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import Structure, difference
from dataset_assets.errors import ContractError, Fault, LockError, raise_all
from dataset_assets.text.atomic_files import exact_text, replace_text, write_lock
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.edits import with_fields


def lock_entry(entry: Entry, now: datetime) -> tuple[str, ...]:
    """Lock a Dataset; return what was changed, as sentences, none if nothing had to change.

    Raises ContractError for a file with faults, and LockError for a lock that only a person can repair.
    """
    raise_all(ContractError, (fault for fault in entry.faults if fault not in entry.lock.faults))
    raise_all(LockError, entry.lock.unreadable)
    if entry.dataset is None:
        raise ContractError(*entry.faults)
    changes = list(repair_merge(entry.lock_path)) if entry.lock.merge_faults else []
    lock = entry.lock
    if not _is_locked(entry.lock, entry.dataset):
        version, lock, line = append_version(entry.path, entry.lock_path, entry.dataset, now)
        if line:
            changes.append(f"version {version.number} ({version.kind}): {line.summary}")
    written = _write_fields(entry, lock)
    if written:
        changes.append(f"wrote {', '.join(f'`{key}`' for key in written)}")
    return tuple(changes)


def _is_locked(lock: Lock, dataset: Dataset) -> bool:
    """Return whether a lock as it was read has nothing to repair and is of the Dataset as it is."""
    is_own = not lock.faults and lock.id is not None and lock.id == dataset.id
    return is_own and not lock.version_of(dataset).pending and lock.is_current(dataset)


def entry_lock_faults(entry: Entry) -> tuple[Fault, ...]:
    """Return as faults what `lock` would change and why it would fail. Writes nothing."""
    if entry.faults or entry.dataset is None or entry.document is None:
        return entry.faults
    version = entry.lock.version_of(entry.dataset)
    hint = "run `dataset-assets lock`"
    at_root = entry.document.position((ROOT,), key=True)
    if version.pending:
        message = f"version {version.number} ({version.kind}) is not locked: {version.summary}"
        return (Fault(message, "", hint, at_root),)
    if not entry.lock.is_current(entry.dataset):
        return (Fault("has changed since it was locked, though not its structure", "", hint, at_root),)
    return tuple(
        Fault(
            f"is not {value} as in the lock", dotted((ROOT, key)), hint, entry.document.position((ROOT, key))
        )
        for key, value in _fields(entry.dataset, entry.document.data[ROOT], entry.lock).items()
    )


def lock_project_file(catalog: Catalog, stem: str, now: datetime) -> tuple[str, ...]:
    """Lock a Project; return what was changed, as sentences. Raises LockError for a Dataset without an id."""
    path = catalog.root / "projects" / f"{stem}.yaml"
    lock_path = path.with_suffix(".lock")
    before = read_project_lock(lock_path)
    project = catalog.projects[stem]
    after = lock_project(lock_path, project, catalog.project_dataset, now)
    changes = ["recorded its datasets"] if after.datasets != before.datasets else []
    changes += [f"version {each.number}: {each.summary}" for each in after.versions[len(before.versions) :]]
    text = exact_text(path)
    changed = with_fields(text, str(path), PROJECT, {"id": str(after.id)})
    if changed != text:
        replace_text(path, changed)
        changes.append("wrote `id`")
    return tuple(changes)


def project_lock_faults(catalog: Catalog, stem: str) -> tuple[Fault, ...]:
    """Return as faults what locking the Project would change. Writes nothing."""
    project = catalog.projects[stem]
    lock = read_project_lock(catalog.root / "projects" / f"{stem}.lock")
    entries = [catalog.named(name) for name in project.datasets]
    named = {entry.dataset.id for entry in entries if entry and entry.dataset}
    # A lock of an earlier release has no versions, which a Project without operations can do without.
    is_versioned = not lock.version_of(project)[1] or not (lock.versions or project.operations)
    if lock.id == project.id and set(lock.datasets) == named and is_versioned:
        return ()
    return (Fault(f"the project `{stem}` is not locked as it is", hint="run `dataset-assets lock`"),)


def repair_merge(lock_path: Path) -> tuple[str, ...]:
    """Give the later lines of a merge that kept both sides the next free numbers; return the changes.

    No number is used again, not even one that has no structure any more.
    """
    with write_lock(lock_path):
        lock = read_lock(lock_path)
        raise_all(LockError, lock.unreadable)
        if not lock.merge_faults:
            return ()
        lines, changes = _in_order(lock)
        replace_text(lock_path, "".join(f"{line.text()}\n" for line in lines))
        return tuple(changes)


def _in_order(lock: Lock) -> tuple[list[Line], list[str]]:
    """Return the lines with ascending numbers, and the changes as sentences.

    If each number names one structure, the lines are only sorted, because publications have these numbers.
    """
    names = {(line.version, line.sha256) for line in lock.lines}
    if len(names) == len(lock.numbers) and len({line.id for line in lock.lines}) == 1:
        return _sorted(lock.lines), ["put the lines in the order of their numbers"]
    return _with_free_numbers(lock)


def _sorted(lines: Iterable[Line]) -> list[Line]:
    """Return the lines by number; the line with the structure comes first and only once."""
    order = sorted(lines, key=lambda line: (line.version, line.structure is None, line.locked_at))
    giving = {line.version: line for line in reversed(order) if line.structure is not None}
    return [line for line in order if line.structure is None or giving[line.version] is line]


def _with_free_numbers(lock: Lock) -> tuple[list[Line], list[str]]:
    free = max(lock.numbers) + 1
    lines: list[Line] = []
    changes: list[str] = []
    structure: Structure = {}
    for line in lock.lines:
        last = lines[-1] if lines else None
        if last and (line.structure is None or line.sha256 == last.sha256):
            if line.sha256 == last.sha256 and line.structure is None:
                lines.append(_renumbered(line, last.version, lock.lines[0].id))
            continue
        number = line.version
        if last and number <= last.version:
            number, free = free, free + 1
            changes.append(
                f"version {line.version} of {line.locked_at:%Y-%m-%d %H:%M:%S} is now version {number}"
            )
        new = _renumbered(line, number, lock.lines[0].id)
        if last and line.structure is not None:
            change = difference(structure, line.structure)
            new = new.model_copy(update={"kind": change.kind, "summary": change.summary})
        structure = line.structure or structure
        lines.append(new)
    return lines, changes or ["put the lock in order"]


def _renumbered(line: Line, number: int, id_: UUID) -> Line:
    return line.model_copy(update={"version": number, "id": id_})


def _fields(dataset: Dataset, written: dict, lock: Lock) -> dict[str, str]:
    """Return the system fields that differ between file and lock, with the values of the lock as YAML."""
    first, last = lock.lines[0], lock.lines[-1]
    created = dataset.created_at or first.locked_at
    wanted = {
        "id": (dataset.id if "id" in written else None, last.id, str(last.id)),
        "version": (dataset.version, last.version, str(last.version)),
        "created_at": (dataset.created_at, created, f'"{created:%Y-%m-%dT%H:%M:%SZ}"'),
        "updated_at": (dataset.updated_at, last.locked_at, f'"{last.locked_at:%Y-%m-%dT%H:%M:%SZ}"'),
    }
    return {key: text for key, (own, locked, text) in wanted.items() if own != locked}


def _write_fields(entry: Entry, lock: Lock) -> list[str]:
    if entry.dataset is None or entry.document is None:
        return []
    fields = _fields(entry.dataset, entry.document.data[ROOT], lock)
    if not fields:
        return []
    with write_lock(entry.path):
        text = exact_text(entry.path)
        replace_text(entry.path, with_fields(text, str(entry.path), ROOT, fields, entry.document.data))
    return list(fields)
