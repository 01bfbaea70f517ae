"""List the tables and files that lie below the root folder of a resolver."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_assets.adapters.resolvers.base import LocalResolver, ResolverSettings, path_inside_root
from dataset_assets.adapters.resolvers.by_period import PERIOD
from dataset_assets.model import is_identifier
from dataset_assets.ports.resolver import StoredTable
from dataset_assets.system_errors import system_reason


def children(resolver: LocalResolver[Any], root: Path) -> list[Path]:
    """Return the files and folders of a root by name, without hidden ones and links that lead out of it.

    Raises ResolveError if the root cannot be listed.
    """
    try:
        found = sorted(root.iterdir())
    except OSError as error:
        message = f"the root {root} cannot be listed: {system_reason(error)}"
        raise resolver.table_error("", message, "create it, or fix the target") from None
    return [path for path in found if not path.name.startswith((".", "_")) and _is_inside(path, root)]


def _is_inside(path: Path, root: Path) -> bool:
    """Return whether a path, with links resolved, is below the root and exists (BR-205)."""
    try:
        real = path.resolve()
        return real != root and real.is_relative_to(root) and real.exists()
    except (OSError, RuntimeError):
        return False


def unconfigured(
    root: Path, paths: Iterable[Path], suffix: str, settings: ResolverSettings
) -> Iterator[StoredTable]:
    """Yield the tables at `paths` that no entry of the target's `tables` reads.

    A path whose name is an Identifier followed by `suffix` is a table of that name. Any other needs an entry
    in the target, whose location is the path.
    """
    covered = [_first_part(root, each.location) for each in settings.tables.values()]
    for path in paths:
        if any(fnmatchcase(path.name, pattern) for pattern in covered):
            continue
        name = path.name.removesuffix(suffix)
        if not (path.name.endswith(suffix) and is_identifier(name)):
            yield StoredTable(name, path.name)
        elif name not in settings.tables:
            yield StoredTable(name)


def _first_part(root: Path, location: str) -> str:
    """Return a pattern for the name of the file or folder in the root that holds a location."""
    path = PurePosixPath(location.replace(PERIOD, "*"))
    if path.is_absolute():
        path = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    return path.parts[0] if path.parts else ""


def files_below(
    resolver: LocalResolver[Any],
    root: Path,
    folder: Path,
    table: str,
    suffix: str,
    outer: tuple[Path, ...] = (),
) -> Iterator[Path]:
    """Yield the files of a table in a folder and its sub-folders, in the order of their names.

    Hidden files and folders, and files of zero bytes, are ignored. `outer` are the folders above this one.
    Raises ResolveError for a folder that cannot be listed, for a path outside of the root (BR-205), and for a
    link back to this folder or one of `outer`.
    """
    try:
        names = sorted(child.name for child in folder.iterdir())
    except OSError as error:
        raise resolver.table_error(table, f"{error.filename}: {error.strerror}") from None
    above = outer or (folder,)
    for name in names:
        if name.startswith((".", "_")):
            continue
        given = folder / name
        path = path_inside_root(root, str(given), resolver, table)
        if path in above:
            raise resolver.table_error(table, f"the link {given} leads back to {path}", "remove the link")
        if path.is_dir():
            yield from files_below(resolver, root, given, table, suffix, (*above, path))
        elif name.endswith(suffix) and path.stat().st_size:
            yield given
