"""The settings that come from the environment (DESIGN section 7)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from dataset_assets.errors import ContractError, Fault
from dataset_assets.model import Model

PROJECT = Path(__file__).resolve().parent.parent
"""The project's own folder."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class Settings(Model):
    """`target`: a name or a path. `definitions`: the folder of the files. `locked`: decision 15.

    `alert_webhook`: where failures are posted, which may be a secret. `webserver`: the address of Dagster's
    pages.
    """

    target: str = "local"
    definitions: Path = PROJECT / "definitions"
    locked: bool = False
    alert_webhook: SecretStr | None = None
    webserver: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Of `DATASET_ASSETS_TARGET`, `_DEFINITIONS`, `_LOCKED`, `_ALERT_WEBHOOK` and `_WEBSERVER`.

        An empty variable counts as absent. Raises ContractError for one that is wrong.
        """
        env = os.environ if environ is None else environ
        definitions = env.get("DATASET_ASSETS_DEFINITIONS")
        webhook = _address("DATASET_ASSETS_ALERT_WEBHOOK", env)
        return cls(
            target=env.get("DATASET_ASSETS_TARGET") or "local",
            definitions=Path(definitions).resolve() if definitions else PROJECT / "definitions",
            locked=_flag("DATASET_ASSETS_LOCKED", env.get("DATASET_ASSETS_LOCKED", "")),
            alert_webhook=SecretStr(webhook) if webhook else None,
            webserver=_address("DATASET_ASSETS_WEBSERVER", env),
        )


def _address(name: str, env: Mapping[str, str]) -> str:
    """An address in the web, or nothing. What it is may be a secret, and is in no message."""
    value = env.get(name, "")
    if value and not _is_address(value):
        mend = "set it to one that begins with http:// or https://"
        raise ContractError(Fault(f"the environment variable {name} is not the address of a page", mend=mend))
    return value


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that is not closed, a port that is no number
        return False


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise ContractError(Fault(f"the environment variable {name} is {value!r}", mend="set it to 1 or 0"))
    return value.lower() in _TRUE
