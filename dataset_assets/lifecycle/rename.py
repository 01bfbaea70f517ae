"""Give the file of a dataset another name; its lock moves along, and Projects that name it are edited.

A crash between the steps loses nothing: the lock is copied, the file is renamed, Projects are edited, and the
old lock is removed last. `check` reports the lock that is left over by a crash, and the same
rename again finishes what the first one began.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_project_file
from dataset_assets.catalog.project_versions import read_project_lock
from dataset_assets.catalog.references import Reference, dataset_id, project_references
from dataset_assets.catalog.versions import read_lock
from dataset_assets.errors import ContractError, Fault, near, raise_all
from dataset_assets.lifecycle.changes import file_text, refuse_locked, refuse_stale, text_diff, write_text
from dataset_assets.lifecycle.create import dataset_path, refuse_taken_stem
from dataset_assets.lifecycle.published import PublishedTable, published_tables
from dataset_assets.model import Model
from dataset_assets.ports.target import Target
from dataset_assets.text.atomic_files import exact_text, replace_text, write_lock
from dataset_assets.text.wording import shown
from dataset_assets.yaml.edits import SetValue, edited


class RenamedDataset(Model):
    """A renamed file: the stems before and after, the id that stays, and the Projects that were edited.

    `published_as` are the tables that keep the earlier name.
    """

    dataset: str
    renamed_from: str
    file: str
    id: str | None
    projects: tuple[str, ...]
    published_as: tuple[PublishedTable, ...]
    written: bool


def rename_dataset(
    catalog: Catalog,
    name: str,
    stem: str,
    *,
    target: Target | None = None,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> RenamedDataset:
    """Rename the file and the lock of a dataset, and edit the Projects that name it by its stem.

    What was published keeps its table; the next publication goes to a table of the new name. Raises
    ContractError for a stem that cannot name a table or is taken, and for a Project that cannot be edited,
    and StaleFileError if the file is not the one that the caller saw.
    """
    path = dataset_path(catalog.root, stem)
    entry = _interrupted(catalog, name, stem) or catalog.entry(name)
    before = name if entry.stem == stem else entry.stem
    if entry.stem != stem:
        _refuse_taken(catalog, entry, stem)
    elif before == stem:
        raise ContractError(Fault(f"the dataset is called {shown(stem)} already", hint="give another name"))
    if based_on is not None:
        refuse_stale(entry.path, file_text(entry), based_on)
    projects = _edited_projects(catalog, entry, before, stem)
    tables = published_tables(target, dataset_id(entry))
    if not dry_run:
        refuse_locked(locked=locked, patch=_patch(entry, path, projects) if locked else "")
        _move(entry, path)
        for file, (old, new) in projects.items():
            write_text(file, old, new)
        path.with_name(f"{before}.lock").unlink(missing_ok=True)
        _lock_projects(catalog.root, projects)
    return RenamedDataset(
        dataset=stem,
        renamed_from=before,
        file=near(path),
        id=dataset_id(entry),
        projects=tuple(file.stem for file in projects),
        published_as=tuple(table for table in tables if table.name != stem),
        written=not dry_run,
    )


def _lock_projects(root: Path, files: Iterable[Path]) -> None:
    """Lock the Projects again that had a version: their structure names the dataset by its stem."""
    catalog = load_catalog(root)
    for file in files:
        is_locked = bool(read_project_lock(file.with_suffix(".lock")).versions)
        if is_locked and file.stem in catalog.projects:
            lock_project_file(catalog, file.stem, datetime.now(UTC))


def _patch(entry: Entry, path: Path, projects: dict[Path, tuple[str, str]]) -> str:
    """Return the change as a patch: the file and the lock under their new names, and the edited Projects."""
    parts = [text_diff(file, old, new) for file, (old, new) in projects.items()]
    for old, new in ((entry.path, path), (entry.lock_path, path.with_suffix(".lock"))):
        if old != new and old.exists():
            parts += [text_diff(old, exact_text(old), None), text_diff(new, None, exact_text(old))]
    return "".join(parts)


def _interrupted(catalog: Catalog, name: str, stem: str) -> Entry | None:
    """Return the entry of the new stem if a rename to it was interrupted after the file was renamed."""
    entry = catalog.entries.get(stem)
    left = catalog.root / "datasets" / f"{name}.lock"
    if entry is None or name in catalog.entries or not left.exists():
        return None
    return entry if read_lock(left).id == entry.lock.id else None


def _refuse_taken(catalog: Catalog, entry: Entry, stem: str) -> None:
    """Raise ContractError if the stem is taken, unless by the lock that an interrupted rename copied."""
    others = (each for each in catalog.entries if each not in (entry.stem, stem))
    other = next((each for each in others if each.lower() == stem.lower()), None)
    if other:
        message = f"{shown(stem)} differs from `{other}` by case"
        hint = "choose another name: some file systems and tables ignore case"
        raise ContractError(Fault(message, hint=hint))
    lock = dataset_path(catalog.root, stem).with_suffix(".lock")
    copied = lock.exists() and entry.lock.id is not None and read_lock(lock).id == entry.lock.id
    if not copied or stem in catalog.entries:
        refuse_taken_stem(catalog, stem)


def _edited_projects(catalog: Catalog, entry: Entry, before: str, stem: str) -> dict[Path, tuple[str, str]]:
    """Return the text of each Project that names the stem, before and after. Raises ContractError."""
    named = Entry(before, entry.path, entry.document, entry.dataset, entry.faults, entry.lock)
    references = [each for each in project_references(catalog, named) if each.by_stem]
    raise_all(ContractError, (_unreadable(each, before) for each in references if not each.place))
    texts: dict[Path, tuple[str, str]] = {}
    for reference in references:
        old, new = texts.get(reference.file, (exact_text(reference.file),) * 2)
        new = edited(new, str(reference.file), [SetValue(reference.place, stem)])
        texts[reference.file] = old, new
    return texts


def _unreadable(reference: Reference, stem: str) -> Fault:
    message = f"names {shown(stem)}, but the file has faults and cannot be edited"
    return Fault(message, "", "fix the file of the Project first", reference.position)


def _move(entry: Entry, path: Path) -> None:
    if entry.path == path:
        return
    with write_lock(entry.lock_path), write_lock(entry.path), write_lock(path):
        if path.exists():
            raise ContractError(Fault(f"there is a file {near(path)} already", hint="choose another name"))
        if entry.lock_path.exists():
            replace_text(path.with_suffix(".lock"), exact_text(entry.lock_path))
        entry.path.rename(path)
