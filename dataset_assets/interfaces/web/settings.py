"""The settings of the server: where it listens, how it knows who asks, and where Dagster is."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from dataset_assets.model import Model


class AuthMode(StrEnum):
    """How the server knows who sends a request."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - the name of a mode
    PROXY = "proxy"
    IAP = "iap"


class ServerSettings(Model):
    """Settings of `dataset-assets serve`.

    `dagster` is the address of Dagster's web pages, which start runs; empty if there is none. `audit_log` is
    the file that receives a line for each change; None to write none.
    """

    host: str = "127.0.0.1"
    port: int = Field(3001, ge=0, le=65535)
    auth: AuthMode = AuthMode.NONE
    dagster: str = ""
    audit_log: Path | None = None
