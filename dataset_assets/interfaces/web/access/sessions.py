"""Sessions of browsers: a cookie that is signed, expires, and ends with logout."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from threading import Lock

LIFETIME_SECONDS = 12 * 3600
COOKIE = "dataset_assets_session"


@dataclass(frozen=True)
class Session:
    """A session: its id, the hash of the token that began it, and the second at which it expires."""

    id: str
    token_hash: str
    expires: int


@dataclass(frozen=True)
class Sessions:
    """Writes and reads the cookies of one server. Its key is made when it starts: a restart ends sessions."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _ended: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, token_hash: str, now: float | None = None) -> str:
        """Return the value of the cookie of a new session."""
        expires = int(now or time.time()) + LIFETIME_SECONDS
        content = json.dumps([secrets.token_urlsafe(16), token_hash, expires]).encode()
        body = base64.urlsafe_b64encode(content).decode()
        return f"{body}.{self._signature(body)}"

    def read(self, cookie: str, now: float | None = None) -> Session | None:
        """Return the session of a cookie; None if it is forged, has expired, or was ended."""
        body, dot, signature = cookie.partition(".")
        expected = self._signature(body).encode()
        if not dot or not hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass")):
            return None
        session = Session(*json.loads(base64.urlsafe_b64decode(body)))
        with self._lock:
            if session.id in self._ended:
                return None
        return session if session.expires > (now or time.time()) else None

    def end(self, id_: str) -> None:
        """End a session, whoever has its cookie."""
        now = int(time.time())
        with self._lock:
            for each in [each for each, expires in self._ended.items() if expires < now]:
                del self._ended[each]
            self._ended[id_] = now + LIFETIME_SECONDS

    def _signature(self, body: str) -> str:
        return hmac.new(self._key, body.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
