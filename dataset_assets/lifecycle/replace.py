"""Replace the definition of a dataset's file, by its whole text or by its data; comments of the rest stay."""

from collections.abc import Iterator, Mapping
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.proposal import Proposal, propose
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError, Fault, raise_all
from dataset_assets.lifecycle.changes import (
    KEY_ORDER,
    SYSTEM_FIELDS,
    file_text,
    refuse_locked,
    refuse_stale,
    text_diff,
    write_text,
)
from dataset_assets.lifecycle.definition_edits import definition_edits, file_value
from dataset_assets.lifecycle.edit import EditedDataset, edited_dataset
from dataset_assets.yaml.edits import SetValue, edited
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.notation import flow
from dataset_assets.yaml.reader import read

KEPT_FIELDS = (*SYSTEM_FIELDS, "status")
"""The fields that a new definition does not change."""
_HINTS = {"status": "use `activate`, `disable`, `archive` or `restore`"}


def replace_definition(
    catalog: Catalog,
    name: str,
    definition: Mapping[str, Any],
    *,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> EditedDataset:
    """Give a dataset's file another definition: its data as JSON has it, without the key `dataset`.

    What stays the same keeps its lines and comments. The system fields and the status stay as they are: the
    definition can leave them out. Raises ContractError with every fault of the definition, or if it changes
    one of these fields, and StaleFileError if the file is not the one that it is based on.
    """
    entry = catalog.entry(name)
    before = file_text(entry)
    refuse_stale(entry.path, before, based_on)
    if entry.document is None or not isinstance(entry.document.data.get(ROOT), dict):
        raise ContractError(*entry.faults)
    raise_all(ContractError, _changes_kept(entry, definition))
    data: dict[str, Any] = entry.document.data[ROOT]
    wanted = {key: file_value(value) for key, value in definition.items() if key not in KEPT_FIELDS}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    wanted |= {key: data[key] for key in KEPT_FIELDS if key in data}
    after = _text_of(entry, before, wanted)
    proposal = propose(catalog, entry.stem, after)
    raise_all(ContractError, proposal.faults)
    return _write(entry, before, after, proposal, dry_run=dry_run, locked=locked)


def replace_text_of(
    catalog: Catalog,
    name: str,
    text: str,
    *,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> EditedDataset:
    """Give a dataset's file another text. Raises as `replace_definition` does."""
    entry = catalog.entry(name)
    before = file_text(entry)
    refuse_stale(entry.path, before, based_on)
    proposal = propose(catalog, entry.stem, text)
    data = proposal.entry.document.data if proposal.entry.document else None
    root = data.get(ROOT) if isinstance(data, dict) else None
    kept = [*_changes_kept(entry, root), *_removed(entry, root)] if isinstance(root, dict) else []
    raise_all(ContractError, [*kept, *proposal.faults])
    return _write(entry, before, text, proposal, dry_run=dry_run, locked=locked)


def _write(
    entry: Entry, before: str, after: str, proposal: Proposal, *, dry_run: bool, locked: bool
) -> EditedDataset:
    if not dry_run:
        patch = text_diff(entry.path, before, after)
        refuse_locked(locked=locked and before != after, patch=patch)
        write_text(entry.path, before, after)
    return edited_dataset(entry, proposal, before, after, written=not dry_run and before != after)


def _text_of(entry: Entry, before: str, wanted: Mapping[str, Any]) -> str:
    """Return the text with the wanted data: by small edits if they lead there, else by whole values."""
    path = str(entry.path)
    built = _built(entry, wanted)
    if built is None:
        return edited(before, path, [SetValue((ROOT,), dict(wanted))], KEY_ORDER)
    attempts = (
        definition_edits((ROOT,), entry, wanted, built),
        [SetValue((ROOT,), dict(wanted))],
    )
    for edits in attempts:
        try:
            after = edited(before, path, edits, KEY_ORDER) if edits else before
        except ContractError:
            continue
        if _dataset(after, path) == built:
            return after
    return edited(before, path, [SetValue((ROOT,), dict(wanted))], KEY_ORDER)


def _built(entry: Entry, wanted: Mapping[str, Any]) -> Dataset | None:
    """Return the wanted dataset; None if it has faults, which the check of the whole text then finds."""
    return _dataset(f"{ROOT}: {flow(dict(wanted))}\n", str(entry.path))


def _dataset(text: str, path: str) -> Dataset | None:
    try:
        return build(read(text, path), Dataset, ROOT)
    except ContractError:
        return None


def _changes_kept(entry: Entry, definition: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each field of the definition that only the system or an action changes."""
    data = entry.document.data if entry.document else None
    root = data.get(ROOT) if isinstance(data, dict) else None
    if not isinstance(root, dict):  # the lock alone knows what it was
        root = {"id": str(entry.lock.id)} if entry.lock.id else {}
        definition = {key: value for key, value in definition.items() if key in root}
    for key in KEPT_FIELDS:
        given, present = definition.get(key), getattr(entry.dataset, key, None)
        if given is not None and str(file_value(given)) != root.get(key) and not _same(key, given, present):
            hint = _HINTS.get(key, "leave it out, or send it as it is; `lock` writes it")
            yield Fault("is not changed by a new definition", f"{ROOT}.{key}", hint)


def _same(key: str, given: Any, present: Any) -> bool:
    if present is None:
        return False
    found = Dataset.model_construct(**{key: present}).model_dump(mode="json", include={key}, warnings=False)
    return str(found[key]) == str(file_value(given))


def _removed(entry: Entry, root: Mapping[str, Any]) -> Iterator[Fault]:
    data = entry.document.data.get(ROOT) if entry.document else None
    for key in KEPT_FIELDS:
        if isinstance(data, dict) and data.get(key) is not None and root.get(key) is None:
            yield Fault(
                "is missing, and is not removed by a new definition", f"{ROOT}.{key}", "leave it as it is"
            )
