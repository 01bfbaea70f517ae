"""Keep the tables that were opened last, because one publication looks at its table several times.

To open a table, the Delta library lists its whole log and replays what follows the last checkpoint. Whether
an opened table is still the newest is known from two files of the log.
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable

from dataset_assets.adapters.delta.log import open_table
from dataset_assets.adapters.delta.log_commits import commit_path

_MOST_TABLES = 8


@dataclass(frozen=True)
class _OpenTable:
    """An opened table, and the identity of the commit that made its version."""

    table: DeltaTable
    commit: tuple[int, ...] | None


class OpenTables:
    """The tables that were opened last, by folder. A table that is returned must not be changed."""

    def __init__(self) -> None:
        self._tables: OrderedDict[Path, _OpenTable] = OrderedDict()

    def newest(self, folder: Path) -> DeltaTable:
        """Return the newest version of the table in a folder. Raises as `open_table` does."""
        found = self._tables.get(folder)
        if found and found.commit and _is_newest(folder, found):
            return found.table
        table = open_table(folder)
        self._tables[folder] = _OpenTable(
            table, _identity(commit_path(folder / "_delta_log", table.version()))
        )
        with suppress(KeyError):  # another thread removed one
            while len(self._tables) > _MOST_TABLES:
                self._tables.popitem(last=False)
        return table

    def forget(self, folder: Path) -> None:
        """Forget a table that is about to be changed."""
        self._tables.pop(folder, None)


def _is_newest(folder: Path, found: _OpenTable) -> bool:
    log, version = folder / "_delta_log", found.table.version()
    return _identity(commit_path(log, version)) == found.commit and not commit_path(log, version + 1).exists()


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return what distinguishes a file from one that replaces it; None if there is no file."""
    with suppress(FileNotFoundError):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return None
