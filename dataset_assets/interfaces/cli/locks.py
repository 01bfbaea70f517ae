"""Check and write the locks of datasets and projects for `dataset-assets lock` (BR-115)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from dataset_assets.catalog.build_order import nested_first
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog, parse_inside
from dataset_assets.catalog.locks import (
    entry_lock_faults,
    lock_entry,
    lock_project_file,
    project_lock_faults,
)
from dataset_assets.catalog.parsed_files import ParsedFile
from dataset_assets.errors import DatasetAssetsError, Fault, LockError, raise_all, visible
from dataset_assets.interfaces.answers.maintenance import LockedAnswer, LocksAnswer
from dataset_assets.interfaces.cli.console import print_json, say


def check_locks(catalog: Catalog, names: Sequence[str]) -> None:
    """Raise LockError with every change that `lock` would write or refuse; print a line if there is none."""
    stems = _stems(catalog, names)
    faults = [fault for stem in stems for fault in entry_lock_faults(catalog.entries[stem])]
    if not names:
        faults += catalog.faults
        faults += [fault for stem in catalog.projects for fault in project_lock_faults(catalog, stem)]
    raise_all(LockError, faults)
    say(f"{len(stems)} dataset{'s' * (len(stems) != 1)}: every lock is up to date")


def write_locks(catalog: Catalog, names: Sequence[str], *, as_json: bool = False) -> None:
    """Lock the named datasets, or all datasets and then the projects without names. Print the changes.

    A dataset with faults does not stop the others; LockError with all faults is raised at the end.
    """
    now = datetime.now(UTC)
    faults: list[Fault] = []
    locked: list[LockedAnswer] = []
    for stem in _stems(catalog, names):
        locked += _lock(stem, lambda entry=catalog.entries[stem]: lock_entry(entry, now), faults)
    if not names:
        catalog = _with_locked_ids(catalog, {each.name for each in locked if each.changes})
        faults += catalog.faults
        for stem in catalog.projects:
            locked += _lock(
                f"project {stem}", lambda stem=stem: lock_project_file(catalog, stem, now), faults
            )
    if as_json:
        print_json(LocksAnswer(locked=tuple(locked)))
    else:
        for each in locked:
            typer.echo(visible(f"{each.name}: {'; '.join(each.changes) or 'up to date'}"))
    raise_all(LockError, faults)


def _with_locked_ids(catalog: Catalog, changed: Collection[str]) -> Catalog:
    """Return the catalog with the ids that datasets have only now, because projects record them.

    Only files that changed are read again, and none if there are no projects.
    """
    if not any((catalog.root / "projects").glob("*.yaml")):
        return catalog

    def parse(path: Path) -> ParsedFile:
        entry = catalog.entries.get(path.stem)
        if entry is None or not entry.ok or path.stem in changed:
            return parse_inside(catalog.root, path)
        return ParsedFile(path, entry.document, entry.dataset, frozenset(), (), entry.lock)

    return load_catalog(catalog.root, parse)


def _stems(catalog: Catalog, names: Sequence[str]) -> list[str]:
    return nested_first(catalog, [catalog.entry(name).stem for name in names] or catalog.entries)


def _lock(name: str, work: Callable[[], Sequence[str]], faults: list[Fault]) -> Iterator[LockedAnswer]:
    """Yield what `work` changed; add its faults to `faults` instead if it fails."""
    try:
        yield LockedAnswer(name=name, changes=tuple(work()))
    except DatasetAssetsError as error:
        faults += error.faults
