"""Load the file of a dataset that is no part of the definitions folder, or is not written yet."""

from dataclasses import replace
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.load_catalog import entries_of
from dataset_assets.catalog.parsed_files import ParsedFile, parse_file
from dataset_assets.yaml.reader import Document, read, read_file


def with_draft(catalog: Catalog, path: Path, text: str | None = None) -> tuple[Catalog, Entry]:
    """Return the catalog with one more dataset, and the entry of that dataset, which may have faults.

    The dataset is the file at `path`, or `text` as if it were written there. It replaces the dataset with the
    same stem, and can nest any other. Nothing is written.
    """

    def source(file: Path) -> Document:
        return read_file(file) if text is None else read(text, str(file))

    files = {stem: _parsed(entry) for stem, entry in catalog.entries.items()}
    files[path.stem] = parse_file(path, source)
    users = catalog.users if catalog.users.root else None
    found = replace(catalog, entries=entries_of(files, catalog.calendars, users))
    return found, found.entries[path.stem]


def _parsed(entry: Entry) -> ParsedFile:
    """Return the file of an entry; only one with faults is parsed again."""
    if entry.faults or entry.dataset is None:
        return parse_file(entry.path)
    return ParsedFile(entry.path, entry.document, entry.dataset, frozenset(), (), entry.lock)
