"""What `lock` and `lock --check` print (BR-115)."""

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
    """Raises LockError with everything that `lock` would do, or would refuse."""
    stems = _stems(catalog, names)
    faults = [fault for stem in stems for fault in entry_lock_faults(catalog.entries[stem])]
    if not names:
        faults += catalog.faults
        faults += [fault for stem in catalog.projects for fault in project_lock_faults(catalog, stem)]
    raise_all(LockError, faults)
    say(f"{len(stems)} dataset{'s' * (len(stems) != 1)}: every lock is up to date")


def write_locks(catalog: Catalog, names: Sequence[str]) -> None:
    """Locks the named datasets; without names all of them, then the projects.

    Those with faults do not keep the others from being locked; raises LockError with the faults at the end.
    """
    now = datetime.now(UTC)
    faults: list[Fault] = []
    for stem in _stems(catalog, names):
        _tell(stem, lambda entry=catalog.entries[stem]: lock_entry(entry, now), faults)
    if not names:
        catalog = load_catalog(catalog.root)  # datasets have got the ids that projects record
        faults += catalog.faults
        for stem in catalog.projects:
            _tell(f"project {stem}", lambda stem=stem: lock_project_file(catalog, stem, now), faults)
    raise_all(LockError, faults)


def _stems(catalog: Catalog, names: Sequence[str]) -> list[str]:
    return nested_first(catalog, [catalog.entry(name).stem for name in names] or catalog.entries)


def _tell(name: str, work: Callable[[], Sequence[str]], faults: list[Fault]) -> None:
    try:
        done = work()
    except DatasetAssetsError as error:
        faults += error.faults
        return
    typer.echo(visible(f"{name}: {'; '.join(done) or 'up to date'}"))
