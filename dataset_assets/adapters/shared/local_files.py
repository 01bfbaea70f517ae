"""The folders and files of this machine that an engine must be allowed to read."""

from pathlib import Path


class LocalFiles:
    """A resolver of files on this machine names the paths that its engine reads."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """Return the folders that the engine reads."""
        return ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the single files that the engine reads."""
        return ()
