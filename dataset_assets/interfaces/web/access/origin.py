"""Which hosts the server answers for, and which sites may send it changes (DNS rebinding, CSRF, framing)."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import Scope

from dataset_assets.interfaces.web.access.headers import single_header
from dataset_assets.interfaces.web.access.refusal import RefusedError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods of requests that change nothing (RFC 9110, section 9.2.1)."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORTS = {"http": "80", "https": "443"}
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "fencedframe"})


class Origins:
    """The names of one server: this machine's with the real port, the public address, and allowed ones."""

    def __init__(self, allowed: Iterable[str], public_url: str) -> None:
        parts = urlsplit(public_url)
        self._public = parts.netloc.lower()
        self._scheme = parts.scheme
        self._allowed = frozenset({*(each.lower() for each in allowed), self._public} - {""})

    def check_host(self, scope: Scope) -> str:
        """Return the host that a request names. Raises RefusedError (400, 421) for one that is not ours."""
        host = single_header(scope, "host").lower()
        name, port = _split(host)
        if not host or name is None:
            raise RefusedError(400, "the header Host is missing or is no host")
        served = str((scope.get("server") or ("", ""))[1])
        here = name in _LOOPBACK and (port or _PORTS["http"]) == served
        if not here and host not in self._allowed and name not in self._allowed:
            raise RefusedError(421, "the server does not answer for this host; --allowed-host adds one")
        return host

    def check_site(self, scope: Scope, host: str) -> None:
        """Raise RefusedError (403) for what another site made a browser send."""
        site = single_header(scope, "sec-fetch-site")
        foreign = site not in {"", "same-origin", "none"}
        if scope["method"] in SAFE:
            link = single_header(scope, "sec-fetch-mode") == "navigate" and scope["method"] == "GET"
            framed = single_header(scope, "sec-fetch-dest") in _FRAMES
            if foreign and (not link or framed):
                raise RefusedError(403, "another site cannot read from this server")
            return
        origin = single_header(scope, "origin")
        if foreign or (origin and not self._is_ours(origin, host)):
            raise RefusedError(403, "another site cannot change anything here")

    def require_proof(self, scope: Scope) -> None:
        """Raise RefusedError (403) for a session's change that no header shows to come from our own pages."""
        if scope["method"] in SAFE:
            return
        if single_header(scope, "sec-fetch-site") != "same-origin" and not single_header(scope, "origin"):
            raise RefusedError(403, "a change in a browser's session needs its header Origin")

    @property
    def secure(self) -> bool:
        """Whether people use the server through https."""
        return self._scheme == "https"

    def _is_ours(self, origin: str, host: str) -> bool:
        scheme, separator, netloc = origin.lower().partition("://")
        if not separator or scheme not in _PORTS or _with_port(netloc, scheme) != _with_port(host, scheme):
            return False
        if host == self._public:
            return scheme == self._scheme
        return scheme == "http" or _split(host)[0] not in _LOOPBACK


def _split(host: str) -> tuple[str | None, str]:
    """Return (name, port) of a Host header; the name is None if it is no host."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    valid = name.startswith("[") or all(char.isalnum() or char in "-._" for char in name)
    if not name or not name.isascii() or not valid or (colon and port and not port.isdecimal()):
        return None, ""
    return name, port


def _with_port(netloc: str, scheme: str) -> str:
    name, port = _split(netloc)
    return f"{name}:{port or _PORTS[scheme]}"
