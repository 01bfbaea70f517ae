"""What all changes of a dataset's file share: the check of the result, the difference, and the writing."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.proposal import Proposal, propose
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import (
    ContractError,
    Fault,
    Position,
    ReadOnlyError,
    StaleFileError,
    near,
    raise_all,
)
from dataset_assets.system_errors import system_fault
from dataset_assets.text.atomic_files import exact_text, replace_text, write_lock
from dataset_assets.text.digest import digest
from dataset_assets.yaml.edits import Edit, Order, edited
from dataset_assets.yaml.reader import read

SYSTEM_FIELDS = ("id", "version", "created_at", "updated_at")
"""The fields that only `lock` writes."""

KEY_ORDER: Order = {
    (ROOT,): tuple(name for name in Dataset.model_fields if name not in SYSTEM_FIELDS),
    (ROOT, "filters"): ("date_range", "product_filter", "customer_filter", "fit_on"),
}
"""Where a new key is written: after the keys that precede it here."""


def file_text(entry: Entry) -> str:
    """Return the text of a dataset's file. Raises ContractError if it cannot be read."""
    try:
        return exact_text(entry.path)
    except UnicodeDecodeError:
        raise ContractError(*entry.faults) from None
    except OSError as error:
        raise ContractError(system_fault(error)) from None


def text_tag(text: str) -> str:
    """Return the digest by which a caller says on which text of a file a change is based (`based_on`)."""
    return digest([text])


def refuse_stale(path: Path, text: str, based_on: str | None) -> None:
    """Raise StaleFileError if a change is based on another text than the file has."""
    if based_on is not None and based_on != text_tag(text):
        raise stale_file(path)


def stale_file(path: Path) -> StaleFileError:
    """Return the error for a file that another one changed meanwhile."""
    message, hint = "was changed by somebody else meanwhile", "look at it and try again"
    return StaleFileError(Fault(message, "", hint, Position(str(path), 1, 1)))


def proposed(
    catalog: Catalog, entry: Entry, edits: Sequence[Edit], based_on: str | None = None
) -> tuple[str, str, Proposal]:
    """Return the text of a file, its text after the edits, and the catalog that this would give.

    Raises StaleFileError if the file is not the one that the edits are based on, and ContractError with all
    faults of the result, at their lines in the edited text.
    """
    before = file_text(entry)
    refuse_stale(entry.path, before, based_on)
    if entry.document and read(before.removeprefix("\ufeff"), str(entry.path)).data != entry.document.data:
        raise stale_file(entry.path)  # the paths of the edits are those of another text
    after = edited(before, str(entry.path), edits, KEY_ORDER) if edits else before
    proposal = propose(catalog, entry.stem, after)
    raise_all(ContractError, proposal.faults)
    return before, after, proposal


def refuse_locked(*, locked: bool, patch: str = "") -> None:
    """Raise ReadOnlyError with the patch if the files here are changed in git alone (BR-115)."""
    if locked:
        message = "the files are not changed here: DATASET_ASSETS_LOCKED is set, or the folder is read only"
        hint = "change them in git; --dry-run prints what to change"
        raise ReadOnlyError(Fault(message, hint=hint), patch=patch)


def write_text(path: Path, before: str, after: str) -> None:
    """Replace the text of a file. Raises StaleFileError if it is no longer `before`, and writes nothing."""
    if before == after:
        return
    with write_lock(path):
        try:
            unchanged = exact_text(path) == before
        except (OSError, UnicodeDecodeError):
            unchanged = False
        if not unchanged:
            raise stale_file(path)
        replace_text(path, after)


def text_diff(path: Path, before: str | None, after: str | None) -> str:
    """Return the difference of two texts of a file in the form that `git apply` and `patch` read.

    None stands for no file: it is created or deleted.
    """
    name = near(path)
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True),
        (after or "").splitlines(keepends=True),
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def value_at(data: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path of a file's data; None if there is none."""
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data
