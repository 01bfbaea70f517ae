"""The files of a definitions folder: which are there, and which may be read."""

from pathlib import Path

from dataset_assets.errors import ContractError, Fault, Position, system_reason


def files_of(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder with this suffix, sorted; none where there is no folder.

    Raises ContractError for a folder that is there and cannot be read: it is not an empty one.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        message = f"the folder cannot be read: {system_reason(error)}"
        raise ContractError(Fault(message, position=Position(str(folder), 1, 1))) from None


def refuse_link_out(path: Path, root: Path) -> None:
    """Raises ContractError for a link that leads out of `root`: faults would quote what it leads to."""
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to itself is told by who reads it
        inside = True
    if not inside:
        message, hint = "is a link that leads out of the definitions folder", "put the file itself here"
        raise ContractError(Fault(message, hint=hint, position=Position(str(path), 1, 1)))
