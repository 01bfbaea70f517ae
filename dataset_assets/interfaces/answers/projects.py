"""Answers about Projects: the datasets that they use, and their outputs with operations and publications."""

from collections.abc import Iterable, Mapping
from typing import Any

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.project_versions import read_project_lock
from dataset_assets.contract.project import Joins, Output
from dataset_assets.interfaces.answers.publications import PublicationAnswer
from dataset_assets.model import Model
from dataset_assets.ports.warehouse import Publication


class OutputAnswer(Model):
    """An output of a Project. `output` is the name of its table, by which all commands know it."""

    output: str
    project: str
    name: str
    description: str
    dataset: str
    joins: Joins
    include_deleted: bool
    operations: tuple[Mapping[str, Any], ...]
    publications: tuple[PublicationAnswer, ...] = ()

    @classmethod
    def of(cls, output: Output, publications: Iterable[Publication] = ()) -> "OutputAnswer":
        """Return the answer about an output with its current publications."""
        return cls(
            output=output.stem,
            project=output.project,
            name=output.step.name,
            description=output.step.description,
            dataset=output.dataset,
            joins=output.step.joins,
            include_deleted=output.step.include_deleted,
            operations=tuple(output.structure()["operations"]),
            publications=tuple(
                PublicationAnswer.of_record(each.record, each.version) for each in publications
            ),
        )


class ProjectAnswer(Model):
    """A Project. `pending` says that the lock does not have its structure yet, which will be `version`."""

    project: str
    id: str | None
    name: str
    description: str
    owner: str
    version: int
    pending: bool
    datasets: tuple[str, ...]
    outputs: tuple[OutputAnswer, ...]


class ProjectsAnswer(Model):
    """All Projects without faults, by the stems of their files."""

    projects: tuple[ProjectAnswer, ...]


def project_answer(catalog: Catalog, stem: str, outputs: Iterable[OutputAnswer]) -> ProjectAnswer:
    """Return the answer about a Project. Raises LockError if its lock cannot be read."""
    project = catalog.projects[stem]
    number, pending = read_project_lock(catalog.root / "projects" / f"{stem}.lock").version_of(project)
    return ProjectAnswer(
        project=stem,
        id=str(project.id) if project.id else None,
        name=project.name,
        description=project.description,
        owner=project.owner,
        version=number,
        pending=pending,
        datasets=tuple(catalog.entry(name).stem for name in project.datasets),
        outputs=tuple(outputs),
    )
