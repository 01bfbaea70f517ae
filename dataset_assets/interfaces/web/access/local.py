"""The mode `none`: whoever can reach the server may do everything, so only this machine can reach it."""

import ipaddress
from pathlib import Path
from typing import Literal

from starlette.types import Scope

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.web.access.mode import Mode, Sender
from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.identity import LOCAL
from dataset_assets.model import Model


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach a host."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class LocalSettings(Model):
    """The mode `none` has no settings."""

    mode: Literal["none"] = "none"

    def check(self, host: str, definitions: Path) -> None:  # noqa: ARG002 - other modes look at the folder
        """Raise ContractError for an address that other machines can reach."""
        if not is_loopback(host):
            message = f"without authentication the server listens at this machine alone, not at {host}"
            hint = "choose who may come in: --auth token, proxy or iap"
            raise ContractError(Fault(message, hint=hint))

    def create(self, people: People) -> Mode:  # noqa: ARG002 - other modes look people up
        """Return the mode."""
        return LocalMode()


class LocalMode:
    """Answers programs of this machine, which may do everything."""

    async def sender(self, scope: Scope) -> Sender:
        """Return the identity of this machine. Raises RefusedError for a peer elsewhere."""
        peer = (scope.get("client") or ("",))[0]
        if not is_loopback(peer):
            raise RefusedError(403, "the server answers programs of its own machine alone")
        return Sender(LOCAL)
