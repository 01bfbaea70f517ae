"""Check a change of one dataset's file against everything in its folder, before anything is written.

A change that leaves the file itself valid can still break others: the datasets that nest it, and the Projects
that name it. These faults count as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.load_catalog import entries_of, with_projects
from dataset_assets.catalog.parsed_files import ParsedFile, parse_file
from dataset_assets.errors import Fault
from dataset_assets.yaml.reader import Document, read


@dataclass(frozen=True)
class Proposal:
    """The catalog as it would be with one changed file, and the faults that this would cause.

    `faults` are all faults of the changed file, and those faults of other files that they do not have today.
    """

    catalog: Catalog
    stem: str
    faults: tuple[Fault, ...]

    @property
    def entry(self) -> Entry:
        """The entry of the changed file."""
        return self.catalog.entries[self.stem]


def propose(catalog: Catalog, stem: str, text: str | None) -> Proposal:
    """Return the catalog in which `datasets/<stem>.yaml` has this text, or does not exist if it is None."""
    path = catalog.root / "datasets" / f"{stem}.yaml"
    files = {name: _parsed(entry) for name, entry in catalog.entries.items() if name != stem}
    if text is not None:
        files[stem] = parse_file(path, lambda each: _document(text, each))
    users = catalog.users if catalog.users.root else None
    entries = entries_of(dict(sorted(files.items())), catalog.calendars, users)
    changed = replace(catalog, entries=entries, projects={}, faults=())
    faults: list[Fault] = []
    changed = replace(with_projects(changed, users, faults), faults=tuple(faults))
    return Proposal(changed, stem, tuple(_new_faults(catalog, changed, stem)))


def _document(text: str, path: Path) -> Document:
    return read(text, str(path))


def _parsed(entry: Entry) -> ParsedFile:
    """Return the parsed file of an entry; a broken one is parsed again, for its understandable parts."""
    if entry.ok:
        return ParsedFile(entry.path, entry.document, entry.dataset, frozenset(), (), entry.lock)
    return parse_file(entry.path)


def _new_faults(before: Catalog, after: Catalog, stem: str) -> Iterator[Fault]:
    known = {fault for entry in before.entries.values() for fault in entry.faults} | {*before.faults}
    if stem in after.entries:
        yield from after.entries[stem].faults
    others: Mapping[str, Entry] = {name: each for name, each in after.entries.items() if name != stem}
    for entry in others.values():
        yield from (fault for fault in entry.faults if fault not in known)
    yield from (fault for fault in after.faults if fault not in known)
