"""Write the folders, files and example rows of a new project: what `dataset-assets init FOLDER` does."""

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from dataset_assets.errors import ContractError, Fault
from dataset_assets.text.wording import shown

TEMPLATE = files("dataset_assets.interfaces.cli") / "new_project"
"""Folder with the files of a new project, whose names end in `.template`. `$name` is the project's name."""

SUFFIX = ".template"
_DOTTED = frozenset({"gitignore"})
"""Files that get a leading dot in the project: some installers leave out files that have one."""

NEXT_STEPS = (
    "dataset-assets check",
    "dataset-assets test",
    "dataset-assets materialize order_lines --partition 2026-03",
    "dataset-assets read order_lines --partition 2026-03",
    "dagster dev",
)
"""Commands that a new project's owner runs first, in this order."""

_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")


def write_project(folder: Path) -> list[Path]:
    """Write a project into `folder` and return the paths of its files.

    Raises ContractError if the folder's name is not valid as a project name, if the folder is not empty, or
    if it cannot be written; nothing is changed then.
    """
    root = folder.absolute()
    if not _NAME.fullmatch(root.name):
        message = f"{shown(root.name)} cannot be the name of a project"
        hint = "use letters, digits, `-` and `_`, beginning with a letter and ending with a letter or digit"
        raise ContractError(Fault(message, hint=hint))
    try:
        if root.exists() and any(root.iterdir()):
            raise ContractError(Fault(f"the folder {root} is not empty", hint="name a new folder"))
        return _write_all(root)
    except OSError as error:
        message = f"{error.filename or root} cannot be written: {error.strerror}"
        raise ContractError(Fault(message, hint="name a folder that can be written to")) from None


def _write_all(root: Path) -> list[Path]:
    """Write all files below `root`, or none: a second attempt would refuse a folder with some of them."""
    existed = root.exists()
    try:
        return [_write(root / name, source, root.name) for name, source in _templates(TEMPLATE)]
    except OSError:
        shutil.rmtree(root, ignore_errors=True)
        if existed:
            root.mkdir(exist_ok=True)
        raise


def _templates(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield each template file below `folder`, preceded by its relative path in the project."""
    for child in sorted(folder.iterdir(), key=lambda each: each.name):
        if child.is_dir():
            yield from _templates(child, f"{prefix}{child.name}/")
        else:
            name = child.name.removesuffix(SUFFIX)
            yield f"{prefix}{'.' * (name in _DOTTED)}{name}", child


def _write(path: Path, source: Traversable, name: str) -> Path:
    text = source.read_text(encoding="utf-8")
    if source.name.endswith(SUFFIX):
        text = Template(text).substitute(name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
