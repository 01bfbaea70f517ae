"""Find out which Projects and datasets use a dataset, also where their own files are broken (BR-007)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.folder import yaml_files
from dataset_assets.catalog.projects import ROOT as PROJECT
from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import ContractError, Position
from dataset_assets.yaml.reader import Document, read_file


@dataclass(frozen=True)
class Reference:
    """One place where a file names a dataset: by its stem or by its id."""

    file: Path
    position: Position
    place: tuple[str | int, ...]
    by_stem: bool

    @property
    def stem(self) -> str:
        """The stem of the file."""
        return self.file.stem


def project_references(catalog: Catalog, entry: Entry) -> list[Reference]:
    """Return the places in `projects/` that name the dataset; a file that cannot be parsed by its text."""
    return [found for path in yaml_files(catalog.root / "projects") for found in _in_project(path, entry)]


def nesting_references(catalog: Catalog, entry: Entry) -> list[Reference]:
    """Return the lookups of other datasets that read the dataset."""
    id_ = dataset_id(entry)
    others = (each for each in catalog.entries.values() if each.stem != entry.stem)
    return [found for other in others for found in _in_lookups(other, id_)] if id_ else []


def dataset_id(entry: Entry) -> str | None:
    """Return the id of a dataset, also of one whose file is broken: else the id of its lock."""
    if entry.dataset and entry.dataset.id:
        return str(entry.dataset.id)
    data = entry.document.data if entry.document else None
    root = data.get(ROOT) if isinstance(data, dict) else None
    written = root.get("id") if isinstance(root, dict) else None
    return written.lower() if isinstance(written, str) else str(entry.lock.id) if entry.lock.id else None


def _in_project(path: Path, entry: Entry) -> Iterator[Reference]:
    names = {entry.stem: True} | ({id_: False} if (id_ := dataset_id(entry)) else {})
    try:
        document = read_file(path)
    except ContractError:
        yield from _in_text(path, names)
        return
    for place, name in _named_in(document):
        key = name if name in names else name.lower()
        if key in names:
            yield Reference(path, document.position(place), place, names[key])


def _named_in(document: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the places at which a Project names a dataset: in `datasets` and in its operations."""
    root = document.data.get(PROJECT) if isinstance(document.data, dict) else None
    for key in ("datasets", "operations"):
        listed = root.get(key) if isinstance(root, dict) else None
        for number, item in enumerate(listed if isinstance(listed, list) else ()):
            if key == "datasets":
                yield (PROJECT, key, number), str(item)
            elif isinstance(item, dict) and "dataset" in item:
                yield (PROJECT, key, number, "dataset"), str(item["dataset"])


def _in_text(path: Path, names: dict[str, bool]) -> Iterator[Reference]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for name, by_stem in names.items():
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE):
            yield Reference(path, Position(str(path), 1, 1), (), by_stem)


def _in_lookups(other: Entry, id_: str) -> Iterator[Reference]:
    document = other.document
    if document is None:
        yield from _in_text(other.path, {id_: False})
        return
    root = document.data.get(ROOT) if isinstance(document.data, dict) else None
    lookups = root.get("lookups") if isinstance(root, dict) else None
    for number, lookup in enumerate(lookups if isinstance(lookups, list) else ()):
        target = lookup.get("target") if isinstance(lookup, dict) else None
        named = target.get("id") if isinstance(target, dict) else None
        if isinstance(named, str) and named.lower() == id_:
            place = (ROOT, "lookups", number, "target", "id")
            yield Reference(other.path, document.position(place), place, by_stem=False)


def stems(references: Sequence[Reference]) -> list[str]:
    """Return the stems of the files, each once."""
    return list(dict.fromkeys(reference.stem for reference in references))
