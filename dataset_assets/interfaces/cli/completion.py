"""Names that the shell completes when Tab is pressed: datasets and targets of the project.

Only the names of files are read, so that completion is fast. A mistake in the environment completes nothing.
"""

# ruff: noqa: PLC0415 - the settings load only when something is completed

from contextlib import suppress
from pathlib import Path

from dataset_assets.errors import DatasetAssetsError


def dataset_names(incomplete: str) -> list[str]:
    """Return the stems of all dataset files that begin with the typed text."""
    from dataset_assets.adapters.targets.environment import Settings

    with suppress(DatasetAssetsError, OSError):
        return _stems(Settings.from_env().definitions / "datasets", incomplete)
    return []


def target_names(incomplete: str) -> list[str]:
    """Return the names of all targets of the project that begin with the typed text."""
    from dataset_assets.adapters.targets.environment import TARGETS, Settings

    with suppress(DatasetAssetsError, OSError):
        return _stems(Settings.from_env().project / TARGETS, incomplete)
    return []


def _stems(folder: Path, incomplete: str) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem.startswith(incomplete))
