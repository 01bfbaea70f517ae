"""The mode `proxy`: a proxy that knows the people writes the e-mail address of each into a header."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints
from starlette.types import Scope

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.web.access.headers import header_values
from dataset_assets.interfaces.web.access.mode import Mode, Sender
from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.model import Model

_NAME = re.compile(r"[!-~]{1,254}")


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text} is no network; write one as 10.0.0.0/8 or 10.0.0.7") from None
    if network.prefixlen == 0:
        raise ValueError(f"{text} is everybody; name the proxy's own addresses")
    return text


class ProxySettings(Model):
    """The header with the identity, and the networks of the proxies that are believed."""

    mode: Literal["proxy"] = "proxy"
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] = "X-Forwarded-Email"
    trusted: tuple[Annotated[str, AfterValidator(_network)], ...] = ()

    def check(self, host: str, definitions: Path) -> None:  # noqa: ARG002 - as every mode
        """Raise ContractError if no proxy is trusted."""
        if not self.trusted:
            message = "the mode proxy needs the addresses of the proxies that are believed"
            raise ContractError(Fault(message, hint="name them: --trusted-proxy 10.0.0.7"))

    def create(self, people: People) -> Mode:
        """Return the mode."""
        return ProxyMode(self, people)


class ProxyMode:
    """Believes the header of trusted peers, and answers nobody else."""

    def __init__(self, settings: ProxySettings, people: People) -> None:
        self._header, self._people = settings.header, people
        self._networks = tuple(map(ipaddress.ip_network, settings.trusted))

    async def sender(self, scope: Scope) -> Sender:
        """Return whom the proxy names. Raises RefusedError if another peer asks, or if it names nobody."""
        if not self._trusted((scope.get("client") or ("",))[0]):
            raise RefusedError(403, "the server answers its proxy alone; use the proxy's address")
        values = header_values(scope, self._header)
        if len(values) != 1:
            count = "no" if not values else "more than one"
            raise RefusedError(401 if not values else 400, f"the proxy sent {count} header {self._header}")
        if not _NAME.fullmatch(values[0]) or "," in values[0]:
            raise RefusedError(400, f"the header {self._header} names nobody")
        return Sender(self._people.identity(values[0]))

    def _trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)
