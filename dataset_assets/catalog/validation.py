"""The faults of named files and folders, in or outside of a `definitions/` folder."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, load_catalog
from dataset_assets.catalog.drafts import checked, parsed
from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import ContractError, Fault, near
from dataset_assets.periods.calendar import Calendars
from dataset_assets.text.wording import dotted, nearest, shown
from dataset_assets.yaml.reader import MAX_BYTES, Document, read_file

_ROOT_LINE = re.compile(rb"^dataset\s*:", re.MULTILINE)
_KINDS = {
    "target": "the file of a target",
    "project": "the file of a project",
    "users": "the list of users",
    "calendars": "the list of calendars",
}
_RESOLVER = (ROOT, "resolver_id")


@dataclass(frozen=True)
class Report:
    """How many `files` were looked at, and all their faults, file by file."""

    files: int
    faults: tuple[Fault, ...]

    @property
    def broken(self) -> int:
        """How many places the faults are in: files, and paths that are not there."""
        return len({fault.position.file if fault.position else fault.message for fault in self.faults})


@dataclass(frozen=True)
class Resolvers:
    """What files may name of the target that is called `target`: its resolvers."""

    target: str
    names: tuple[str, ...]

    def faults(self, document: Document | None) -> Iterator[Fault]:
        """Of a Dataset's file, sound or not, whose `resolver_id` the target does not have."""
        data = document.data if document else None
        dataset = data.get(ROOT) if isinstance(data, dict) else None
        name = dataset.get("resolver_id") if isinstance(dataset, dict) else None
        if document and isinstance(name, str) and name.strip() and name not in self.names:
            meant = nearest(name, self.names)
            hint = f"did you mean `{meant}`?" if meant else f"it has: {', '.join(sorted(self.names))}"
            message = f"is {shown(name)}, which the target {shown(self.target)} does not have"
            yield Fault(message, dotted(_RESOLVER), hint, document.position(_RESOLVER))


ReadTarget = Callable[[Calendars], Resolvers]
"""Reads the target that Datasets are checked against. Raises ContractError with everything wrong with it."""


def check_folder(root: Path, read_target: ReadTarget | None = None) -> Report:
    """Everything in a `definitions/` folder, and the target."""
    catalog = load_catalog(root)
    resolvers, broken = _resolvers(catalog, read_target)
    return Report(len(_files(root)) + bool(read_target), (*broken, *_every(catalog, resolvers)))


def check_paths(root: Path, paths: Sequence[Path], read_target: ReadTarget | None = None) -> Report:
    """The named files and folders. A path that is not there is a fault.

    A file outside of `root` is read with the users, calendars and Datasets of `root`. Faults of the target
    are told with those of a whole `definitions/` folder alone.
    """
    catalog = load_catalog(root)
    files = 0
    faults: dict[Fault, None] = {}
    for path in dict.fromkeys(map(_named, paths)):
        found = _check(catalog, path, read_target)
        files += found.files
        faults |= dict.fromkeys(found.faults)
    return Report(files, tuple(faults))


def _resolvers(
    catalog: Catalog, read_target: ReadTarget | None
) -> tuple[Resolvers | None, tuple[Fault, ...]]:
    """None for a target that is not known or cannot be read; then with its faults."""
    try:
        return (read_target(catalog.calendars) if read_target else None), ()
    except ContractError as error:
        return None, error.faults


def _every(catalog: Catalog, resolvers: Resolvers | None) -> Iterator[Fault]:
    yield from catalog.faults
    for entry in catalog.entries.values():
        yield from entry.faults
        if resolvers:
            yield from resolvers.faults(entry.document)


def _named(path: Path) -> Path:
    """The absolute path. A folder is followed to where it is; a file that is a link stays what it is."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _check(catalog: Catalog, path: Path, read_target: ReadTarget | None) -> Report:
    root = catalog.root.resolve()
    if not path.exists():
        return Report(0, (Fault(f"there is no file or folder {shown(str(path))}", hint="check the path"),))
    if (path / "datasets").is_dir() or (path.is_dir() and root.is_relative_to(path)):
        return check_folder(catalog.root if root.is_relative_to(path) else path, read_target)
    if path.is_relative_to(root):
        files = _files(path) if path.is_dir() else [path]
        resolvers, _ = _resolvers(catalog, read_target)
        found = _known(catalog, files, resolvers)
    else:
        files = [each for each in _files(path) if _is_of_a_dataset(each)] if path.is_dir() else [path]
        kind = None if path.is_dir() else _other_kind(path)
        found = iter([_not_of_a_dataset(path, kind)]) if kind else _foreign(catalog, files)
    if not files:
        message = f"there is no .yaml file of a dataset in {path}"
        return Report(0, (Fault(message, hint="name a folder that has some"),))
    return Report(len(files), tuple(found))


def _not_of_a_dataset(path: Path, kind: str) -> Fault:
    message = f"{near(path)} is {kind}, not the file of a dataset"
    return Fault(message, hint="name files of datasets, or a definitions folder")


def _files(folder: Path) -> list[Path]:
    """All YAML files below a folder, but those in hidden folders."""
    found = sorted(folder.rglob("*.yaml"))
    return [path for path in found if not _is_hidden(path.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _keys(path: Path) -> list[str] | None:
    """The keys that a file begins with; None for a file that cannot be understood."""
    try:
        data = read_file(path).data
    except ContractError:
        return None
    return list(data) if isinstance(data, dict) else []


def _is_of_a_dataset(path: Path) -> bool:
    """Whether a file is meant as a dataset's: by its keys, or where it cannot be read by one of its lines."""
    keys = _keys(path)
    if keys is not None:
        return any(nearest(key, (ROOT,)) for key in keys)
    try:
        return bool(_ROOT_LINE.search(path.read_bytes()[:MAX_BYTES]))
    except OSError:
        return False


def _other_kind(path: Path) -> str | None:
    return next((_KINDS[key] for key in _keys(path) or () if key in _KINDS), None)


def _known(catalog: Catalog, files: Iterable[Path], resolvers: Resolvers | None) -> Iterator[Fault]:
    """What the catalog found in these files, and in the locks beside them."""
    wanted = {str(each) for path in files for each in (path, path.with_suffix(".lock"))}
    every = _every(catalog, resolvers)
    yield from (each for each in every if each.position and str(_named(Path(each.position.file))) in wanted)


def _foreign(catalog: Catalog, files: Iterable[Path]) -> Iterator[Fault]:
    """Files as if they were in `datasets/`, one with the stem of a file there in its place.

    Which target they are meant for is not known: it may have resolvers that this one does not.
    """
    own = {path.stem: parsed(path) for path in files}
    drafts = {stem: parsed(entry.path) for stem, entry in catalog.entries.items()} | own
    users = catalog.users if catalog.users.root else None
    for stem, faults in checked(drafts, catalog.calendars, users):
        if stem in own:
            yield from faults
