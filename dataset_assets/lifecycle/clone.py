"""Copy the file of a dataset as a new dataset: new id, version 1, status draft."""

from datetime import UTC, datetime

import uuid6

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Status
from dataset_assets.errors import near
from dataset_assets.lifecycle.changes import KEY_ORDER, file_text, refuse_stale
from dataset_assets.lifecycle.create import checked_creation, create_dataset
from dataset_assets.model import Model
from dataset_assets.yaml.edits import SetValue, edited


class ClonedDataset(Model):
    """A copy: its stem, file, id and name, and the dataset that it was copied from."""

    dataset: str
    cloned_from: str
    file: str
    id: str
    name: str
    status: Status
    version: int
    text: str
    written: bool


def clone_dataset(
    catalog: Catalog,
    name: str,
    stem: str,
    new_name: str | None = None,
    *,
    now: datetime,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> ClonedDataset:
    """Write a copy of a dataset's file as `datasets/<stem>.yaml`, comments included, and lock it.

    The name says that it is a copy unless `new_name` is given. Raises ContractError as `create_dataset` does,
    and for a dataset with faults, and StaleFileError if its file is not the one that the caller saw.
    """
    entry = catalog.entry(name)
    dataset = catalog.checked(entry)
    text = file_text(entry)
    refuse_stale(entry.path, text, based_on)
    id_, title = str(uuid6.uuid7()), new_name or f"{dataset.name} (copy)"
    instant = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    system = {"id": id_, "version": "1", "created_at": instant, "updated_at": instant}
    document = entry.document.data[ROOT] if entry.document else {}
    edits = [SetValue((ROOT, key), value) for key, value in system.items() if document.get(key) is not None]
    if document.get("id") is None:
        edits.append(SetValue((ROOT, "id"), id_))
    edits += [SetValue((ROOT, "name"), title), SetValue((ROOT, "status"), Status.DRAFT.value)]
    copy = edited(text, str(entry.path), edits, KEY_ORDER)
    checked_creation(catalog, stem, copy)
    if not dry_run:
        create_dataset(catalog, stem, copy, locked=locked)
        lock_entry(load_catalog(catalog.root).entries[stem], now)
    return ClonedDataset(
        dataset=stem,
        cloned_from=entry.stem,
        file=near(catalog.root / "datasets" / f"{stem}.yaml"),
        id=id_,
        name=title,
        status=Status.DRAFT,
        version=1,
        text=copy,
        written=not dry_run,
    )
