"""A short name for a list of texts: equal texts have equal digests."""

import hashlib
from collections.abc import Iterable


def digest(lines: Iterable[str]) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of the lines; undecodable file names are kept."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]
