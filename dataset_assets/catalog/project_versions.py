"""The lock of a Project: its id, the Datasets that it names, and the versions of its structure.

People write `projects/<stem>.yaml`. The command `lock`, and a run of one of the outputs, write
`projects/<stem>.lock`. A number is given once: a structure that is restored gets a new one (BR-115).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import uuid6
from pydantic import Field

from dataset_assets.catalog.structures import canonical_sha256
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.project import Output, OutputStep, Project
from dataset_assets.errors import Fault, LockError, Position, raise_all
from dataset_assets.model import Instant, Integer, Model
from dataset_assets.text.atomic_files import replace_text, write_lock
from dataset_assets.text.wording import listed


@dataclass(frozen=True)
class ProjectDataset:
    """A Dataset that a Project names. `dataset` is None if its file is broken."""

    stem: str
    dataset: Dataset | None


Find = Callable[[str], ProjectDataset | None]
"""Function that finds a Dataset by stem or id (BR-131); None if there is none."""


class ProjectVersion(Model):
    """One version of a Project: the structure that has this number."""

    number: Annotated[Integer, Field(ge=1)]
    sha256: str
    locked_at: Instant
    summary: str
    structure: dict[str, Any]


class ProjectLock(Model):
    """The lock of a Project. `datasets` are the instants from which on it has named each Dataset, by id.

    The lock of an earlier release has no `versions`.
    """

    id: UUID | None = None
    datasets: dict[UUID, Instant] = Field(default_factory=dict)
    versions: tuple[ProjectVersion, ...] = ()

    def version_of(self, project: Project) -> tuple[int, bool]:
        """Return the number of a Project's structure, and whether it is pending: not in the lock yet."""
        last = self.versions[-1] if self.versions else None
        if last and last.sha256 == canonical_sha256(project_structure(project)):
            return last.number, False
        return (last.number if last else 0) + 1, True


def project_structure(project: Project) -> dict[str, Any]:
    """Return what a version of a Project fixes, as plain JSON values: its Datasets and its operations."""
    operations = []
    for step in project.operations:
        kept = {"description"} if isinstance(step, OutputStep) else set[str]()
        fields = step.model_dump(mode="json", exclude_defaults=True, exclude=kept)
        operations.append({**fields, "dataset": project.reference(step)})
    return {"datasets": sorted(project.datasets), "operations": operations}


def output_sha256(output: Output) -> str:
    """Return the SHA-256 of what decides the rows of an output beside those of its dataset."""
    return canonical_sha256(output.structure())


def read_project_lock(path: Path) -> ProjectLock:
    """Read the lock of a Project; an empty one if there is no file. Raises LockError if it cannot be read."""
    try:
        lock = ProjectLock.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ProjectLock()
    except (OSError, ValueError, RecursionError):
        raise LockError(_unreadable(path)) from None
    numbers = [each.number for each in lock.versions]
    is_edited = any(canonical_sha256(each.structure) != each.sha256 for each in lock.versions)
    if is_edited or sorted(set(numbers)) != numbers:
        raise LockError(_unreadable(path))
    return lock


def _unreadable(path: Path) -> Fault:
    hint = "restore it as git has it, or merge both sides by hand"
    return Fault("is not the lock of a project", "", hint, Position(str(path), 1, 1))


def lock_project(lock_path: Path, project: Project, find: Find, now: datetime) -> ProjectLock:
    """Record the id of a Project without faults, its version, and the Datasets that it names, and no others.

    Raises LockError for a Dataset without an id, which was never locked.
    """
    named = {name: referenced for name in project.datasets if (referenced := find(name))}
    ids = {name: referenced.dataset.id for name, referenced in named.items() if referenced.dataset}
    raise_all(
        LockError,
        (
            Fault(f"the dataset `{name}` has no id yet", hint="lock it first")
            for name in project.datasets
            if ids.get(name) is None
        ),
    )
    with write_lock(lock_path):
        before = read_project_lock(lock_path)
        datasets = {known: before.datasets.get(known, now) for known in ids.values() if known}
        after = _with_version(before, project, now).model_copy(update={"datasets": datasets})
        _write(lock_path, before, after)
        return after


def lock_project_version(lock_path: Path, project: Project, now: datetime) -> ProjectLock:
    """Record the id and the version of a Project. Its Datasets are recorded by `lock_project` alone."""
    with write_lock(lock_path):
        before = read_project_lock(lock_path)
        after = _with_version(before, project, now)
        _write(lock_path, before, after)
        return after


def _with_version(lock: ProjectLock, project: Project, now: datetime) -> ProjectLock:
    id_ = lock.id or project.id or uuid6.uuid7()
    number, is_pending = lock.version_of(project)
    if not is_pending:
        return lock.model_copy(update={"id": id_})
    structure = project_structure(project)
    version = ProjectVersion(
        number=number,
        sha256=canonical_sha256(structure),
        locked_at=now.replace(microsecond=0),
        summary=_summary(lock, structure),
        structure=structure,
    )
    return lock.model_copy(update={"id": id_, "versions": (*lock.versions, version)})


def _summary(lock: ProjectLock, structure: dict[str, Any]) -> str:
    """Return in words what differs from the last version."""
    if not lock.versions:
        return "first version"
    before = lock.versions[-1].structure
    changed = [key for key in ("datasets", "operations") if before.get(key) != structure[key]]
    outputs, earlier = _outputs(structure), _outputs(before)
    words = [f"changed {key}" for key in changed]
    words += [f"added the output {name}" for name in outputs if name not in earlier]
    words += [f"removed the output {name}" for name in earlier if name not in outputs]
    return listed(words)


def _outputs(structure: dict[str, Any]) -> list[str]:
    return [each["name"] for each in structure.get("operations", ()) if each["type"] == "output"]


def _write(path: Path, before: ProjectLock, after: ProjectLock) -> None:
    if after != before:
        replace_text(path, json.dumps(after.model_dump(mode="json"), indent=2, sort_keys=True) + "\n")
