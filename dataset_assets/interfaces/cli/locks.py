"""Check and write the locks of datasets and projects for `dataset-assets lock` (BR-115)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import typer

from dataset_assets.catalog.build_order import nested_first
from dataset_assets.catalog.catalog import Catalog, load_catalog
from dataset_assets.catalog.locks import (
    entry_lock_faults,
    lock_entry,
    lock_project_file,
    project_lock_faults,
)
from dataset_assets.errors import DatasetAssetsError, Fault, LockError, raise_all, visible
from dataset_assets.interfaces.cli.console import say


def check_locks(catalog: Catalog, names: Sequence[str]) -> None:
    """Raise LockError with every change that `lock` would write or refuse; print a line if there is none."""
    stems = _stems(catalog, names)
    faults = [fault for stem in stems for fault in entry_lock_faults(catalog.entries[stem])]
    if not names:
        faults += catalog.faults
        faults += [fault for stem in catalog.projects for fault in project_lock_faults(catalog, stem)]
    raise_all(LockError, faults)
    say(f"{len(stems)} dataset{'s' * (len(stems) != 1)}: every lock is up to date")


def write_locks(catalog: Catalog, names: Sequence[str]) -> None:
    """Lock the named datasets, or all datasets and then the projects if there are no names.

    A dataset with faults does not stop the others; LockError with all faults is raised at the end.
    """
    now = datetime.now(UTC)
    faults: list[Fault] = []
    for stem in _stems(catalog, names):
        _lock_and_print(stem, lambda entry=catalog.entries[stem]: lock_entry(entry, now), faults)
    if not names:
        catalog = load_catalog(catalog.root)  # projects record ids that datasets have only now
        faults += catalog.faults
        for stem in catalog.projects:
            _lock_and_print(
                f"project {stem}", lambda stem=stem: lock_project_file(catalog, stem, now), faults
            )
    raise_all(LockError, faults)


def _stems(catalog: Catalog, names: Sequence[str]) -> list[str]:
    return nested_first(catalog, [catalog.entry(name).stem for name in names] or catalog.entries)


def _lock_and_print(name: str, work: Callable[[], Sequence[str]], faults: list[Fault]) -> None:
    try:
        changes = work()
    except DatasetAssetsError as error:
        faults += error.faults
        return
    typer.echo(visible(f"{name}: {'; '.join(changes) or 'up to date'}"))
