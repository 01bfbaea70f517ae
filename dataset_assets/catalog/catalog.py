"""The catalog: every file of a `definitions/` folder with its faults, and what its names stand for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.nesting import Nesting
from dataset_assets.catalog.project_versions import ProjectDataset
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.project import Output, OutputStep, Project
from dataset_assets.contract.row_operations import RowOperation
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.errors import ContractError, Fault, NotFoundError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.text.wording import did_you_mean, shown
from dataset_assets.yaml.reader import Document


@dataclass(frozen=True)
class Entry:
    """One file of `datasets/` with all its faults. `dataset` is None if it cannot be built.

    `dataset.id` is the id of the lock if the file has none.
    """

    stem: str
    path: Path
    document: Document | None
    dataset: Dataset | None
    faults: tuple[Fault, ...]
    lock: Lock

    @property
    def ok(self) -> bool:
        """Whether the file has no faults."""
        return not self.faults

    @property
    def lock_path(self) -> Path:
        """The path of the lock beside the file."""
        return self.path.with_suffix(".lock")


@dataclass(frozen=True)
class FaultyProject:
    """A Project whose file breaks rules. Its outputs cannot be published; what is published of them stays."""

    project: Project
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class PublishedName:
    """The name of a published table, and the file that defines its columns: an output has its dataset's."""

    stem: str
    entry: Entry


@dataclass(frozen=True)
class Catalog:
    """All files of a `definitions/` folder. `entries` are sorted by stem; `projects` have no faults.

    `faulty_projects` are those whose file could be read, and `faults` are those of all files except of the
    datasets.
    """

    root: Path
    entries: Mapping[str, Entry]
    calendars: Calendars
    users: Users
    projects: Mapping[str, Project]
    faults: tuple[Fault, ...]
    faulty_projects: Mapping[str, FaultyProject] = field(default_factory=dict)

    def entry(self, name: str) -> Entry:
        """Return the entry with this stem or id (BR-131). Raises NotFoundError with the nearest stem."""
        entry = self.named(name)
        if entry is None:
            hint = did_you_mean(name, self.entries, f"see {self.root / 'datasets'}")
            if output := self.outputs.get(name):
                hint = f"it is an output of the project {output.project}, of the dataset {output.dataset}"
            raise NotFoundError(Fault(f"there is no dataset {shown(name)}", hint=hint))
        return entry

    def published(self, name: str) -> PublishedName:
        """Return the published table of a dataset, by stem or id, or of an output. Raises NotFoundError."""
        found = self.published_if_any(name)
        if found is None:
            known = (*self.entries, *self.outputs)
            hint = did_you_mean(name, known, f"see {self.root}")
            raise NotFoundError(Fault(f"there is no dataset or output {shown(name)}", hint=hint))
        return found

    def published_if_any(self, name: str) -> PublishedName | None:
        """Return the published table of a dataset or an output; None if no file has it."""
        output = self.outputs.get(name)
        entry = self.named(output.dataset if output else name)
        return PublishedName(output.stem if output else entry.stem, entry) if entry else None

    def named(self, name: str) -> Entry | None:
        """Return the entry with this stem or id; None if there is none."""
        return self.entries.get(name) or self._by_id.get(name.lower())

    def project_dataset(self, name: str) -> ProjectDataset | None:
        """Return the Dataset that a Project names by stem or id; None if there is none."""
        entry = self.named(name)
        return ProjectDataset(entry.stem, entry.dataset) if entry else None

    def find(self, id: UUID) -> NamedDataset | None:  # noqa: A002 - the specification's word
        """Return the Dataset with this id; None if there is none or it is broken."""
        return self._valid.get(id)

    def scope(self, entry: Entry) -> Scope:
        """Return the scope that resolves the names in a Dataset. Raises ContractError if it is broken."""
        return Scope(self.checked(entry), self.find, self.calendars)

    def checked(self, entry: Entry) -> Dataset:
        """Return the Dataset of an entry. Raises ContractError with its faults if it is broken."""
        if entry.faults or entry.dataset is None:
            raise ContractError(*entry.faults)
        return entry.dataset

    @cached_property
    def outputs(self) -> Mapping[str, Output]:
        """The outputs of all Projects, by the names of their tables, in the order of the files."""
        found = (each for stem, project in self.projects.items() for each in self._outputs(stem, project))
        return {each.stem: each for each in found}

    @cached_property
    def faulty_outputs(self) -> Mapping[str, tuple[Output, tuple[Fault, ...]]]:
        """The outputs of Projects with faults, with the faults of the file, by the names of their tables."""
        found = {
            output.stem: (output, faulty.faults)
            for stem, faulty in self.faulty_projects.items()
            for output in self._outputs(stem, faulty.project)
        }
        return {stem: each for stem, each in found.items() if stem not in self.outputs}

    def _outputs(self, stem: str, project: Project) -> Iterator[Output]:
        applied: dict[str, tuple[RowOperation, ...]] = {}
        for step in project.operations:
            entry = self.named(project.reference(step) or "")
            if entry is None:
                continue
            if isinstance(step, OutputStep):
                yield Output(stem, entry.stem, step, applied.get(entry.stem, ()))
            elif isinstance(step, RowOperation):
                applied[entry.stem] = (*applied.get(entry.stem, ()), step)

    @cached_property
    def build_order(self) -> Mapping[str, int]:
        """The place of each Dataset in an order in which nested ones come first; broken ones are left out."""
        known = {stem: entry.dataset for stem, entry in self.entries.items() if entry.dataset}
        return {stem: place for place, stem in enumerate(Nesting(known).order())}

    @cached_property
    def _by_id(self) -> Mapping[str, Entry]:
        known = (
            (entry.dataset.id if entry.dataset else entry.lock.id, entry) for entry in self.entries.values()
        )
        return {str(id_): entry for id_, entry in known if id_}

    @cached_property
    def _valid(self) -> Mapping[UUID, NamedDataset]:
        return {
            entry.dataset.id: NamedDataset(entry.stem, entry.dataset, self.find)
            for entry in self.entries.values()
            if entry.ok and entry.dataset and entry.dataset.id
        }
