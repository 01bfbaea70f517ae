"""List the files of a definitions folder, and refuse links that lead out of it."""

from pathlib import Path

from dataset_assets.errors import ContractError, Fault, Position
from dataset_assets.system_errors import system_reason


def yaml_files(folder: Path) -> list[Path]:
    """Return the files of a folder that end with `.yaml`, sorted; none if the folder does not exist.

    Raises ContractError if the folder exists and cannot be read.
    """
    try:
        paths = [path for path in folder.iterdir() if path.suffix == ".yaml"]
        return sorted(paths, key=lambda path: path.name)  # whole paths take long to compare
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        message = f"the folder cannot be read: {system_reason(error)}"
        raise ContractError(Fault(message, position=Position(str(folder), 1, 1))) from None


def refuse_link_out(path: Path, root: Path) -> None:
    """Raise ContractError for a link that leads out of `root`, because faults would quote the linked file.

    `path` is a file of `root` or of a folder in it: only these two can be links.
    """
    if not path.is_symlink() and not path.parent.is_symlink():
        return
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # reading reports a link to itself
        inside = True
    if not inside:
        message, hint = "is a link that leads out of the definitions folder", "put the file itself here"
        raise ContractError(Fault(message, hint=hint, position=Position(str(path), 1, 1)))
