"""Read the settings of a process from environment variables, and find the project's folder."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from dataset_assets.errors import ContractError, Fault
from dataset_assets.model import Model

TARGETS = Path("resources") / "targets"
"""The folder of a project's target files."""
DEFINITIONS = Path("definitions")
"""The folder of a project's dataset files."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def find_project(start: Path) -> Path | None:
    """Return the nearest folder, upwards from `start`, with `definitions/datasets` or `resources/targets`.

    None if no folder has either.
    """
    for folder in (start, *start.parents):
        if (folder / DEFINITIONS / "datasets").is_dir() or (folder / TARGETS).is_dir():
            return folder
    return None


class Settings(Model):
    """Settings that commands and the code location read from the environment.

    `project` is the folder that target names and relative paths refer to; `definitions` is the folder of the
    dataset files. `target` is a name or a path. With `locked`, a structure that is missing in its lock file
    is refused (BR-115). `alert_webhook` is the URL that failures are posted to, which may contain a secret.
    `webserver` is the URL of Dagster's web pages, `pages` that of the pages of `dataset-assets serve`.
    """

    project: Path = Path()
    definitions: Path = DEFINITIONS
    target: str = "local"
    locked: bool = False
    alert_webhook: SecretStr | None = None
    webserver: str = ""
    pages: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, project: Path | None = None) -> Self:
        """Read `DATASET_ASSETS_TARGET` and the other variables of that prefix.

        The project is the given one, else the one that contains the current folder, else the parent of the
        definitions. An empty variable counts as absent. Raises ContractError for an invalid variable.
        """
        env = os.environ if environ is None else environ
        variable = env.get("DATASET_ASSETS_DEFINITIONS")
        definitions = Path(variable).resolve() if variable else None
        current = Path.cwd()
        project = project or find_project(current) or (definitions.parent if definitions else current)
        webhook = _url_variable("DATASET_ASSETS_ALERT_WEBHOOK", env)
        return cls(
            project=project,
            definitions=definitions or project / DEFINITIONS,
            target=env.get("DATASET_ASSETS_TARGET") or "local",
            locked=_flag_variable("DATASET_ASSETS_LOCKED", env.get("DATASET_ASSETS_LOCKED", "")),
            alert_webhook=SecretStr(webhook) if webhook else None,
            webserver=_url_variable("DATASET_ASSETS_WEBSERVER", env),
            pages=_url_variable("DATASET_ASSETS_PAGES", env),
        )


def _url_variable(name: str, env: Mapping[str, str]) -> str:
    """Return the URL in a variable, or "". The URL may contain a secret and appears in no message.

    Raises ContractError for anything but an http(s) URL.
    """
    value = env.get(name, "")
    if value and not _is_url(value):
        hint = "set it to one that begins with http:// or https://"
        raise ContractError(Fault(f"the environment variable {name} is not the address of a page", hint=hint))
    return value


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that is not closed, a port that is no number
        return False


def _flag_variable(name: str, value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise ContractError(Fault(f"the environment variable {name} is {value!r}", hint="set it to 1 or 0"))
    return value.lower() in _TRUE
