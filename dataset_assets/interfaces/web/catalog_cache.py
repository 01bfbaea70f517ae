"""Keep the catalog in memory, and load it again when a file of the folder has changed."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from time import monotonic

from dataset_assets.catalog.catalog import Catalog, load_catalog

FRESH_SECONDS = 1.0
"""For how long the folder is not looked at again: a change by another program is seen after this time."""

Stamp = tuple[tuple[str, int, int, int], ...]


class CatalogCache:
    """The catalog of one definitions folder. Any number of threads can ask for it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._catalog: Catalog | None = None
        self._stamp: Stamp = ()
        self._looked = 0.0

    def current(self) -> Catalog:
        """Return the catalog as the files are now, or were a second ago at most."""
        return self._get(FRESH_SECONDS)

    def reloaded(self) -> Catalog:
        """Return the catalog as the files are now: before a change, and to show what a change did."""
        return self._get(0)

    def _get(self, age: float) -> Catalog:
        with self._lock:
            if self._catalog is None or monotonic() - self._looked >= age:
                stamp = tuple(_stamps(self._root))
                if self._catalog is None or stamp != self._stamp:
                    self._catalog = load_catalog(self._root)
                self._stamp, self._looked = stamp, monotonic()
            return self._catalog


def _stamps(root: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, inode, size and time of change of each file that the catalog reads."""
    for folder in (root, root / "datasets", root / "projects"):
        try:
            with os.scandir(folder) as files:
                found = sorted(files, key=lambda each: each.name)
        except OSError:
            continue
        for each in found:
            if each.name.endswith((".yaml", ".yml", ".lock")) and not each.name.startswith("."):
                status = each.stat()
                yield each.path, status.st_ino, status.st_size, status.st_ctime_ns
