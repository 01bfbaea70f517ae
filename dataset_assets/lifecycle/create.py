"""Create the file of a new dataset."""

from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.proposal import propose
from dataset_assets.catalog.setting_rules import STEM
from dataset_assets.errors import ContractError, Fault, InUseError, near, raise_all
from dataset_assets.lifecycle.changes import refuse_locked, text_diff
from dataset_assets.model import Model
from dataset_assets.text.atomic_files import replace_text, write_lock
from dataset_assets.text.wording import shown


class CreatedDataset(Model):
    """A file that was created, or would be: the dataset's stem, the path, and the text that it has."""

    dataset: str
    file: str
    text: str
    written: bool


def create_dataset(
    catalog: Catalog, stem: str, text: str, *, dry_run: bool = False, locked: bool = False
) -> CreatedDataset:
    """Write `datasets/<stem>.yaml` with this text, which is checked against every rule first.

    Raises ContractError with all faults, and writes nothing, if the text breaks a rule, if the stem cannot
    name a table, or if a dataset of that stem exists or left its lock behind; ReadOnlyError with the patch if
    the files are changed in git alone.
    """
    entry = checked_creation(catalog, stem, text)
    if not dry_run:
        refuse_locked(locked=locked, patch=text_diff(entry.path, None, text))
        with write_lock(entry.path):
            refuse_taken_stem(catalog, stem)
            replace_text(entry.path, text)
    return CreatedDataset(dataset=stem, file=near(entry.path), text=text, written=not dry_run)


def checked_creation(catalog: Catalog, stem: str, text: str) -> Entry:
    """Return the entry of a new file with this text. Raises ContractError as `create_dataset`."""
    refuse_taken_stem(catalog, stem)
    proposal = propose(catalog, stem, text)
    raise_all(ContractError, proposal.faults)
    return proposal.entry


def refuse_taken_stem(catalog: Catalog, stem: str) -> None:
    """Raise ContractError if a file of this stem exists, or a lock without its file.

    A new dataset beside the lock of another one would get the id and the numbers of the other.
    """
    path = dataset_path(catalog.root, stem)
    if path.exists() or stem in catalog.entries:
        message, hint = f"there is a dataset {shown(stem)} already", "choose another name"
        raise InUseError(Fault(f"{message}: {near(path)}", hint=hint))
    lock = path.with_suffix(".lock")
    if lock.exists():
        message = f"{near(lock)} is the lock of a dataset whose file is missing"
        hint = "restore that file, or remove the lock; else the new dataset would get the other one's id"
        raise InUseError(Fault(message, hint=hint))


def dataset_path(root: Path, stem: str) -> Path:
    """Return the path of a dataset's file. Raises ContractError if no table can be called so (BR-131)."""
    if not STEM.fullmatch(stem):
        message = f"{shown(stem)} cannot name a dataset and its table"
        hint = "use letters, digits and `_`, beginning with a letter"
        raise ContractError(Fault(message, hint=hint))
    return root / "datasets" / f"{stem}.yaml"
