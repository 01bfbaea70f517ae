"""The settings that come from the environment (DESIGN section 7)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dataset_assets.errors import ContractError, Fault
from dataset_assets.model import Model

PROJECT = Path(__file__).resolve().parent.parent
"""The project's own folder."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class Settings(Model):
    """`target`: a name or a path. `definitions`: the folder of the files. `locked`: decision 15."""

    target: str = "local"
    definitions: Path = PROJECT / "definitions"
    locked: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Of `DATASET_ASSETS_TARGET`, `_DEFINITIONS` and `_LOCKED`; an empty variable counts as absent."""
        env = os.environ if environ is None else environ
        definitions = env.get("DATASET_ASSETS_DEFINITIONS")
        return cls(
            target=env.get("DATASET_ASSETS_TARGET") or "local",
            definitions=Path(definitions).resolve() if definitions else PROJECT / "definitions",
            locked=_flag("DATASET_ASSETS_LOCKED", env.get("DATASET_ASSETS_LOCKED", "")),
        )


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise ContractError(Fault(f"the environment variable {name} is {value!r}", mend="set it to 1 or 0"))
    return value.lower() in _TRUE
