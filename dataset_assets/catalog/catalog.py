"""All files of a `definitions/` folder, read, built and checked; a broken one takes no other down."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, RootModel, ValidationError

from dataset_assets.catalog.drafts import ParsedFile, checked, parsed
from dataset_assets.catalog.folder import files_of, refuse_link_out
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.catalog.projects import ROOT as PROJECT
from dataset_assets.catalog.projects import Project, Referent, project_faults, read_project_lock
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Named, Scope
from dataset_assets.errors import ContractError, Fault, LockError, Position, first_faults
from dataset_assets.model import Text
from dataset_assets.periods.calendar import STANDARD, Calendars
from dataset_assets.periods.families import AnyCalendar
from dataset_assets.text.wording import dotted, nearest, shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file

M = TypeVar("M", bound=BaseModel)
_CALENDARS = "calendars"


class _Named(RootModel[dict[Text, AnyCalendar]]):
    """What stands under `calendars:` in `periods.yaml`."""


@dataclass(frozen=True)
class Entry:
    """One file of `datasets/`. `dataset` is None when it cannot be built; `faults` are all of the file's.

    `dataset.id` is the lock's where the file has none.
    """

    stem: str
    path: Path
    document: Document | None
    dataset: Dataset | None
    faults: tuple[Fault, ...]
    lock: Lock

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.faults

    @property
    def lock_path(self) -> Path:
        """The lock beside the file."""
        return self.path.with_suffix(".lock")


@dataclass(frozen=True)
class Catalog:
    """`entries` by stem, sorted; `projects` without the broken ones; `faults` of all files but datasets."""

    root: Path
    entries: Mapping[str, Entry]
    calendars: Calendars
    users: Users
    projects: Mapping[str, Project]
    faults: tuple[Fault, ...]

    def entry(self, name: str) -> Entry:
        """By stem or id (BR-131). Raises ContractError that names the nearest stem."""
        found = self.named(name)
        if found is None:
            meant = nearest(name, self.entries)
            hint = f"did you mean `{meant}`?" if meant else f"see {self.root / 'datasets'}"
            raise ContractError(Fault(f"there is no dataset {shown(name)}", hint=hint))
        return found

    def named(self, name: str) -> Entry | None:
        """By stem or id; None where there is none."""
        return self.entries.get(name) or self._by_id.get(name.lower())

    def referent(self, name: str) -> Referent | None:
        """What a Project's name for a Dataset leads to."""
        entry = self.named(name)
        return Referent(entry.stem, entry.dataset) if entry else None

    def find(self, id: UUID) -> Named | None:  # noqa: A002 - the specification's word
        """The Dataset with this id; None for one that is broken or absent."""
        return self._sound.get(id)

    def scope(self, entry: Entry) -> Scope:
        """What the names in a Dataset refer to. Raises ContractError when it is broken."""
        return Scope(self.checked(entry), self.find)

    def checked(self, entry: Entry) -> Dataset:
        """The Dataset. Raises ContractError with its faults when it is broken."""
        if entry.faults or entry.dataset is None:
            raise ContractError(*entry.faults)
        return entry.dataset

    @cached_property
    def _by_id(self) -> Mapping[str, Entry]:
        known = (
            (entry.dataset.id if entry.dataset else entry.lock.id, entry) for entry in self.entries.values()
        )
        return {str(id_): entry for id_, entry in known if id_}

    @cached_property
    def _sound(self) -> Mapping[UUID, Named]:
        return {
            entry.dataset.id: Named(entry.stem, entry.dataset, self.find)
            for entry in self.entries.values()
            if entry.ok and entry.dataset and entry.dataset.id
        }


def load_catalog(root: Path) -> Catalog:
    """Reads `datasets/`, `projects/`, `periods.yaml`, `users.yaml`. Writes nothing; raises nothing."""
    faults: list[Fault] = []
    users = _users(root / "users.yaml", faults)
    calendars = _calendars(root / "periods.yaml", faults)
    with garbage_collection_paused():
        paths = _listed(root / "datasets", faults)
        drafts = {path.stem: parsed(path, lambda each: _read_inside(each, root)) for path in paths}
        entries = _entries(drafts, calendars, users)
    catalog = Catalog(root, entries, calendars or Calendars(), users or Users({}), {}, ())
    projects = dict(_projects(catalog, users, faults))
    faults += _misnamed(root)
    return replace(catalog, projects=projects, faults=tuple(faults))


def single_catalog(path: Path, stem: str, read: Callable[[Path], Document]) -> Catalog:
    """One Dataset by itself, with the `periods.yaml` and `users.yaml` beside it where there are any.

    `read` finds it in its file. Without users its owner is not checked. All faults are the Dataset's.
    """
    root, faults = path.parent, list[Fault]()
    users = _users(root / "users.yaml", faults) if (root / "users.yaml").exists() else None
    calendars = _calendars(root / "periods.yaml", faults)
    entry = _entries({stem: parsed(path, read)}, calendars, users)[stem]
    entries = {stem: replace(entry, faults=(*entry.faults, *faults))}
    return Catalog(root, entries, calendars or Calendars(), users or Users({}), {}, ())


def _listed(folder: Path, faults: list[Fault]) -> list[Path]:
    """The YAML files of a folder; none, and a fault, for one that cannot be read."""
    try:
        return files_of(folder, ".yaml")
    except ContractError as error:
        faults += error.faults
        return []


def _read_inside(path: Path, root: Path) -> Document:
    refuse_link_out(path, root)
    return read_file(path)


def _entries(
    drafts: Mapping[str, ParsedFile], calendars: Calendars | None, users: Users | None
) -> dict[str, Entry]:
    found = dict(checked(drafts, calendars, users))
    return {
        stem: Entry(
            stem, each.path, each.document, each.dataset if each.is_whole else None, found[stem], each.lock
        )
        for stem, each in drafts.items()
    }


def _users(path: Path, faults: list[Fault]) -> Users | None:
    if not path.exists():
        message, hint = (
            "there is no users.yaml, so owners cannot be checked",
            "create it, with the key `users:`",
        )
        faults.append(Fault(message, hint=hint, position=Position(str(path), 1, 1)))
        return None
    found = _built(path, Users, "users", faults)
    return found[1] if found else None


def _calendars(path: Path, faults: list[Fault]) -> Calendars | None:
    """None for a broken file: then nobody can say which Periods there are."""
    if not path.exists():
        return Calendars()
    found = _built(path, _Named, _CALENDARS, faults)
    if found is None:
        return None
    document, named = found
    try:
        return Calendars(calendars=named.root)
    except ValidationError as error:
        faults += (_of_calendar(detail, document) for detail in error.errors())
        return None


def _of_calendar(detail: Any, document: Document) -> Fault:
    """A name that is none, or a calendar that may not have its name."""
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


def _projects(catalog: Catalog, users: Users | None, faults: list[Fault]) -> Iterator[tuple[str, Project]]:
    """The Projects without faults; one without an id has its lock's."""
    for path in _listed(catalog.root / "projects", faults):
        found = _built(path, Project, PROJECT, faults)
        if found is None:
            continue
        document, project = found
        try:
            lock = read_project_lock(path.with_suffix(".lock"))
        except LockError as error:
            faults += error.faults
            continue
        broken = list(first_faults(project_faults(project, document, lock, users, catalog.referent)))
        faults += broken
        if not broken:
            yield path.stem, project if project.id else project.model_copy(update={"id": lock.id})


def _misnamed(root: Path) -> Iterator[Fault]:
    """Files that were meant to be read, and are not."""
    for path in sorted((*root.glob("datasets/*.yml"), *root.glob("projects/*.yml"), *root.glob("*.yml"))):
        hint = f"rename it to {path.stem}.yaml"
        yield Fault("is not read", hint=hint, position=Position(str(path), 1, 1))
