"""Verify the assertions by which Google's Identity-Aware Proxy says who sends a request."""

import json
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any
from urllib.request import urlopen

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from dataset_assets.errors import Fault, UnavailableError

ISSUER = "https://cloud.google.com/iap"
KEYS = "https://www.gstatic.com/iap/verify/public_key"
"""The address at which Google publishes the keys: a JSON object of key id → PEM."""
KEPT_SECONDS = 3600.0
"""For how long keys are kept; an unknown key id fetches them again, once in AGAIN_SECONDS at most."""
AGAIN_SECONDS = 60.0
SKEW_SECONDS = 30
_LONGEST_BYTES = 1_000_000
_INVALID = (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class SignedAssertions:
    """Verifies assertions that are signed with ES256, for one audience, by Google's issuer."""

    def __init__(self, audience: str, keys: str) -> None:
        self._audience, self._keys = audience, _Keys(keys)

    def email(self, assertion: str) -> str | None:
        """Return the e-mail address of a valid assertion; None if it is forged, for another, or has expired.

        Raises UnavailableError if the keys cannot be fetched.
        """
        try:
            return self._verified(assertion)
        except _INVALID:
            return None

    def _verified(self, assertion: str) -> str | None:
        header = jwt.decode_header(assertion)
        id_ = header.get("kid")
        if header.get("alg") != "ES256" or not isinstance(id_, str):
            return None  # another algorithm would make another use of the key
        claims: dict[str, Any] = jwt.decode(
            assertion,
            certs={id_: self._keys.key(id_)},
            audience=self._audience,
            clock_skew_in_seconds=SKEW_SECONDS,
        )
        email = claims.get("email")
        return email if claims.get("iss") == ISSUER and isinstance(email, str) else None


class _Keys:
    """Public keys by id, of a URL or a file, kept for an hour."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lock = Lock()
        self._keys: dict[str, str] = {}
        self._fetched = float("-inf")

    def key(self, id_: str) -> str:
        """Return a key as PEM. Raises KeyError if there is none, and UnavailableError without an answer."""
        with self._lock:
            age = monotonic() - self._fetched
            if age > KEPT_SECONDS or (id_ not in self._keys and age > AGAIN_SECONDS):
                try:
                    self._keys, self._fetched = self._fetch(), monotonic()
                except (OSError, ValueError, TypeError):
                    if id_ not in self._keys:
                        fault = Fault("the keys of Google's proxy cannot be fetched now", hint="try again")
                        raise UnavailableError(fault) from None
            return self._keys[id_]

    def _fetch(self) -> dict[str, str]:
        if "://" not in self._source:
            text = Path(self._source).read_bytes()
        else:
            with urlopen(self._source, timeout=5) as answer:  # noqa: S310 - settings allow https alone
                text = answer.read(_LONGEST_BYTES)
        found = json.loads(text)
        if not isinstance(found, dict):
            raise TypeError("the keys are no JSON object")
        return {str(id_): str(key) for id_, key in found.items()}
