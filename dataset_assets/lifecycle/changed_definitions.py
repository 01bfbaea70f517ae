"""Compare the definition of a dataset with the one that a publication was made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.structures import structural_hash, structure
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import Kind, difference
from dataset_assets.lifecycle.diff import ChangeInWords, changes_in_words
from dataset_assets.lifecycle.target_change import ColumnChange
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.snapshot import definition_of

_SYSTEM = {"id", "version", "created_at", "updated_at"}


@dataclass(frozen=True)
class ChangedDefinition:
    """The difference of a definition from a publication; `kind` is `first` if nothing is published.

    `version` is the number that today's structure has or gets, `sha256` its digest. `settings` are changed
    fields of the file that are not structural.
    """

    kind: Kind
    version: int
    sha256: str
    changes: tuple[ChangeInWords, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether there is no publication of this structure."""
        return self.kind != "same"


def new_definition(catalog: Catalog, entry: Entry) -> ChangedDefinition:
    """Return the definition of a dataset that is not published."""
    dataset = catalog.checked(entry)
    version = entry.lock.version_of(dataset)
    columns = tuple(
        ColumnChange(name=each.name, type_before=None, type_after=each.type.value)
        for each in PublishedColumns(catalog.scope(entry)).stored
    )
    return ChangedDefinition("first", version.number, version.sha256, columns=columns)


def changed_definition(catalog: Catalog, entry: Entry, record: Record) -> ChangedDefinition:
    """Return what changed since the publication with this record."""
    dataset, before = catalog.checked(entry), Dataset.model_validate(record["definition"])
    version, found = entry.lock.version_of(dataset), difference(structure(before), structure(dataset))
    is_same = record["sha256"] == structural_hash(dataset)
    return ChangedDefinition(
        "same" if is_same else found.kind if found.changes else "breaking",
        version.number,
        version.sha256,
        () if is_same else changes_in_words(found),
        tuple(_columns(catalog, entry, record)),
        tuple(_settings(dataset, before)),
    )


def _columns(catalog: Catalog, entry: Entry, record: Record) -> Iterator[ColumnChange]:
    """Yield the published columns that are added, removed or have another type, in their order."""
    before = {each["name"].lower(): each for each in record["columns"]}
    stored = PublishedColumns(catalog.scope(entry)).stored
    after = {each.name.lower() for each in stored}
    for each in stored:
        old = before.get(each.name.lower())
        type_before = old["type"] if old else None
        if type_before != each.type.value:
            yield ColumnChange(name=each.name, type_before=type_before, type_after=each.type.value)
    for name, each in before.items():
        if name not in after:
            yield ColumnChange(name=each["name"], type_before=each["type"], type_after=None)


def _settings(dataset: Dataset, before: Dataset) -> Iterator[str]:
    """Yield the names of changed fields of the file that are not structural."""
    new, old = definition_of(dataset), definition_of(before)
    structural = {*structure(dataset), *structure(before), *_SYSTEM}
    for name in dict.fromkeys([*old, *new]):
        if name not in structural and old.get(name) != new.get(name):
            yield name
