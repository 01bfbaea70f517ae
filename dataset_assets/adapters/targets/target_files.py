"""Find the file of a target, and read it with the values of environment variables."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataset_assets.adapters.targets.environment import TARGETS
from dataset_assets.errors import ContractError, Fault, raise_all
from dataset_assets.text.wording import dotted, nearest_first, shown
from dataset_assets.yaml.reader import Document, read_file

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_document(path: Path) -> Document:
    """Read a target's file. Raises ContractError for faults of YAML and for variables that are not set."""
    document = read_file(path)
    return replace(document, data=_with_variables(document, os.environ))


def find_target_file(name_or_path: str, project: Path) -> tuple[Path, Path]:
    """Return the target's file, and the folder that its relative paths are relative to."""
    targets = project / TARGETS
    if not name_or_path.endswith((".yaml", ".yml")) and os.sep not in name_or_path:
        names = sorted(path.stem for path in targets.glob("*.yaml"))
        if name_or_path not in names:
            existing = f"known: {', '.join(names)}" if names else f"{targets} has none"
            hint = nearest_first(name_or_path, names, f"{existing}; or give the path of a .yaml file")
            raise ContractError(Fault(f"there is no target {shown(name_or_path)}", hint=hint))
        return targets / f"{name_or_path}.yaml", project
    try:
        path = Path(name_or_path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        hint = "give the path of a .yaml file"
        raise ContractError(Fault(f"there is no target {shown(name_or_path)}", hint=hint)) from None
    return path, project if path.parent == targets.resolve() else path.parent


def _with_variables(document: Document, environ: Mapping[str, str]) -> Any:
    """Return the document's data with `${NAME}` replaced by the environment's values.

    Raises ContractError with a fault for each variable that is not set or not closed.
    """
    faults = []
    for loc, text in _texts(document.data, ()):
        position = document.position(loc)
        for name in _VARIABLE.findall(text):
            if name not in environ:
                message = f"the environment variable {name} is not set"
                faults.append(Fault(message, dotted(loc), f"set {name}", position))
        if "${" in _VARIABLE.sub("", text):
            message = f"is {shown(text)}, in which a `${{` begins no variable"
            faults.append(Fault(message, dotted(loc), "write a variable as ${NAME}", position))
    raise_all(ContractError, faults)
    return _replace_variables(document.data, environ)


def _texts(value: Any, loc: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield loc, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield from _texts(child, (*loc, step))


def _replace_variables(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: environ[match[1]], value)
    if isinstance(value, dict):
        return {key: _replace_variables(child, environ) for key, child in value.items()}
    return [_replace_variables(child, environ) for child in value] if isinstance(value, list) else value
