"""Read, lock and check Projects, which are files that name Datasets (BR-007, BR-008).

People write `projects/<stem>.yaml`. The command `lock` writes `projects/<stem>.lock` with the id of the
Project and the Datasets that it names: a recorded reference remains valid if its Dataset is disabled later,
but a new reference to a disabled Dataset is refused.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import uuid6
from pydantic import Field

from dataset_assets.catalog.users import Users
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.errors import Fault, LockError, Position, raise_all
from dataset_assets.model import Instant, Model, Text
from dataset_assets.text.atomic_files import replace_text, write_lock
from dataset_assets.text.wording import dotted, shown
from dataset_assets.yaml.reader import Document

ROOT = "project"
_CLOSED = (Status.DISABLED, Status.ARCHIVED)


class Project(Model):
    """One file of `projects/`. `datasets` are stems or ids; `lock` writes the `id` if it is missing."""

    id: UUID | None = None
    name: Text
    description: str = ""
    owner: Text
    datasets: Annotated[tuple[Text, ...], Field(min_length=1)]


class ProjectLock(Model):
    """The lock of a Project: its id, and the instant from which on it has named each Dataset, by id."""

    id: UUID | None = None
    datasets: dict[UUID, Instant] = Field(default_factory=dict)


@dataclass(frozen=True)
class ProjectDataset:
    """A Dataset that a Project names. `dataset` is None if its file is broken."""

    stem: str
    dataset: Dataset | None


Find = Callable[[str], ProjectDataset | None]
"""Function that finds a Dataset by stem or id (BR-131); None if there is none."""


def read_project_lock(path: Path) -> ProjectLock:
    """Read the lock of a Project; an empty one if there is no file. Raises LockError if it cannot be read."""
    try:
        return ProjectLock.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ProjectLock()
    except (OSError, ValueError, RecursionError):
        message, hint = (
            "is not the lock of a project",
            "restore it as git has it, or merge both sides by hand",
        )
        raise LockError(Fault(message, "", hint, Position(str(path), 1, 1))) from None


def project_faults(
    project: Project, document: Document, lock: ProjectLock, users: Users | None, find: Find
) -> Iterator[Fault]:
    """Yield the faults of a Project.

    Every named Dataset has to exist (BR-007), and a newly named one must not be disabled (BR-008).
    """
    if users and (unknown := users.unknown(project.owner)):
        yield _fault(document, ("owner",), *unknown)
    if project.id and lock.id and project.id != lock.id:
        message = f"is {shown(str(project.id))}, but the lock says {shown(str(lock.id))}"
        yield _fault(document, ("id",), message, "an id never changes; restore it")
    seen: dict[str, str] = {}
    for number, name in enumerate(project.datasets):
        referenced = find(name)
        place = ("datasets", number)
        if referenced is None:
            message = f"is {shown(name)}, which no file of datasets/ is called"
            hint = (
                "a dataset that a project names must not be deleted (BR-007): restore it, or remove it here"
            )
            yield _fault(document, place, message, hint)
            continue
        if referenced.stem in seen:
            message = f"is {shown(name)}, the same dataset as {shown(seen[referenced.stem])}"
            yield _fault(document, place, message, "remove it")
        seen.setdefault(referenced.stem, name)
        dataset = referenced.dataset
        if dataset and dataset.status in _CLOSED and dataset.id not in lock.datasets:
            message = f"is {shown(name)}, which is {dataset.status}: not for new references (BR-008)"
            yield _fault(document, place, message, "restore the dataset, or name another")


def lock_project(lock_path: Path, project: Project, find: Find, now: datetime) -> ProjectLock:
    """Record the id of a Project without faults and the Datasets that it names, and no others.

    Raises LockError for a Dataset without an id, which was never locked.
    """
    with write_lock(lock_path):
        before = read_project_lock(lock_path)
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
        datasets = {known: before.datasets.get(known, now) for known in ids.values() if known}
        after = ProjectLock(id=before.id or project.id or uuid6.uuid7(), datasets=datasets)
        if after != before:
            replace_text(
                lock_path, json.dumps(after.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
            )
        return after


def _fault(document: Document, loc: tuple[str | int, ...], message: str, hint: str) -> Fault:
    path = (ROOT, *loc)
    return Fault(message, dotted(path), hint, document.position(path))
