"""The settings of the server: where it listens, how it knows who asks, and where Dagster is."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.web.access.local import LocalSettings
from dataset_assets.interfaces.web.access.modes import MODES, Access
from dataset_assets.model import Model


class ServerSettings(Model):
    """Settings of `dataset-assets serve`.

    `auth` is how the server knows who sends a request. `allowed_hosts` are hosts that it answers for beside
    this machine's names, and `public_url` is the address that people use, if there is a proxy before it.
    `dagster` is the address of Dagster's web pages, which start runs; empty if there is none;
    `dagster_internal` is where the server itself reaches them, if that is another address. `audit_log` is the
    file that receives a line for each change; None to write none.
    """

    host: str = "127.0.0.1"
    port: int = Field(3001, ge=0, le=65535)
    auth: Access = LocalSettings()
    allowed_hosts: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:\[\]-]+$")], ...] = ()
    public_url: Annotated[str, StringConstraints(pattern=r"^(https?://[A-Za-z0-9.:-]+)?$")] = ""
    dagster: str = ""
    dagster_internal: str = ""
    audit_log: Path | None = None


def server_settings(**given: Any) -> ServerSettings:
    """Return the settings of options and variables. Raises ContractError with every fault in them."""
    try:
        return ServerSettings.model_validate(given)
    except ValidationError as error:
        raise ContractError(*(_fault(detail) for detail in error.errors())) from None


def _fault(detail: Any) -> Fault:
    place = ".".join(str(step) for step in detail["loc"] if step not in {"auth", *MODES})
    return Fault(f"{place}: {detail['msg'].removeprefix('Value error, ')}", hint="see `serve --help`")
