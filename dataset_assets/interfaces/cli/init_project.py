"""Writes a new project: the folders, files and a few rows that `dataset-assets init` begins with."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from dataset_assets.errors import ContractError, Fault
from dataset_assets.text.wording import shown

TEMPLATE = files("dataset_assets.interfaces.cli") / "new_project"
"""The files of a new project. `.template` is cut from a name; `$name` in a text is the project's name."""

SUFFIX = ".template"
_DOTTED = frozenset({"gitignore"})
"""Files whose name begins with a dot in the project alone: installers leave out files with such names."""
NEXT = (
    "dataset-assets check",
    "dataset-assets materialize order_lines --partition 2026-03",
    "dataset-assets read order_lines --partition 2026-03",
    "dagster dev",
)
"""What somebody tries first in a new project."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def write_project(folder: Path) -> list[Path]:
    """Write a project into `folder` and return the paths of its files.

    Raises ContractError if the folder's name cannot be a project's, or if the folder has anything in it:
    nothing that exists is replaced.
    """
    root = folder.absolute()
    if not _NAME.fullmatch(root.name):
        message = f"{shown(root.name)} cannot be the name of a project"
        hint = "use letters, digits, `-` and `_`, beginning with a letter"
        raise ContractError(Fault(message, hint=hint))
    try:
        if root.exists() and any(root.iterdir()):
            raise ContractError(Fault(f"the folder {root} is not empty", hint="name a new folder"))
        return [_write(root / name, source, root.name) for name, source in _templates(TEMPLATE)]
    except OSError as error:
        message = f"{error.filename or root} cannot be written: {error.strerror}"
        raise ContractError(Fault(message, hint="name a folder that can be written to")) from None


def _templates(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield the relative path that each file has in the project, and the file."""
    for child in sorted(folder.iterdir(), key=lambda each: each.name):
        if child.is_dir():
            yield from _templates(child, f"{above}{child.name}/")
        else:
            name = child.name.removesuffix(SUFFIX)
            yield f"{above}{'.' * (name in _DOTTED)}{name}", child


def _write(path: Path, source: Traversable, name: str) -> Path:
    text = source.read_text(encoding="utf-8")
    if source.name.endswith(SUFFIX):
        text = Template(text).substitute(name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
