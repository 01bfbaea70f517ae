"""Say in words what changed between two versions of a dataset, or between the last one and the file."""

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.structures import structure
from dataset_assets.contract.structural_diff import Difference, Kind, Structure, difference
from dataset_assets.errors import Fault, LockError, NoSuchVersionError
from dataset_assets.model import Model
from dataset_assets.text.wording import listed

FILE = "file"
"""What the JSON calls the structure that the file has now."""


class ChangeInWords(Model):
    """One change as a sentence; `breaking` if it can change or remove what a consumer reads."""

    text: str
    breaking: bool


class VersionDiff(Model):
    """The changes from one version to another, breaking ones first. A version is a number or `file`."""

    dataset: str
    before: int | str
    after: int | str
    kind: Kind
    changes: tuple[ChangeInWords, ...]


def diff_versions(
    catalog: Catalog, name: str, before: int | None = None, after: int | None = None
) -> VersionDiff:
    """Compare two versions of a dataset; by default the last locked version with the file as it is.

    Raises NoSuchVersionError for a version that the lock does not have, LockError if it has none, and
    ContractError if the file is compared and has faults.
    """
    entry = catalog.entry(name)
    if before is None:
        if not entry.lock.numbers:
            message = f"`{entry.stem}` was never locked, so that it has no versions"
            raise LockError(Fault(message, hint="run `dataset-assets lock`"))
        before = max(entry.lock.numbers)
    old = _structure(entry, before)
    new = structure(catalog.checked(entry)) if after is None else _structure(entry, after)
    found = difference(old, new)
    return VersionDiff(
        dataset=entry.stem,
        before=before,
        after=FILE if after is None else after,
        kind=found.kind,
        changes=changes_in_words(found),
    )


def changes_in_words(found: Difference) -> tuple[ChangeInWords, ...]:
    """Return each change as a sentence, breaking ones first."""
    ordered = sorted(found.changes, key=lambda change: not change.breaking)
    return tuple(ChangeInWords(text=_sentence(each.text), breaking=each.breaking) for each in ordered)


def _structure(entry: Entry, number: int) -> Structure:
    found = next(
        (line.structure for line in entry.lock.lines if line.version == number and line.structure), None
    )
    if found is None:
        known = listed((str(each) for each in sorted(entry.lock.numbers)), 20)
        hint = f"it has {known}" if known else "it was never locked"
        raise NoSuchVersionError(Fault(f"`{entry.stem}` has no version {number}", hint=hint))
    return found


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
