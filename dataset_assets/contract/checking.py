"""The faults of named files and folders, in or outside of a `definitions/` folder."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.contract.catalog import Catalog, load_catalog
from dataset_assets.contract.drafts import checked, draft
from dataset_assets.contract.wording import shown
from dataset_assets.errors import Fault


@dataclass(frozen=True)
class Report:
    """How many `files` were looked at, and all their faults, file by file."""

    files: int
    faults: tuple[Fault, ...]

    @property
    def broken(self) -> int:
        """How many places the faults are in: files, and paths that are not there."""
        return len({fault.position.file if fault.position else fault.message for fault in self.faults})


def check_folder(root: Path) -> Report:
    """Everything in a `definitions/` folder."""
    catalog = load_catalog(root)
    faults = (*catalog.faults, *(fault for entry in catalog.entries.values() for fault in entry.faults))
    return Report(len(_files(root)), faults)


def check_paths(root: Path, paths: Sequence[Path]) -> Report:
    """The named files and folders. A path that is not there is a fault.

    A file outside of `root` is read with the users, calendars and Datasets of `root`.
    """
    catalog = load_catalog(root)
    files = 0
    faults: dict[Fault, None] = {}
    for path in dict.fromkeys(each.resolve() for each in paths):
        found = _check(catalog, path)
        files += found.files
        faults |= dict.fromkeys(found.faults)
    return Report(files, tuple(faults))


def _check(catalog: Catalog, path: Path) -> Report:
    if not path.exists():
        return Report(0, (Fault(f"there is no file or folder {shown(str(path))}", mend="check the path"),))
    if (path / "datasets").is_dir():
        return check_folder(path)
    inside = path.is_relative_to(catalog.root.resolve())
    files = _files(path) if path.is_dir() else [path]
    if not files:
        return Report(0, (Fault(f"there is no .yaml file in {path}", mend="name a folder that has some"),))
    if inside:
        return Report(len(files), tuple(_known(catalog, files)))
    return Report(len(files), tuple(_foreign(catalog, files)))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))


def _known(catalog: Catalog, files: Iterable[Path]) -> Iterator[Fault]:
    """What the catalog found in these files, and in the locks beside them."""
    wanted = {str(each) for path in files for each in (path, path.with_suffix(".lock"))}
    every = (*catalog.faults, *(fault for entry in catalog.entries.values() for fault in entry.faults))
    yield from (each for each in every if each.position and _resolved(each.position.file) in wanted)


def _resolved(file: str) -> str:
    return str(Path(file).resolve())


def _foreign(catalog: Catalog, files: Sequence[Path]) -> Iterator[Fault]:
    """Files as if they were in `datasets/`, one with the stem of a file there in its place."""
    own = {path.stem: draft(path) for path in files}
    drafts = {stem: draft(entry.path) for stem, entry in catalog.entries.items()} | own
    users = catalog.users if catalog.users.root else None
    for stem, faults in checked(drafts, catalog.calendars, users):
        if stem in own:
            yield from faults
