"""Edit fields of a dataset's file, and report whether this changes its structure (BR-006)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.proposal import Proposal
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.structural_diff import Kind
from dataset_assets.errors import ContractError, Fault, near
from dataset_assets.lifecycle.changes import proposed, refuse_locked, text_diff, value_at, write_text
from dataset_assets.lifecycle.fields import parse_edits, value_edits
from dataset_assets.model import Model
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.edits import Edit


class FieldChange(Model):
    """A field of the file with its value before and after; None if it has none."""

    field: str
    before: Any
    after: Any


class EditedDataset(Model):
    """An edit of a file: the fields that changed, and the version that the dataset has with them.

    `structural` is true if the edit changed the structure; `version` is then a new number, which `lock` or
    the next publication writes down. `kind` and `summary` compare with the last locked version.
    """

    dataset: str
    file: str
    changes: tuple[FieldChange, ...]
    structural: bool
    version: int
    kind: Kind
    summary: str
    diff: str
    written: bool


def edit_dataset(
    catalog: Catalog,
    name: str,
    assignments: Sequence[str],
    removals: Sequence[str] = (),
    *,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> EditedDataset:
    """Set fields (`key=value`) and remove fields of a dataset's file; comments and layout stay.

    Raises ContractError with every fault that the result would have, and LockError if the file is locked or
    changes meanwhile. Nothing is written then.
    """
    return _edit(
        catalog, name, lambda data: parse_edits(data, assignments, removals), based_on, dry_run, locked
    )


def edit_values(
    catalog: Catalog,
    name: str,
    values: Mapping[str, Any],
    removals: Sequence[str] = (),
    *,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> EditedDataset:
    """Set fields to values as JSON has them, and remove fields, as `edit_dataset` does."""
    return _edit(catalog, name, lambda data: value_edits(data, values, removals), based_on, dry_run, locked)


def _edit(
    catalog: Catalog,
    name: str,
    parse: Callable[[Any], Sequence[Edit]],
    based_on: str | None,
    dry_run: bool,
    locked: bool,
) -> EditedDataset:
    entry = catalog.entry(name)
    if entry.document is None:
        raise ContractError(*entry.faults)
    edits = parse(entry.document.data)
    if not edits:
        raise ContractError(Fault("there is nothing to edit", hint="name fields: `filters.fit_on=train`"))
    before, after, proposal = proposed(catalog, entry, edits, based_on)
    if not dry_run:
        refuse_locked(locked=locked, patch=text_diff(entry.path, before, after))
        write_text(entry.path, before, after)
    old, new = entry.document.data, proposal.entry.document
    changes = (
        FieldChange(field=dotted(edit.path[1:]), before=was, after=now)
        for edit in edits
        if (was := value_at(old, edit.path)) != (now := value_at(new.data if new else None, edit.path))
    )
    done = edited_dataset(entry, proposal, before, after, written=not dry_run and before != after)
    return done.model_copy(update={"changes": tuple(changes)})


def edited_dataset(
    entry: Entry, proposal: Proposal, before: str, after: str, *, written: bool
) -> EditedDataset:
    """Return what a change of a file's text means for the dataset."""
    version = entry.lock.version_of(proposal.catalog.checked(proposal.entry))
    roots = (
        value_at(each.data if each else None, (ROOT,)) for each in (entry.document, proposal.entry.document)
    )
    return EditedDataset(
        dataset=entry.stem,
        file=near(entry.path),
        changes=tuple(_field_changes(*roots)),
        structural=entry.dataset is None or entry.lock.version_of(entry.dataset).sha256 != version.sha256,
        version=version.number,
        kind=version.kind,
        summary=version.summary,
        diff=text_diff(entry.path, before, after),
        written=written,
    )


def _field_changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[FieldChange]:
    """Yield the fields that differ; a list counts as one field."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _field_changes(before.get(key), after.get(key), (*path, key))
    else:
        yield FieldChange(field=dotted(path), before=before, after=after)
