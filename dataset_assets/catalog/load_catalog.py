"""Load and check all files of a `definitions/` folder; a broken file affects no other (BR-203)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, RootModel, ValidationError

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry, FaultyProject
from dataset_assets.catalog.checked_files import CheckedFiles, checked_files
from dataset_assets.catalog.folder import refuse_link_out, yaml_files
from dataset_assets.catalog.garbage_collection import garbage_collection_paused
from dataset_assets.catalog.leftover_locks import leftover_locks
from dataset_assets.catalog.parsed_files import ParsedFile, check_files, parse_file
from dataset_assets.catalog.project_versions import read_project_lock
from dataset_assets.catalog.projects import ROOT as PROJECT
from dataset_assets.catalog.projects import ProjectRules, ProjectSurroundings
from dataset_assets.catalog.users import Users
from dataset_assets.contract.project import Project, output_stem
from dataset_assets.contract.scope import Scope
from dataset_assets.errors import ContractError, Fault, LockError, Position, first_faults
from dataset_assets.model import Text
from dataset_assets.periods.cadence import STANDARD, Calendars
from dataset_assets.periods.families import AnyCalendar
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file

M = TypeVar("M", bound=BaseModel)
_CALENDARS = "calendars"


class _CalendarsByName(RootModel[dict[Text, AnyCalendar]]):
    """The value of `calendars:` in `periods.yaml`."""


Parse = Callable[[Path], ParsedFile]
"""Reads and parses one file of `datasets/`. It raises nothing: faults become part of the result."""


def load_catalog(root: Path, parse: Parse | None = None) -> Catalog:
    """Read `datasets/`, `projects/`, `periods.yaml` and `users.yaml`. Writes nothing and raises nothing.

    `parse` replaces `parse_inside` for a caller that keeps the parsed files which have not changed.
    """
    faults: list[Fault] = []
    users = read_users(root / "users.yaml", faults)
    calendars = _calendars(root / "periods.yaml", faults)
    with garbage_collection_paused():
        paths = _files(root / "datasets", faults)
        known = None if parse else checked_files(root, len(paths))
        parse = parse or partial(parse_inside, root, known=known)
        files = {path.stem: parse(path) for path in paths}
        entries = entries_of(files, calendars, users, known)
        if known:
            known.save()
    catalog = Catalog(root, entries, calendars or Calendars(), users or Users({}), {}, ())
    catalog = with_projects(catalog, users, faults)
    faults += _misnamed(root)
    faults += leftover_locks(root, {each.lock.id: stem for stem, each in entries.items() if each.lock.id})
    return replace(catalog, faults=tuple(faults))


def parse_inside(root: Path, path: Path, known: CheckedFiles | None = None) -> ParsedFile:
    """Read and parse a file of a definitions folder. A link that leads out of the folder is a fault."""
    return parse_file(path, lambda each: _read_inside(each, root, known))


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


def _read_inside(path: Path, root: Path, known: CheckedFiles | None = None) -> Document:
    refuse_link_out(path, root)
    return read_file(path, known=known)


def entries_of(
    files: Mapping[str, ParsedFile],
    calendars: Calendars | None,
    users: Users | None,
    known: CheckedFiles | None = None,
) -> dict[str, Entry]:
    """Check parsed files against the rules, all together, and return an entry for each, by its stem."""
    faults = dict(check_files(files, calendars, users, known))
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


def with_projects(catalog: Catalog, users: Users | None, faults: list[Fault]) -> Catalog:
    """Return the catalog with its Projects, and append the faults of those that have some."""
    found = dict(_read_projects(catalog, users, faults))
    return replace(
        catalog,
        projects={stem: each for stem, each in found.items() if isinstance(each, Project)},
        faulty_projects={stem: each for stem, each in found.items() if isinstance(each, FaultyProject)},
    )


def _read_projects(
    catalog: Catalog, users: Users | None, faults: list[Fault]
) -> Iterator[tuple[str, Project | FaultyProject]]:
    """Yield the Projects that can be read, and append all faults.

    A Project without an id gets the id of its lock.
    """
    taken = {stem.lower(): f"the dataset `{stem}`" for stem in catalog.entries}
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
        around = _surroundings(catalog, users, taken)
        broken = list(first_faults(ProjectRules(path.stem, project, document, lock, around).faults()))
        faults += broken
        for step, _ in project.outputs():
            taken.setdefault(output_stem(path.stem, step.name).lower(), f"an output of `{path.stem}`")
        known = project if project.id else project.model_copy(update={"id": lock.id})
        yield path.stem, FaultyProject(known, tuple(broken)) if broken else known


def _surroundings(catalog: Catalog, users: Users | None, taken: Mapping[str, str]) -> ProjectSurroundings:
    def scope(stem: str) -> Scope | None:
        entry = catalog.entries.get(stem)
        return catalog.scope(entry) if entry and entry.ok else None

    def period_id(stem: str, name: str) -> str | None:
        schedule = schedule_of(catalog, catalog.entries[stem])
        return schedule.period(name).id if schedule else None

    return ProjectSurroundings(users, catalog.project_dataset, scope, period_id, dict(taken))


def _misnamed(root: Path) -> Iterator[Fault]:
    """Yield a fault for each file that ends with `.yml` and is therefore not read."""
    for path in sorted((*root.glob("datasets/*.yml"), *root.glob("projects/*.yml"), *root.glob("*.yml"))):
        hint = f"rename it to {path.stem}.yaml"
        yield Fault("is not read", hint=hint, position=Position(str(path), 1, 1))
