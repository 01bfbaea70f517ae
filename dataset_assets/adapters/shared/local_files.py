"""Declare the folders and files on this machine that an engine may read for a resolver (BR-205)."""

from pathlib import Path


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
