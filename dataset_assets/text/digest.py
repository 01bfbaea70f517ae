"""Compute the digest of a list of texts: equal lists have equal digests."""

import hashlib
from collections.abc import Iterable


def digest(lines: Iterable[str]) -> str:
    """Return 32 hexadecimal digits of the SHA-256 of the lines. File names may be undecodable."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]
