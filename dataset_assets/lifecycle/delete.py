"""Delete the file of a dataset that nothing refers to (BR-007); what was published stays.

The lock is deleted as well. A later dataset of the same stem has another id, so that no number of the old id
gets a second structure, and the table of the old id is not replaced by it.
"""

from collections.abc import Callable, Iterator, Sequence

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.references import dataset_id, nesting_references, project_references
from dataset_assets.errors import Fault, InUseError, near, raise_all
from dataset_assets.lifecycle.changes import file_text, refuse_locked, refuse_stale, text_diff
from dataset_assets.lifecycle.published import PublishedTable, published_tables
from dataset_assets.lifecycle.uses import list_uses
from dataset_assets.model import Model
from dataset_assets.ports.target import Target
from dataset_assets.text.atomic_files import exact_text, write_lock
from dataset_assets.text.wording import shown

UsesOf = Callable[[Entry], Sequence[str]]
"""Returns the uses and pins of a dataset's publications as sentences; none if nobody used them."""

_MOST_USES = 5


class DeletedDataset(Model):
    """A deleted dataset: the files that were removed, its id, its last version, and what stays published."""

    dataset: str
    files: tuple[str, ...]
    id: str | None
    version: int | None
    published_as: tuple[PublishedTable, ...]
    written: bool


def delete_dataset(
    catalog: Catalog,
    name: str,
    uses_of: UsesOf,
    *,
    target: Target | None = None,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> DeletedDataset:
    """Delete the file and the lock of a dataset.

    Raises InUseError, and deletes nothing, if a Project or another dataset names the dataset, or if one of
    its publications was used; StaleFileError if the file is not the one that the caller saw.
    """
    entry = catalog.entry(name)
    raise_all(InUseError, [*_references(catalog, entry), *_uses(entry, uses_of)])
    tables = published_tables(target, dataset_id(entry))
    files = [path for path in (entry.path, entry.lock_path) if path.exists()]
    if not dry_run:
        patch = "".join(text_diff(path, exact_text(path), None) for path in files) if locked else ""
        refuse_locked(locked=locked, patch=patch)
        with write_lock(entry.lock_path), write_lock(entry.path):
            if based_on is not None:
                refuse_stale(entry.path, file_text(entry), based_on)
            for path in files:  # the lock last: a file without its lock would begin with number 1 again
                path.unlink()
    return DeletedDataset(
        dataset=entry.stem,
        files=tuple(near(path) for path in files),
        id=dataset_id(entry),
        version=max(entry.lock.numbers, default=None),
        published_as=tables,
        written=not dry_run,
    )


def _references(catalog: Catalog, entry: Entry) -> Iterator[Fault]:
    for reference in project_references(catalog, entry):
        hint = f"`dataset-assets disable {entry.stem}` keeps it from new Projects, or remove it there first"
        yield Fault(
            f"the project `{reference.stem}` uses `{entry.stem}` (BR-007)", "", hint, reference.position
        )
    for reference in nesting_references(catalog, entry):
        hint = "remove that lookup first, or archive the dataset"
        yield Fault(f"the dataset `{reference.stem}` reads `{entry.stem}`", "", hint, reference.position)


def _uses(entry: Entry, uses_of: UsesOf) -> Iterator[Fault]:
    uses = list(uses_of(entry))
    for use in uses[:_MOST_USES]:
        hint = f"`dataset-assets archive {entry.stem}` hides it and keeps what was used"
        yield Fault(f"`{entry.stem}` is in use: {use}", "", hint)
    if len(uses) > _MOST_USES:
        yield Fault(f"and {len(uses) - _MOST_USES:,} more uses of `{entry.stem}`")


def recorded_uses(target: Target) -> UsesOf:
    """Return the function that reads a dataset's uses and pins in a target, under all names of its tables."""
    return lambda entry: list(_sentences(target, entry))


def _sentences(target: Target, entry: Entry) -> Iterator[str]:
    id_ = dataset_id(entry)
    tables = (table.name for table in published_tables(target, id_))
    for name in dict.fromkeys((entry.stem, *tables)):
        found = list_uses(target, name)
        for use in found.uses:
            if use.dataset_id in (None, id_):
                rows = f"{name} {use.period}" if use.period else name
                yield f"the training run {shown(use.training_run)} read {rows} on {use.used_at:%Y-%m-%d}"
        used = {(use.period, use.table_version) for use in found.uses}
        for pin in found.pins:
            if (pin.period, pin.table_version) not in used:
                yield f"version {pin.table_version} of the table {name} is pinned"
