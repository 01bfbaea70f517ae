"""Choose the version of a Project for a run of an output, and lock it just before the commit (BR-115)."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import uuid6

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.project_versions import lock_project_version, read_project_lock
from dataset_assets.contract.project import Project
from dataset_assets.errors import Fault, LockError
from dataset_assets.publishing.output_sources import OutputRequest


@dataclass(frozen=True)
class LockedProject:
    """A Project with the id that its rows get. The id and the version are pending until they are locked."""

    project: Project
    lock_path: Path
    id: UUID

    def locked(self, request: OutputRequest) -> int:
        """Lock the id and the version, and return its number. Raises LockError if another run gave an id."""
        named = self.project.model_copy(update={"id": self.id})
        lock = lock_project_version(self.lock_path, named, request.now)
        if lock.id != self.id:
            message = f"another run has given the project {request.output.project} its id meanwhile"
            raise LockError(Fault(message, hint="run this one again"))
        return lock.version_of(named)[0]


def locked_project(catalog: Catalog, request: OutputRequest) -> LockedProject:
    """Return the Project of an output.

    Raises LockError if the request permits locked versions only and this one is not in the lock (BR-115).
    """
    stem = request.output.project
    project, path = catalog.projects[stem], catalog.root / "projects" / f"{stem}.lock"
    lock = read_project_lock(path)
    number, is_pending = lock.version_of(project)
    if request.locked and (is_pending or lock.id is None):
        message = f"version {number} of the project {stem} is not in its lock"
        hint = "run `dataset-assets lock` and commit the lock; this target only runs locked versions"
        raise LockError(Fault(message, hint=hint))
    return LockedProject(project, path, project.id or lock.id or uuid6.uuid7())
