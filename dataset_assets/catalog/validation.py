"""Validate files and folders that a person names, in or outside of a `definitions/` folder."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.parsed_files import check_files, parse_file
from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import ContractError, Fault, near
from dataset_assets.periods.cadence import Calendars
from dataset_assets.text.wording import did_you_mean, dotted, nearest, shown
from dataset_assets.yaml.reader import MAX_BYTES, Document, read_file

_ROOT_LINE = re.compile(rb"^dataset\s*:", re.MULTILINE)
_KINDS = {
    "target": "the file of a target",
    "project": "the file of a project",
    "users": "the list of users",
    "calendars": "the list of calendars",
    "test": "a definition test",
}
_RESOLVER = (ROOT, "resolver_id")


@dataclass(frozen=True)
class ValidationReport:
    """The number of `files` that were validated, and all their faults, file by file."""

    files: int
    faults: tuple[Fault, ...]

    @property
    def broken(self) -> int:
        """The number of files with faults, and of paths that do not exist."""
        return len({fault.position.file if fault.position else fault.message for fault in self.faults})


@dataclass(frozen=True)
class Resolvers:
    """The names of the resolvers of a target, which files may use as `resolver_id`."""

    target: str
    names: tuple[str, ...]

    def faults(self, document: Document | None) -> Iterator[Fault]:
        """Yield a fault if the `resolver_id` in a Dataset's file, valid or not, is none of the target's."""
        data = document.data if document else None
        dataset = data.get(ROOT) if isinstance(data, dict) else None
        name = dataset.get("resolver_id") if isinstance(dataset, dict) else None
        if document and isinstance(name, str) and name.strip() and name not in self.names:
            hint = did_you_mean(name, self.names, f"it has: {', '.join(sorted(self.names))}")
            message = f"is {shown(name)}, which the target {shown(self.target)} does not have"
            yield Fault(message, dotted(_RESOLVER), hint, document.position(_RESOLVER))


ReadTarget = Callable[[Calendars], Resolvers]
"""Reads the target that Datasets are validated against. Raises ContractError with all its faults."""


def validate_folder(root: Path, read_target: ReadTarget | None = None) -> ValidationReport:
    """Validate all files of a `definitions/` folder, and the target."""
    catalog = load_catalog(root)
    resolvers, broken = _resolvers(catalog, read_target)
    return ValidationReport(
        len(_files(root)) + bool(read_target), (*broken, *_all_faults(catalog, resolvers))
    )


def validate_paths(
    root: Path, paths: Sequence[Path], read_target: ReadTarget | None = None
) -> ValidationReport:
    """Validate the named files and folders. A path that does not exist is a fault.

    A file outside of `root` is validated with the users, calendars and Datasets of `root`. Faults of the
    target are reported only if a whole `definitions/` folder is validated.
    """
    catalog = load_catalog(root)
    files = 0
    faults: dict[Fault, None] = {}
    for path in dict.fromkeys(map(_absolute, paths)):
        report = _validate(catalog, path, read_target)
        files += report.files
        faults |= dict.fromkeys(report.faults)
    return ValidationReport(files, tuple(faults))


def _resolvers(
    catalog: Catalog, read_target: ReadTarget | None
) -> tuple[Resolvers | None, tuple[Fault, ...]]:
    """Return the resolvers of the target (None if unknown or unreadable) and the faults of the target."""
    try:
        return (read_target(catalog.calendars) if read_target else None), ()
    except ContractError as error:
        return None, error.faults


def _all_faults(catalog: Catalog, resolvers: Resolvers | None) -> Iterator[Fault]:
    yield from catalog.faults
    for entry in catalog.entries.values():
        yield from entry.faults
        if resolvers:
            yield from resolvers.faults(entry.document)
    yield from load_definition_tests(catalog).faults


def _absolute(path: Path) -> Path:
    """Return the absolute path. Links to folders are resolved, a link to a file is not."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _validate(catalog: Catalog, path: Path, read_target: ReadTarget | None) -> ValidationReport:
    root = catalog.root.resolve()
    if not path.exists():
        return ValidationReport(
            0, (Fault(f"there is no file or folder {shown(str(path))}", hint="check the path"),)
        )
    if (path / "datasets").is_dir() or (path.is_dir() and root.is_relative_to(path)):
        return validate_folder(catalog.root if root.is_relative_to(path) else path, read_target)
    if path.is_relative_to(root):
        files = _files(path) if path.is_dir() else [path]
        resolvers, _ = _resolvers(catalog, read_target)
        faults = _faults_of(catalog, files, resolvers)
    else:
        files = [each for each in _files(path) if _is_dataset_file(each)] if path.is_dir() else [path]
        kind = None if path.is_dir() else _other_kind(path)
        faults = iter([_wrong_kind(path, kind)]) if kind else _faults_outside(catalog, files)
    if not files:
        message = f"there is no .yaml file of a dataset in {path}"
        return ValidationReport(0, (Fault(message, hint="name a folder that has some"),))
    return ValidationReport(len(files), tuple(faults))


def _wrong_kind(path: Path, kind: str) -> Fault:
    message = f"{near(path)} is {kind}, not the file of a dataset"
    return Fault(message, hint="name files of datasets, or a definitions folder")


def _files(folder: Path) -> list[Path]:
    """Return all YAML files below a folder, without those in hidden folders."""
    paths = sorted(folder.rglob("*.yaml"))
    return [path for path in paths if not _is_hidden(path.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _top_level_keys(path: Path) -> list[str] | None:
    """Return the top-level keys of a file; None if it cannot be parsed."""
    try:
        data = read_file(path).data
    except ContractError:
        return None
    return list(data) if isinstance(data, dict) else []


def _is_dataset_file(path: Path) -> bool:
    """Return whether a file is meant as a dataset, by its keys or, if it cannot be parsed, by its lines."""
    keys = _top_level_keys(path)
    if keys is not None:
        return any(nearest(key, (ROOT,)) for key in keys)
    try:
        return bool(_ROOT_LINE.search(path.read_bytes()[:MAX_BYTES]))
    except OSError:
        return False


def _other_kind(path: Path) -> str | None:
    return next((_KINDS[key] for key in _top_level_keys(path) or () if key in _KINDS), None)


def _faults_of(catalog: Catalog, files: Iterable[Path], resolvers: Resolvers | None) -> Iterator[Fault]:
    """Yield the faults that the catalog has for these files and for the locks beside them."""
    wanted = {str(each) for path in files for each in (path, path.with_suffix(".lock"))}
    faults = _all_faults(catalog, resolvers)
    yield from (
        each for each in faults if each.position and str(_absolute(Path(each.position.file))) in wanted
    )


def _faults_outside(catalog: Catalog, files: Iterable[Path]) -> Iterator[Fault]:
    """Yield the faults that files outside of the folder would have in `datasets/`.

    A file replaces the one of `datasets/` with the same stem. Its `resolver_id` is not validated, because the
    target that it is meant for is unknown.
    """
    own = {path.stem: parse_file(path) for path in files}
    parsed = {stem: parse_file(entry.path) for stem, entry in catalog.entries.items()} | own
    users = catalog.users if catalog.users.root else None
    for stem, faults in check_files(parsed, catalog.calendars, users):
        if stem in own:
            yield from faults
