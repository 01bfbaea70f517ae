"""Keep the catalog in memory, and read again what has changed in its folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from time import monotonic

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog, parse_inside
from dataset_assets.catalog.parsed_files import ParsedFile

FRESH_SECONDS = 1.0
"""For how long the folder is not looked at again: a change by another program is seen after this time."""

Stamp = tuple[int, int, int]
"""Inode, size and time of change of a file: another one if the file was written or replaced."""


class CatalogCache:
    """The catalog of one definitions folder. Any number of threads can ask for it.

    A changed file is parsed again and the others are not; the rules are checked for all of them, because a
    file can break others.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._catalog: Catalog | None = None
        self._stamps: dict[str, Stamp] = {}
        self._parsed: dict[Path, tuple[tuple[Stamp | None, Stamp | None], ParsedFile]] = {}
        self._looked = 0.0
        self._counting = Lock()
        self._changes = self._seen = 0

    def current(self) -> Catalog:
        """Return the catalog as the files are now, or were a second ago at most."""
        return self._get(FRESH_SECONDS)

    def reloaded(self) -> Catalog:
        """Return the catalog as the files are now: before a change, and to show what a change did."""
        return self._get(0)

    def expire(self) -> None:
        """Look at the folder when the catalog is asked for next: a file was changed."""
        with self._counting:
            self._changes += 1

    def _get(self, age: float) -> Catalog:
        catalog = self._read(age)  # without the lock: nobody waits while another one reads the folder
        if catalog is not None:
            return catalog
        with self._lock:
            catalog = self._read(age)
            if catalog is None:
                catalog = self._look()
            return catalog

    def _read(self, age: float) -> Catalog | None:
        """Return the catalog if it was read less than so many seconds ago, and after the last change."""
        if self._catalog and self._seen == self._changes and monotonic() - self._looked < age:
            return self._catalog
        return None

    def _look(self) -> Catalog:
        changes, looked = self._changes, monotonic()
        stamps = dict(_stamps(self._root))
        if self._catalog is None or stamps != self._stamps:
            self._catalog = self._load(stamps)
        self._stamps, self._looked, self._seen = stamps, looked, changes
        return self._catalog

    def _load(self, stamps: dict[str, Stamp]) -> Catalog:
        parsed: dict[Path, tuple[tuple[Stamp | None, Stamp | None], ParsedFile]] = {}

        def parse(path: Path) -> ParsedFile:
            stamp = (stamps.get(str(path)), stamps.get(str(path.with_suffix(".lock"))))
            known = self._parsed.get(path)
            parsed[path] = known if known and known[0] == stamp else (stamp, parse_inside(self._root, path))
            return parsed[path][1]

        catalog = load_catalog(self._root, parse)
        self._parsed = parsed
        return catalog


def _stamps(root: Path) -> Iterator[tuple[str, Stamp]]:
    """Yield the stamp of each file that the catalog reads; of a link, that of the file it leads to."""
    for folder in (root, root / "datasets", root / "projects"):
        try:
            with os.scandir(folder) as files:
                found = list(files)
        except OSError:
            continue
        for each in found:
            if each.name.endswith((".yaml", ".yml", ".lock")) and not each.name.startswith("."):
                try:
                    status = each.stat()
                except OSError:  # it was removed meanwhile, or is a link to nothing
                    continue
                yield each.path, (status.st_ino, status.st_size, status.st_ctime_ns)
