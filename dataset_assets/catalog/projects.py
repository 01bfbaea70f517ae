"""Projects: they name the Datasets that they use (Entity: N:M; BR-007, BR-008).

`projects/<stem>.yaml` is written by people. `projects/<stem>.lock`, written by `lock`, records the Project's
id and the Datasets that it named by then: a reference that is recorded stays valid when its Dataset is
disabled, a new one to a disabled Dataset is refused.
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
    """One file of `projects/`. `datasets` are stems or ids; `id` is given by `lock` where it is absent."""

    id: UUID | None = None
    name: Text
    description: str = ""
    owner: Text
    datasets: Annotated[tuple[Text, ...], Field(min_length=1)]


class ProjectLock(Model):
    """`projects/<stem>.lock`: the Project's id, and since when it has named each Dataset, by id."""

    id: UUID | None = None
    datasets: dict[UUID, Instant] = Field(default_factory=dict)


@dataclass(frozen=True)
class ProjectDataset:
    """What a Project's name for a Dataset leads to: `dataset` is None where its file is broken."""

    stem: str
    dataset: Dataset | None


Find = Callable[[str], ProjectDataset | None]
"""A Dataset by stem or id (BR-131)."""


def read_project_lock(path: Path) -> ProjectLock:
    """An empty one where there is no file. Raises LockError."""
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
    """BR-007: every named Dataset is there. BR-008: those newly named are not disabled."""
    if users and not users.find(project.owner):
        meant = users.nearest(project.owner)
        message = f"is {shown(project.owner)}, whom users.yaml does not have"
        hint = f"did you mean `{meant}`?" if meant else "add it there"
        yield _fault(document, ("owner",), message, hint)
    if project.id and lock.id and project.id != lock.id:
        message = f"is {shown(str(project.id))}, but the lock says {shown(str(lock.id))}"
        yield _fault(document, ("id",), message, "an id never changes; restore it")
    seen: dict[str, str] = {}
    for number, name in enumerate(project.datasets):
        found = find(name)
        place = ("datasets", number)
        if found is None:
            message = f"is {shown(name)}, which no file of datasets/ is called"
            hint = (
                "a dataset that a project names must not be deleted (BR-007): restore it, or remove it here"
            )
            yield _fault(document, place, message, hint)
            continue
        if found.stem in seen:
            message = f"is {shown(name)}, the same dataset as {shown(seen[found.stem])}"
            yield _fault(document, place, message, "remove it")
        seen.setdefault(found.stem, name)
        dataset = found.dataset
        if dataset and dataset.status in _CLOSED and dataset.id not in lock.datasets:
            message = f"is {shown(name)}, which is {dataset.status}: not for new references (BR-008)"
            yield _fault(document, place, message, "restore the dataset, or name another")


def lock_project(lock_path: Path, project: Project, find: Find, now: datetime) -> ProjectLock:
    """Records the Project's id and the Datasets it names; those it names no longer are forgotten.

    Only for a Project without faults. Raises LockError for a Dataset that was never locked, so has no id.
    """
    with write_lock(lock_path):
        before = read_project_lock(lock_path)
        named = {name: found for name in project.datasets if (found := find(name))}
        ids = {name: found.dataset.id for name, found in named.items() if found.dataset}
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
