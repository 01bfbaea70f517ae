"""Load and check all files of a `definitions/` folder; a broken file affects no other (BR-203)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, RootModel, ValidationError

from dataset_assets.catalog.folder import refuse_link_out, yaml_files
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.catalog.leftover_locks import leftover_locks
from dataset_assets.catalog.nesting import Nesting
from dataset_assets.catalog.parsed_files import ParsedFile, check_files, parse_file
from dataset_assets.catalog.projects import ROOT as PROJECT
from dataset_assets.catalog.projects import Project, ProjectDataset, project_faults, read_project_lock
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.errors import ContractError, Fault, LockError, NotFoundError, Position, first_faults
from dataset_assets.model import Text
from dataset_assets.periods.cadence import STANDARD, Calendars
from dataset_assets.periods.families import AnyCalendar
from dataset_assets.text.wording import did_you_mean, dotted, shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file

M = TypeVar("M", bound=BaseModel)
_CALENDARS = "calendars"


class _CalendarsByName(RootModel[dict[Text, AnyCalendar]]):
    """The value of `calendars:` in `periods.yaml`."""


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
class Catalog:
    """All files of a `definitions/` folder. `entries` are sorted by stem; `projects` have no faults.

    `faults` are those of all files except of the datasets.
    """

    root: Path
    entries: Mapping[str, Entry]
    calendars: Calendars
    users: Users
    projects: Mapping[str, Project]
    faults: tuple[Fault, ...]

    def entry(self, name: str) -> Entry:
        """Return the entry with this stem or id (BR-131). Raises NotFoundError with the nearest stem."""
        entry = self.named(name)
        if entry is None:
            hint = did_you_mean(name, self.entries, f"see {self.root / 'datasets'}")
            raise NotFoundError(Fault(f"there is no dataset {shown(name)}", hint=hint))
        return entry

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
        return Scope(self.checked(entry), self.find)

    def checked(self, entry: Entry) -> Dataset:
        """Return the Dataset of an entry. Raises ContractError with its faults if it is broken."""
        if entry.faults or entry.dataset is None:
            raise ContractError(*entry.faults)
        return entry.dataset

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


Parse = Callable[[Path], ParsedFile]
"""Reads and parses one file of `datasets/`. It raises nothing: faults become part of the result."""


def load_catalog(root: Path, parse: Parse | None = None) -> Catalog:
    """Read `datasets/`, `projects/`, `periods.yaml` and `users.yaml`. Writes nothing and raises nothing.

    `parse` replaces `parse_inside` for a caller that keeps the parsed files which have not changed.
    """
    parse = parse or partial(parse_inside, root)
    faults: list[Fault] = []
    users = read_users(root / "users.yaml", faults)
    calendars = _calendars(root / "periods.yaml", faults)
    with garbage_collection_paused():
        paths = _files(root / "datasets", faults)
        files = {path.stem: parse(path) for path in paths}
        entries = entries_of(files, calendars, users)
    catalog = Catalog(root, entries, calendars or Calendars(), users or Users({}), {}, ())
    projects = dict(read_projects(catalog, users, faults))
    faults += _misnamed(root)
    faults += leftover_locks(root, {each.lock.id: stem for stem, each in entries.items() if each.lock.id})
    return replace(catalog, projects=projects, faults=tuple(faults))


def parse_inside(root: Path, path: Path) -> ParsedFile:
    """Read and parse a file of a definitions folder. A link that leads out of the folder is a fault."""
    return parse_file(path, lambda each: _read_inside(each, root))


def single_catalog(path: Path, stem: str, read: Callable[[Path], Document]) -> Catalog:
    """Load one Dataset, with the `periods.yaml` and `users.yaml` beside its file if they exist.

    `read` returns the Dataset's part of the file. Without users the owner is not checked. All faults become
    faults of the Dataset.
    """
    root, faults = path.parent, list[Fault]()
    users = read_users(root / "users.yaml", faults) if (root / "users.yaml").exists() else None
    calendars = _calendars(root / "periods.yaml", faults)
    entry = entries_of({stem: parse_file(path, read)}, calendars, users)[stem]
    entries = {stem: replace(entry, faults=(*entry.faults, *faults))}
    return Catalog(root, entries, calendars or Calendars(), users or Users({}), {}, ())


def _files(folder: Path, faults: list[Fault]) -> list[Path]:
    """Return the YAML files of a folder; none, and a fault, if the folder cannot be read."""
    try:
        return yaml_files(folder)
    except ContractError as error:
        faults += error.faults
        return []


def _read_inside(path: Path, root: Path) -> Document:
    refuse_link_out(path, root)
    return read_file(path)


def entries_of(
    files: Mapping[str, ParsedFile], calendars: Calendars | None, users: Users | None
) -> dict[str, Entry]:
    """Check parsed files against the rules, all together, and return an entry for each, by its stem."""
    faults = dict(check_files(files, calendars, users))
    return {
        stem: Entry(
            stem, each.path, each.document, each.dataset if each.is_whole else None, faults[stem], each.lock
        )
        for stem, each in files.items()
    }


def read_users(path: Path, faults: list[Fault]) -> Users | None:
    """Return the users of a `users.yaml`; None, with the reason among the faults, if it cannot be read."""
    if not path.exists():
        message, hint = (
            "there is no users.yaml, so owners cannot be checked",
            "create it, with the key `users:`",
        )
        faults.append(Fault(message, hint=hint, position=Position(str(path), 1, 1)))
        return None
    built = _built(path, Users, "users", faults)
    return built[1] if built else None


def _calendars(path: Path, faults: list[Fault]) -> Calendars | None:
    """Return the calendars; None if the file is broken, so that no Period can be checked."""
    if not path.exists():
        return Calendars()
    built = _built(path, _CalendarsByName, _CALENDARS, faults)
    if built is None:
        return None
    document, named = built
    try:
        return Calendars(calendars=named.root)
    except ValidationError as error:
        faults += (_calendar_fault(detail, document) for detail in error.errors())
        return None


def _calendar_fault(detail: Any, document: Document) -> Fault:
    """Return the fault of a calendar whose name is invalid or reserved for another type."""
    if not detail["loc"]:
        place = (_CALENDARS, STANDARD)
        return Fault(str(detail["ctx"]["error"]), dotted(place), position=document.position(place, key=True))
    place = (_CALENDARS, detail["loc"][1])
    hint = "use letters, digits and `_`, beginning with a letter"
    return Fault("is not a name", dotted(place), hint, document.position(place, key=True))


def _built(path: Path, model: type[M], root: str, faults: list[Fault]) -> tuple[Document, M] | None:
    try:
        document = _read_inside(path, path.parent.parent if root == PROJECT else path.parent)
        return document, build(document, model, root)
    except ContractError as error:
        faults += error.faults
        return None


def read_projects(
    catalog: Catalog, users: Users | None, faults: list[Fault]
) -> Iterator[tuple[str, Project]]:
    """Yield the Projects without faults, and append the faults of the others.

    A Project without an id gets the id of its lock.
    """
    for path in _files(catalog.root / "projects", faults):
        built = _built(path, Project, PROJECT, faults)
        if built is None:
            continue
        document, project = built
        try:
            lock = read_project_lock(path.with_suffix(".lock"))
        except LockError as error:
            faults += error.faults
            continue
        broken = list(first_faults(project_faults(project, document, lock, users, catalog.project_dataset)))
        faults += broken
        if not broken:
            yield path.stem, project if project.id else project.model_copy(update={"id": lock.id})


def _misnamed(root: Path) -> Iterator[Fault]:
    """Yield a fault for each file that ends with `.yml` and is therefore not read."""
    for path in sorted((*root.glob("datasets/*.yml"), *root.glob("projects/*.yml"), *root.glob("*.yml"))):
        hint = f"rename it to {path.stem}.yaml"
        yield Fault("is not read", hint=hint, position=Position(str(path), 1, 1))
