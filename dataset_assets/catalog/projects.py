"""Check the file of a Project: the Datasets that it names, and its operations on their rows (BR-007, BR-008).

A recorded reference to a Dataset remains valid if the Dataset is disabled later, but a new reference to a
disabled Dataset is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dataset_assets.catalog.project_versions import Find, ProjectLock
from dataset_assets.catalog.setting_rules import STEM
from dataset_assets.catalog.users import Users
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.contract.project import (
    Joins,
    OutputStep,
    Project,
    ReperiodStep,
    Step,
    output_stem,
    view_name,
)
from dataset_assets.contract.row_operations import RowOperation
from dataset_assets.contract.runtime_joins import missing_join_columns
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.where_types import where_types
from dataset_assets.errors import DatasetAssetsError, Fault, WhereError
from dataset_assets.sql.where.where import parse_where, with_place
from dataset_assets.text.wording import dotted, listed, shown
from dataset_assets.yaml.reader import Document

ROOT = "project"
_CLOSED = (Status.DISABLED, Status.ARCHIVED)


@dataclass(frozen=True)
class ProjectSurroundings:
    """The facts of other files that the rules on a Project read.

    `scope` returns the names in a Dataset without faults, by its stem; `period_id` the id of a Dataset's
    Period, and raises PeriodError if it has none of this name. `taken` maps each table name in lower case
    to what has it.
    """

    users: Users | None
    find: Find
    scope: Callable[[str], Scope | None]
    period_id: Callable[[str, str], str | None]
    taken: Mapping[str, str]


@dataclass(frozen=True)
class ProjectRules:
    """The rules on one Project."""

    stem: str
    project: Project
    document: Document
    lock: ProjectLock
    around: ProjectSurroundings

    def faults(self) -> Iterator[Fault]:
        """Yield all faults of the Project."""
        yield from self._settings()
        yield from self._datasets()
        yield from self._outputs()
        for number, step in enumerate(self.project.operations):
            yield from self._step(number, step)

    def _settings(self) -> Iterator[Fault]:
        project, users = self.project, self.around.users
        if users and (unknown := users.unknown(project.owner)):
            yield self._fault(("owner",), *unknown)
        if project.id and self.lock.id and project.id != self.lock.id:
            message = f"is {shown(str(project.id))}, but the lock says {shown(str(self.lock.id))}"
            yield self._fault(("id",), message, "an id never changes; restore it")

    def _datasets(self) -> Iterator[Fault]:
        """Yield the faults of named Datasets.

        Each has to exist (BR-007), and a newly named one must not be disabled (BR-008).
        """
        seen: dict[str, str] = {}
        for number, name in enumerate(self.project.datasets):
            referenced, place = self.around.find(name), ("datasets", number)
            if referenced is None:
                message = f"is {shown(name)}, which no file of datasets/ is called"
                hint = (
                    "a dataset that a project names must not be deleted (BR-007): restore it, or remove it "
                    "here"
                )
                yield self._fault(place, message, hint)
                continue
            if referenced.stem in seen:
                message = f"is {shown(name)}, the same dataset as {shown(seen[referenced.stem])}"
                yield self._fault(place, message, "remove it")
            seen.setdefault(referenced.stem, name)
            dataset = referenced.dataset
            if dataset and dataset.status in _CLOSED and dataset.id not in self.lock.datasets:
                message = f"is {shown(name)}, which is {dataset.status}: not for new references (BR-008)"
                yield self._fault(place, message, "restore the dataset, or name another")

    def _outputs(self) -> Iterator[Fault]:
        """Yield the faults of the names of outputs: each names a table that no other file may have."""
        names: set[str] = set()
        for number, step in enumerate(self.project.operations):
            if not isinstance(step, OutputStep):
                continue
            place, table = ("operations", number, "name"), output_stem(self.stem, step.name)
            used = (table, view_name(table)) if step.joins is Joins.RUNTIME else (table,)
            other = next((found for each in used if (found := self.around.taken.get(each.lower()))), None)
            if not STEM.fullmatch(table):
                message = f"makes the table {shown(table)}, which is no name of a table"
                hint = "call the project's file by letters, digits and `_`, at most 120 in all"
                yield self._fault(place, message, hint)
            elif not names.isdisjoint(each.lower() for each in used):
                yield self._fault(place, f"is {shown(step.name)}, as an output before", "choose another name")
            elif other:
                message = f"makes the table {shown(table)}, which is that of {other}"
                yield self._fault(place, message, "choose another name")
            names.update(each.lower() for each in used)

    def _step(self, number: int, step: Step) -> Iterator[Fault]:
        """Yield the faults of one step. Those of its Dataset's own file are not repeated."""
        place, name = ("operations", number), self.project.reference(step)
        if name is None:
            message = "is required, because the project has several datasets"
            yield self._fault((*place, "dataset"), message, f"one of {listed(self.project.datasets)}")
            return
        stem = self._stem(name)
        if stem not in {self._stem(each) for each in self.project.datasets}:
            message = f"is {shown(name)}, which is not among the project's datasets"
            yield self._fault((*place, "dataset"), message, f"one of {listed(self.project.datasets)}")
            return
        if isinstance(step, RowOperation) and not self._is_read(number, stem):
            hint = "put an `output` after it, or remove it"
            yield self._fault(place, f"does nothing: no output of {name} comes after it", hint)
        scope = self.around.scope(stem) if stem else None
        if scope and stem:
            yield from self._on_rows(place, step, stem, scope)

    def _is_read(self, number: int, stem: str | None) -> bool:
        return any(
            isinstance(later, OutputStep) and self._stem(self.project.reference(later)) == stem
            for later in self.project.operations[number:]
        )

    def _on_rows(self, place: tuple[str | int, ...], step: Step, stem: str, scope: Scope) -> Iterator[Fault]:
        """Yield the faults of a step that depend on the columns and the Periods of its Dataset."""
        if scope.dataset.main_table.bitemporal:
            hint = "use a dataset that reads it, or change its rows by hand: `dataset-assets rows`"
            yield self._fault(
                place, f"is about {stem}, which is bitemporal: it has no rows of a Period", hint
            )
            return
        if isinstance(step, RowOperation):
            types = where_types((each.name, each.definition.type.value) for each in scope.outputs)
            try:
                parse_where(step.where, types)
            except WhereError as error:
                for fault in error.faults:
                    yield self._fault((*place, "where"), with_place(fault), fault.hint)
        if isinstance(step, ReperiodStep):
            yield from self._period((*place, "to"), step, stem, scope.dataset)
        if isinstance(step, OutputStep) and step.joins is Joins.RUNTIME:
            yield from self._runtime((*place, "joins"), scope)

    def _period(
        self, place: tuple[str | int, ...], step: ReperiodStep, stem: str, dataset: Dataset
    ) -> Iterator[Fault]:
        if dataset.partitions is None:
            yield self._fault(place, f"is {shown(step.to)}, but {stem} is not published by Period")
            return
        try:
            period_id = self.around.period_id(stem, step.to)
        except DatasetAssetsError as error:
            for fault in error.faults:
                yield self._fault(place, fault.message, fault.hint)
            return
        if period_id != step.to:
            yield self._fault(
                place, f"is {shown(step.to)}, which is not the id of a Period", f"write {period_id}"
            )

    def _runtime(self, place: tuple[str | int, ...], scope: Scope) -> Iterator[Fault]:
        if not scope.dataset.lookups:
            yield self._fault(place, "is runtime, but the dataset has no lookups", "remove it")
        elif missing := missing_join_columns(scope):
            message = f"is runtime, but the dataset does not publish {listed(missing)}, which lookups join on"
            yield self._fault(place, message, "add to `extra_columns` what is missing, or use `flattened`")

    def _stem(self, name: str | None) -> str | None:
        referenced = self.around.find(name) if name else None
        return referenced.stem if referenced else name

    def _fault(self, loc: tuple[str | int, ...], message: str, hint: str = "") -> Fault:
        path = (ROOT, *loc)
        return Fault(message, dotted(path), hint, self.document.position(path))
