"""Declare the folders and files on this machine that an engine may read (BR-205)."""

from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override


class LocalFiles:
    """Base of resolvers of files on this machine, which list the paths that their engine reads."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """Return the folders that the engine reads."""
        return ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the single files that the engine reads."""
        return ()


@dataclass(frozen=True)
class ReadableFolders(LocalFiles):
    """Folders that are read besides those of resolvers: the warehouses of other targets (BR-139)."""

    folders: tuple[Path, ...]

    @property
    @override
    def directories(self) -> tuple[Path, ...]:
        return self.folders
