"""The faults of named files and folders, in or outside of a `definitions/` folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.contract.catalog import Catalog, load_catalog
from dataset_assets.contract.drafts import checked, draft
from dataset_assets.contract.reader import Document
from dataset_assets.contract.rules import ROOT
from dataset_assets.contract.wording import dotted, nearest, shown
from dataset_assets.errors import ContractError, Fault
from dataset_assets.periods.calendar import Calendars

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
            mend = f"did you mean `{meant}`?" if meant else f"it has: {', '.join(sorted(self.names))}"
            message = f"is {shown(name)}, which the target {shown(self.target)} does not have"
            yield Fault(message, dotted(_RESOLVER), mend, document.position(_RESOLVER))


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
    for path in dict.fromkeys(each.resolve() for each in paths):
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


def _check(catalog: Catalog, path: Path, read_target: ReadTarget | None) -> Report:
    if not path.exists():
        return Report(0, (Fault(f"there is no file or folder {shown(str(path))}", mend="check the path"),))
    if (path / "datasets").is_dir():
        return check_folder(path, read_target)
    inside = path.is_relative_to(catalog.root.resolve())
    files = _files(path) if path.is_dir() else [path]
    if not files:
        return Report(0, (Fault(f"there is no .yaml file in {path}", mend="name a folder that has some"),))
    if not inside:
        return Report(len(files), tuple(_foreign(catalog, files)))
    resolvers, _ = _resolvers(catalog, read_target)
    return Report(len(files), tuple(_known(catalog, files, resolvers)))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))


def _known(catalog: Catalog, files: Iterable[Path], resolvers: Resolvers | None) -> Iterator[Fault]:
    """What the catalog found in these files, and in the locks beside them."""
    wanted = {str(each) for path in files for each in (path, path.with_suffix(".lock"))}
    every = _every(catalog, resolvers)
    yield from (each for each in every if each.position and _resolved(each.position.file) in wanted)


def _resolved(file: str) -> str:
    return str(Path(file).resolve())


def _foreign(catalog: Catalog, files: Iterable[Path]) -> Iterator[Fault]:
    """Files as if they were in `datasets/`, one with the stem of a file there in its place.

    Which target they are meant for is not known: it may have resolvers that this one does not.
    """
    own = {path.stem: draft(path) for path in files}
    drafts = {stem: draft(entry.path) for stem, entry in catalog.entries.items()} | own
    users = catalog.users if catalog.users.root else None
    for stem, faults in checked(drafts, catalog.calendars, users):
        if stem in own:
            yield from faults
