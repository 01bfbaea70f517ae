"""Import packages that are no requirement, when they are used."""

from importlib import import_module
from typing import Any

from dataset_assets.errors import Fault, UnsupportedError


def optional_module(module: str, name: str, install: str) -> Any:
    """Return a module of an optional package, which people call `name`.

    `install` says what to install. Raises UnsupportedError if the module cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        hint = f"install {install} into this environment"
        raise UnsupportedError(Fault(f"{name} cannot be imported: {error}", hint=hint)) from None
