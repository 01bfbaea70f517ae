"""The settings that come from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from dataset_assets.errors import ContractError, Fault
from dataset_assets.model import Model

TARGETS = Path("resources") / "targets"
"""Where a project keeps its targets."""
DEFINITIONS = Path("definitions")
"""Where a project keeps its dataset files."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def find_project(start: Path) -> Path | None:
    """Return the nearest folder, upwards from `start`, with `definitions/datasets` or `resources/targets`."""
    for folder in (start, *start.parents):
        if (folder / DEFINITIONS / "datasets").is_dir() or (folder / TARGETS).is_dir():
            return folder
    return None


class Settings(Model):
    """Settings that commands and the code location take from the environment.

    `project` is the folder at which target names and relative paths begin, `definitions` the folder of the
    files. `target` is a name or a path. With `locked`, a structure that its lock does not hold is refused
    (BR-115). `alert_webhook` is where failures are posted, which may be a secret; `webserver` is the
    address of Dagster's pages.
    """

    project: Path = Path()
    definitions: Path = DEFINITIONS
    target: str = "local"
    locked: bool = False
    alert_webhook: SecretStr | None = None
    webserver: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, project: Path | None = None) -> Self:
        """Read `DATASET_ASSETS_TARGET`, `_DEFINITIONS`, `_LOCKED`, `_ALERT_WEBHOOK` and `_WEBSERVER`.

        The project is the one given, or the one around the current folder, or the folder above the
        definitions. An empty variable counts as absent. Raises ContractError for one that is wrong.
        """
        env = os.environ if environ is None else environ
        given = env.get("DATASET_ASSETS_DEFINITIONS")
        definitions = Path(given).resolve() if given else None
        here = Path.cwd()
        project = project or find_project(here) or (definitions.parent if definitions else here)
        webhook = _address("DATASET_ASSETS_ALERT_WEBHOOK", env)
        return cls(
            project=project,
            definitions=definitions or project / DEFINITIONS,
            target=env.get("DATASET_ASSETS_TARGET") or "local",
            locked=_flag("DATASET_ASSETS_LOCKED", env.get("DATASET_ASSETS_LOCKED", "")),
            alert_webhook=SecretStr(webhook) if webhook else None,
            webserver=_address("DATASET_ASSETS_WEBSERVER", env),
        )


def _address(name: str, env: Mapping[str, str]) -> str:
    """An address in the web, or nothing. What it is may be a secret, and is in no message."""
    value = env.get(name, "")
    if value and not _is_address(value):
        hint = "set it to one that begins with http:// or https://"
        raise ContractError(Fault(f"the environment variable {name} is not the address of a page", hint=hint))
    return value


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that is not closed, a port that is no number
        return False


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise ContractError(Fault(f"the environment variable {name} is {value!r}", hint="set it to 1 or 0"))
    return value.lower() in _TRUE
